/** A record-routing SIP proxy between a PBX and its trunks, on real sockets and a store. */
export { ANSWER_HELD_MS_MAX, END_HELD_MS_MAX } from "./held-turns.ts";
export {
  type LoggedMessage,
  MESSAGES_KEPT_MAX,
  type MessageLog,
  makeMessageLog,
  openMessageLog,
} from "./message-log.ts";
export { isAddress } from "./names.ts";
export { type RedirectListen, serveRedirects } from "./redirect.ts";
export {
  type AgentFallback,
  type AgentProxy,
  type AgentProxyCounters,
  type AgentProxyOptions,
  type InProcess,
  type ProxyListen,
  type SipPlace,
  serveAgentProxy,
} from "./serve.ts";
export { openSteps, type Steppable, type Steps } from "./steps.ts";
export type { Link, StreamSecurity } from "./streams.ts";
export {
  type Arrived,
  openTransports,
  type TransportHandlers,
  type TransportOptions,
  type Transports,
} from "./transports.ts";
export { openUnreadableLog, UNREADABLE_NEWEST_MAX, type UnreadableEntry, type UnreadableLog } from "./unreadable.ts";
