/** A record-routing SIP proxy between a PBX and its trunks, on real sockets and a store. */

export { ANSWER_HELD_MS_MAX, END_HELD_MS_MAX } from "./held-turns.ts";
export { isAddress, openNames } from "./names.ts";
export { type RedirectListen, serveRedirects } from "./redirect.ts";
export {
  type AgentProxy,
  type AgentProxyCounters,
  type AgentProxyOptions,
  type ProxyListen,
  serveAgentProxy,
} from "./serve.ts";
export { openSteps, type Steppable, type Steps } from "./steps.ts";
export { type Link, openStreams, type StreamSecurity, type Streams } from "./streams.ts";
export { openUnreadableLog, UNREADABLE_NEWEST_MAX, type UnreadableEntry, type UnreadableLog } from "./unreadable.ts";
