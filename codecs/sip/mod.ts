/** SIP and SDP as text: messages, addresses, framing, what follows from what, the ticket's header field. */
export {
  ackOf,
  branchOf,
  cancelOf,
  cseqOf,
  MAGIC_BRANCH,
  type ResponseParts,
  responseTo,
  tagOf,
  textBody,
} from "./build.ts";
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
  addressesOf,
  type CSeq,
  canonicalName,
  type HasHeaders,
  type Header,
  headerOf,
  listOf,
  parseCSeq,
  parseVia,
  printVia,
  type Via,
  withHeader,
  withList,
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
export { hasParam, PARAMS_MAX, type Param, paramOf } from "./params.ts";
export { parseSdp, printSdp, type Sdp, type SdpLine, type SdpMedia } from "./sdp.ts";
export { TICKET_HEADER, ticketOf, withTicket } from "./ticket-header.ts";
export {
  type NameAddr,
  numberOf,
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
