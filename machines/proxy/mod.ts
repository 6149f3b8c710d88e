/** A record-routing SIP proxy between a PBX and its trunks: its transactions, its decisions, and the core that ties them. */
export { CALL_MS_MAX } from "./calls.ts";
export { ProxyCore } from "./core.ts";
export { CORE_LIMITS, CORE_TIMING } from "./defaults.ts";
export { DATAGRAM_BYTES_MAX } from "./forwarding.ts";
export { proxyInviteClient } from "./invite-client.ts";
export { proxyInviteServer } from "./invite-server.ts";
export { proxyRequestClient } from "./request-client.ts";
export { proxyRequestServer } from "./request-server.ts";
export { responseContext } from "./response-context.ts";
export type {
  CallReport,
  CoreCount,
  CoreLimits,
  CoreOptions,
  CoreOrder,
  CoreTiming,
  Destination,
  FallbackReason,
  OwnAddress,
  ProxySide,
  RouteOf,
  SipPeer,
  Source,
  Transport,
  Way,
} from "./types.ts";
export { completed, replyTo } from "./via.ts";
export { SLOT_MS, Wheel } from "./wheel.ts";
