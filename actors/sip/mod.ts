/** SIP at work: a telephone exchange on the demonstration's network, and a caller without manners. */
export { type Agent, type AgentOptions, startAgent } from "./agent.ts";
export type { Call } from "./caller.ts";
export { DIALLED_MAX } from "./endpoint.ts";
export { type InviteFate, type SentInvite, sendInvite } from "./send-invite.ts";
