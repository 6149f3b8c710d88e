/** RELOAD's machines: a Chord node, its storage of values, its links, its requests; and the ring's arithmetic. */
export { AHEAD_MS_MAX, ENTRIES_OF_SIGNER_MAX, LIFETIME_S_MAX } from "./admit.ts";
export { NOTIFIED_MAX, reloadConfiguration } from "./configuration.ts";
export type {
  ConfigurationAction,
  ConfigurationEvent,
  ConfigurationInput,
  ConfigurationTimer,
  Offered,
} from "./configuration-types.ts";
export {
  FRAGMENTS_MS,
  fragmentsOf,
  type Gathered,
  type Gathering,
  gather,
  nothingGathered,
  OPEN_MAX,
  OPEN_OF_NEIGHBOUR_MAX,
  SIZES_MAX,
  SIZES_OF_NEIGHBOUR_MAX,
} from "./fragments.ts";
export {
  maskFor,
  type ReloadLinkAction,
  type ReloadLinkEvent,
  type ReloadLinkInput,
  reloadLink,
  withReceived,
} from "./link.ts";
export { reloadPeer } from "./peer.ts";
export {
  type Asked,
  isAwaited,
  type PeerAction,
  type PeerContext,
  type PeerEvent,
  type PeerPolicy,
  type PeerSettings,
  type PeerState,
  type PeerTimer,
  type PeerTiming,
  type PendingRequest,
  peerTiming,
  type ReplyTo,
  type RingChange,
} from "./peer-types.ts";
export { matchesRegistration, mayWrite, type Writer } from "./policy.ts";
export { BURST_S, type Bucket, fullBucket, quotaBound, take, waitMs } from "./quota.ts";
export { confirmedVersions, copyOutcomeOf, isBelieved, isFromNeighbour, refusalOf, replyTo } from "./receipt.ts";
export { againAtMs, REFRESH_AT, REFRESH_JITTER, refreshMs } from "./refresh.ts";
export { REPLICAS } from "./repair.ts";
export { restoredFrom, sharingCertificates } from "./restoring.ts";
export {
  distance,
  fingerRange,
  fingersOf,
  isBetween,
  isResponsible,
  nextHop,
  ownedFraction,
  ownersOf,
  predecessorsOf,
  RING_BITS,
  RING_SIZE,
  type RingView,
  replicatedFraction,
  successorsOf,
  WILDCARD,
  wrap,
} from "./ring.ts";
export {
  holdTogether,
  isIdealRing,
  type MemberView,
  type RingFault,
  ringFault,
  withDeadEntries,
} from "./ring-invariant.ts";
export {
  isAnswer,
  isFirstFragment,
  mayAnswer,
  NOT_A_PEER,
  NOT_RESPONSIBLE,
  type RouteSettings,
  routeOf,
  type Verdict,
  wayBack,
} from "./route.ts";
export { type RowChange, rowsOfSave } from "./saving.ts";
export { settledPeer, viewWith } from "./settled.ts";
export { reloadStorage } from "./storage.ts";
export {
  type CopyOutcome,
  type Resource,
  type ResourceBefore,
  type Restored,
  type Signer,
  type Signers,
  storageTiming,
  type ValueStorageAction,
  type ValueStorageContext,
  type ValueStorageEvent,
  type ValueStoragePolicy,
  type ValueStorageSettings,
  type ValueStorageTimer,
  type ValueStorageTiming,
  type ValueVersion,
} from "./storage-types.ts";
export { type Table, viewOf } from "./table.ts";
export {
  type ReloadOutcome,
  type ReloadTransactionAction,
  type ReloadTransactionEvent,
  type ReloadTransactionInput,
  reloadTransaction,
  SENDS_MAX,
} from "./transaction.ts";
export { entriesIn, resourceAtKey, resourcesOf, type ValueTable } from "./value-table.ts";
