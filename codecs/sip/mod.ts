/** SIP and SDP as text: messages, addresses, framing, what follows from what, the ticket's header field. */
export { ackOf, badRequestOf, cancelOf, MAGIC_BRANCH, type ResponseParts, responseTo, textBody } from "./build.ts";
export { callLabel } from "./call-label.ts";
export {
  type CryptoAttribute,
  type CryptoKey,
  keyBytesOf,
  LIFETIME_MAX,
  parseCrypto,
  printCrypto,
  type SessionParam,
} from "./crypto.ts";
export { cutSip, emptySipRemainder, type SipCut, type SipRemainder } from "./cut.ts";
export { readDatagram } from "./datagram.ts";
export {
  contactOf,
  type Dialog,
  dialogIdOf,
  dialogOfCallee,
  dialogOfCaller,
  hostOf,
  type InviteParts,
  inviteOf,
  requestIn,
  type SentBy,
  strictly,
} from "./dialog.ts";
export { authorizationOf, type Challenge, challengeIn, type DigestCredentials } from "./digest.ts";
export type { Parsed, SipError } from "./error.ts";
export {
  fieldsOf,
  type HasHeaders,
  type Header,
  headerOf,
  idOf,
  listOf,
  withFieldsOf,
  withFirst,
  withHeader,
  withList,
} from "./fields.ts";
export { HEADERS_MAX } from "./head.ts";
export { branchOf, cseqOf, HOPS_MAX, hopsOf, routesIn, tagOf, topViaOf } from "./header.ts";
export { answerTo, KEY_BYTES, type MediaEnd, OFFERED_SUITES, offerOf, refusalOf } from "./media.ts";
export {
  headTextOf,
  messageOfHeadText,
  parseSip,
  printSip,
  requestUriOf,
  SIP_BYTES_MAX,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  sessionIn,
  type Unreadable,
  withSession,
} from "./message.ts";
export { type NameAddr, parseNameAddr, printNameAddr, targetIn } from "./name-addr.ts";
export { ID as FIELD } from "./names.ts";
export { firstComma, hasParam, PARAMS_MAX, type Param, paramOf } from "./params.ts";
export {
  endOf,
  isReachable,
  type MediaAddress,
  type ShownStream,
  type StreamEnd,
  saidOnce,
  shownAs,
} from "./relayed.ts";
export { parseSdp, printSdp, type Sdp, type SdpLine, type SdpMedia } from "./sdp.ts";
export {
  choosableOf,
  chosenOf,
  clearProfile,
  isAble,
  isClearProfile,
  isCrypto,
  isOurSuite,
  isSecured,
  isSecuredAnswer,
  isSecuredProfile,
  SUITES,
  type Suite,
  type SuiteName,
  securedProfile,
  securingOf,
  sharesKey,
} from "./secured.ts";
export {
  CALL_TEXT_CHARS_MAX,
  CALL_VALUES_MAX,
  type CallTexts,
  decodeCall,
  encodeCall,
  type StoredCall,
  textsOf,
} from "./stored-call.ts";
export { TICKET_HEADER, ticketOf, withTicket } from "./ticket-header.ts";
export {
  isReturned,
  numberOf,
  type OtherUri,
  parseHostPort,
  parseUri,
  printHostPort,
  printUri,
  type SipUri,
  sipUri,
  type TelUri,
  type Uri,
  withoutHeaders,
} from "./uri.ts";
export { type CSeq, parseCSeq, parseVia, printVia, type Via } from "./values.ts";
