/** A record-routing SIP proxy between a PBX and its trunks: its transactions, its decisions, and the core that ties them. */

export { defaultPort, type Hop as NextHop, hopOf, isLoose, OwnAddresses, transportOf } from "./addresses.ts";
export { CALL_MS_MAX, type CallView } from "./calls.ts";
export { type Hop, RequestContext } from "./context.ts";
export { ProxyCore } from "./core.ts";
export { CORE_LIMITS, CORE_TIMING } from "./defaults.ts";
export { DATAGRAM_BYTES_MAX, Forwarding, type ForwardingUser } from "./forwarding.ts";
export { Ids } from "./ids.ts";
export { proxyInviteClient } from "./invite-client.ts";
export { proxyInviteServer } from "./invite-server.ts";
export { Peers, type PeerTarget, type Sender } from "./peers.ts";
export { Replies } from "./replies.ts";
export { proxyRequestClient } from "./request-client.ts";
export { proxyRequestServer } from "./request-server.ts";
export { eventOf, type ResponseContextEvent, responseContext } from "./response-context.ts";
export { leaving, nextHopOf, type Routed, routed, toStrictRouter, uriFaultOf } from "./route.ts";
export { sipCallKey } from "./sip-calls.ts";
export { ClientTransaction, ServerTransaction, type Timed } from "./transaction.ts";
export { Transactions, type TransactionUser } from "./transactions.ts";
export type {
  CallReport,
  CoreCount,
  CoreLimits,
  CoreOptions,
  CoreOrder,
  CoreTiming,
  Destination,
  FallbackReason,
  FallbackTaker,
  OwnAddress,
  ProxySide,
  RouteOf,
  SipPeer,
  Source,
  Transport,
  Way,
} from "./types.ts";
export { completed, replyTo } from "./via.ts";
export { LONG_MS, LONG_SLOT_MS, SLOT_MS, type Timer, Wheel } from "./wheel.ts";
