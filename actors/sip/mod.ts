/** SIP at work: border elements, call agents, and a caller without manners. */
export { type Agent, type AgentOptions, startAgent } from "./agent.ts";
export { type Border, type BorderCounters, type BorderOptions, serveBorder } from "./border.ts";
export type { Call } from "./caller.ts";
export { DIALLED_MAX } from "./endpoint.ts";
export type { BorderReason } from "./proxy.ts";
export { type InviteFate, type SentInvite, sendInvite } from "./send-invite.ts";
