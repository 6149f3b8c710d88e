/** A node of the overlay without a world: events in, orders out. DECISIONS.md D-267. */
export { reachable, VALUES_MAX } from "./arriving.ts";
export { ABSENT_MS, FETCHES_MAX, WAITING_MAX } from "./certificates.ts";
export { SEED_BYTES } from "./chance.ts";
export type { Core } from "./core.ts";
export { reached } from "./link-table.ts";
export { IDENTIFY_MS, UNIDENTIFIED_MESSAGES_MAX } from "./links.ts";
export { LOOK_UPS_KEPT_MAX } from "./look-ups.ts";
export { handle, openNode } from "./node.ts";
export { REQUESTS_MAX } from "./requests.ts";
export { OF_SIGNER_MAX, REPLAY_MS, REQUEST_MS, SEEN_MAX } from "./seen-requests.ts";
export { SIGNING_MAX } from "./signing.ts";
export { type CertifiedFacts, memberFacts } from "./trust.ts";
export type {
  Carry,
  Counter,
  LookUp,
  NodeCoreLimits,
  NodeEvent,
  NodeNote,
  NodeOrder,
  NodeReport,
  NodeRequest,
  NodeSettings,
  NodeStream,
} from "./types.ts";
