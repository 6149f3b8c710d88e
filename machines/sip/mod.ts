/** SIP decided: the four transactions, admission, secured media, a call agent's calls. */
export {
  type AnswerAction,
  type AnswerEvent,
  type AnswerInput,
  type AnswerTimer,
  answer,
} from "./answer.ts";
export {
  ACCEPT,
  type Admission,
  type AdmissionInput,
  type Answer,
  admit,
  type BorderRefusal,
  faultOf,
  numberIn,
  type OnReject,
} from "./border.ts";
export {
  type CallAction,
  type CallEvent,
  type CallInput,
  type CallOutcome,
  type CallRoute,
  type CallTimer,
  call,
} from "./call.ts";
export { type CertificateNames, domainsOf } from "./domain.ts";
export {
  type ClientTransactionInput,
  type InviteClientAction,
  type InviteClientEvent,
  inviteClient,
  type TransactionFailure,
} from "./invite-client.ts";
export {
  type InviteServerAction,
  type InviteServerEvent,
  inviteServer,
  type ServerTransactionInput,
} from "./invite-server.ts";
export { clientKeyOf, serverKeyOf } from "./keys.ts";
export {
  type Description,
  descriptionIn,
  type MediaVerdict,
  mayBeSecured,
  mediaFaultOf,
  mediaVerdictOf,
} from "./media.ts";
export { type NonInviteClientAction, type NonInviteClientEvent, nonInviteClient } from "./non-invite-client.ts";
export { type NonInviteServerAction, type NonInviteServerEvent, nonInviteServer } from "./non-invite-server.ts";
export { type PstnAnswerAction, type PstnAnswerEvent, type PstnAnswerInput, pstnAnswer } from "./pstn-answer.ts";
export { type HostPort, type OutsideHop, outsideHopOf, routeOf, SIPS_PORT, type Side } from "./route.ts";
