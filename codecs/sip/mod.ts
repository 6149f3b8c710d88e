/** SIP and SDP as text: messages, addresses, framing, what follows from what, the ticket's header field. */
export { ackOf, cancelOf, MAGIC_BRANCH, type ResponseParts, responseTo, textBody } from "./build.ts";
export { cutSip, noSip, type SipCut, type SipHeld } from "./cut.ts";
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
} from "./dialog.ts";
export type { Parsed, SipError } from "./error.ts";
export {
  type HasHeaders,
  type Header,
  headerOf,
  linesOf,
  listOf,
  withFieldsOf,
  withFirst,
  withHeader,
  withList,
} from "./fields.ts";
export {
  addressesOf,
  branchOf,
  type CSeq,
  cseqOf,
  parseCSeq,
  parseVia,
  printVia,
  routesIn,
  tagOf,
  topViaOf,
  type Via,
} from "./header.ts";
export {
  answerTo,
  type Crypto,
  cryptosOf,
  isSecured,
  isSecuredAnswer,
  KEY_BYTES,
  type MediaEnd,
  offerOf,
  SECURED,
  SUITES,
} from "./media.ts";
export {
  HEADERS_MAX,
  parseSip,
  printSip,
  SIP_BYTES_MAX,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from "./message.ts";
export { canonicalName } from "./names.ts";
export { hasParam, PARAMS_MAX, type Param, paramOf } from "./params.ts";
export { parseSdp, printSdp, type Sdp, type SdpLine, type SdpMedia } from "./sdp.ts";
export { TICKET_HEADER, ticketOf, withTicket } from "./ticket-header.ts";
export {
  type NameAddr,
  numberOf,
  type OtherUri,
  parseHostPort,
  parseNameAddr,
  parseUri,
  printHostPort,
  printNameAddr,
  printUri,
  type SipUri,
  sipUri,
  type TelUri,
  type Uri,
} from "./uri.ts";
