/** The events, orders and context of the machine that stores values. */
import type { KindConfiguration } from "../../codecs/overlay/mod.ts";
import type {
  Body,
  ErrorName,
  FetchReq,
  FindReq,
  NodeId,
  ProbeReq,
  StoreKindData,
  StoreReq,
} from "../../codecs/reload/mod.ts";
import type { Decision, Note, Of } from "../kit/mod.ts";
import type { Buckets } from "./buckets.ts";
import type { Asked, ReplyTo, RingChange } from "./peer-types.ts";
import type { RingView } from "./ring.ts";
import type { Resource, Signers, StoredEntry } from "./stored-entry.ts";
import type { ValueTable } from "./value-table.ts";

export type { Resource, Signer, Signers, StoredEntry, StoredKind } from "./stored-entry.ts";

/** The configuration's rules for storage. */
export interface ValueStoragePolicy {
  readonly kinds: ReadonlyArray<KindConfiguration>;
  /** Entries one Node-ID may store in the whole overlay. */
  readonly quota: number;
  readonly storesPerSecond: number;
  readonly fetchesPerSecond: number;
  /** Nodes whose certificates are withdrawn: their entries go when the expire timer fires next. */
  readonly badNodes: ReadonlyArray<NodeId>;
}
export interface ValueStorageSettings extends ValueStoragePolicy {
  readonly timing: ValueStorageTiming;
  readonly startedMs: number;
}

/** All in milliseconds. */
export interface ValueStorageTiming {
  /** "the successor replacement hold-down time (30 seconds)", §10.7.1. */
  readonly holdDown: number;
  /** From one search for expired values to the next. */
  readonly expire: number;
}
export const storageTiming: ValueStorageTiming = { holdDown: 30_000, expire: 60_000 };

/** One version of one value, identified by its place and its storage time. */
export interface ValueVersion {
  readonly resource: string;
  readonly kind: number;
  readonly place: string;
  readonly storageTime: bigint;
}
/** A resource to be copied to that node, or to the responsible node where `to` is undefined. */
export interface PendingCopy {
  readonly resource: string;
  readonly to: NodeId | undefined;
  readonly replica: number;
}

/** One row read from disk: an entry, or the generation counter of a Kind. */
export type Restored =
  | { readonly type: "entry"; readonly resource: Uint8Array; readonly kind: number; readonly entry: StoredEntry }
  | { readonly type: "generation"; readonly resource: Uint8Array; readonly kind: number; readonly generation: bigint };
/** A resource as it was before; undefined: there was none. */
export interface ResourceBefore {
  readonly id: Uint8Array;
  readonly resource: Resource | undefined;
}

/** What a `save` changes on disk. */
export type ValueChange =
  /** Undefined: nothing of that Kind is stored any more. */
  | { readonly type: "generation"; readonly kind: number; readonly generation: bigint | undefined }
  | { readonly type: "removed"; readonly kind: number; readonly place: string }
  | {
      readonly type: "stored";
      readonly kind: number;
      readonly place: string;
      readonly entry: StoredEntry;
      /** Of its Kind. */
      readonly generation: bigint;
    };

export type CopyOutcome = "stored" | "refused" | "older" | "unanswered";
export type ValueStorageTimer = "expire" | "repair";
export type ValueStorageEvent =
  | {
      readonly type: "storeReq";
      readonly asked: Asked;
      readonly body: StoreReq;
      readonly signers: Signers;
      readonly users: ReadonlyArray<string>;
    }
  | { readonly type: "fetchReq"; readonly asked: Asked; readonly body: FetchReq }
  | { readonly type: "statReq"; readonly asked: Asked; readonly body: FetchReq }
  | { readonly type: "findReq"; readonly asked: Asked; readonly body: FindReq }
  | { readonly type: "probeReq"; readonly asked: Asked; readonly body: ProbeReq }
  | { readonly type: "ring"; readonly view: RingView; readonly change: RingChange; readonly atMs: number }
  | { readonly type: "handOver"; readonly to: NodeId; readonly atMs: number }
  /** Rows from disk, before this node takes its place in the ring. */
  | { readonly type: "restored"; readonly values: ReadonlyArray<Restored>; readonly atMs: number }
  /** The disk failed a `save`: these resources go back to what the disk has. */
  | { readonly type: "unsaved"; readonly was: ReadonlyArray<ResourceBefore> }
  /**
   * The outcome of a copy. `refused`: that node does not accept it from us, and may have it from another node. `older`: it
   * has a newer version.
   */
  | {
      readonly type: "copied";
      readonly to: NodeId | undefined;
      readonly versions: ReadonlyArray<ValueVersion>;
      readonly outcome: CopyOutcome;
      readonly atMs: number;
    }
  /** The answer of a node to our Fetch of a resource; signatures verified as for a Store. */
  | {
      readonly type: "recalled";
      readonly to: NodeId | undefined;
      readonly resource: Uint8Array;
      readonly versions: ReadonlyArray<ValueVersion>;
      readonly kinds: ReadonlyArray<StoreKindData>;
      readonly signers: Signers;
      readonly atMs: number;
    }
  | { readonly type: "timerFired"; readonly timer: ValueStorageTimer; readonly atMs: number }
  | { readonly type: "statusAsked"; readonly ticket: number }
  /** A new configuration document is in force. */
  | { readonly type: "configured"; readonly policy: ValueStoragePolicy }
  | { readonly type: "closed" };

export type ValueStorageAction =
  | {
      readonly type: "answer";
      readonly reply: ReplyTo;
      readonly body: Body;
      readonly certificates: ReadonlyArray<Uint8Array>;
    }
  | { readonly type: "refuse"; readonly reply: ReplyTo; readonly error: ErrorName; readonly info: string | Uint8Array }
  /** A Store to another node, of values as their owners signed them; `copied` reports its outcome. */
  | {
      readonly type: "copy";
      readonly to: NodeId | undefined;
      readonly body: StoreReq;
      readonly versions: ReadonlyArray<ValueVersion>;
      readonly certificates: ReadonlyArray<Uint8Array>;
    }
  /**
   * Asks that node for these values: by a Stat, and `copied` reports which versions it has; or, where `isNewer`, by a Fetch,
   * and `recalled` brings them.
   */
  | {
      readonly type: "inquire";
      readonly to: NodeId | undefined;
      readonly resource: Uint8Array;
      readonly versions: ReadonlyArray<ValueVersion>;
      readonly isNewer: boolean;
    }
  /**
   * Must be on disk before any `answer` to a Store or `copy` ordered after it is sent. A host without a disk ignores it; one
   * whose disk fails answers that Store with an error, and sends the event `unsaved`.
   */
  | {
      readonly type: "save";
      readonly id: Uint8Array;
      /** At least one. */
      readonly changes: ReadonlyArray<ValueChange>;
      readonly before: Resource | undefined;
      readonly after: Resource | undefined;
    }
  /** `unsaved` is done. */
  | { readonly type: "undone" }
  | { readonly type: "handedOver"; readonly to: NodeId }
  | { readonly type: "startTimer"; readonly timer: ValueStorageTimer; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: ValueStorageTimer }
  /** For the operator's counters: why a store or fetch was refused. */
  | { readonly type: "count"; readonly refused: string; readonly signer: NodeId }
  | {
      readonly type: "status";
      readonly ticket: number;
      readonly resources: number;
      readonly primaries: Readonly<Record<string, number>>;
      readonly replicas: Readonly<Record<string, number>>;
    }
  | Note;

export interface ValueStorageContext {
  readonly settings: ValueStorageSettings;
  readonly view: RingView;
  readonly valueTable: ValueTable;
  /** Number of entries by signer (hex): those this node is responsible for, and replicas. */
  readonly primaries: Readonly<Record<string, number>>;
  readonly replicas: Readonly<Record<string, number>>;
  /** Rates of the requesting nodes, by Node-ID in hex. */
  readonly stores: Buckets;
  readonly fetches: Buckets;
  readonly due: ReadonlyArray<PendingCopy>;
  /** Destinations of the copies under way, one item for each copy. */
  readonly copying: ReadonlyArray<NodeId | undefined>;
  /** Nodes that wait for `handedOver`. */
  readonly handing: ReadonlyArray<NodeId>;
  /** The repair timer runs. */
  readonly repairing: boolean;
}
/** A decision that gives no other orders than these. */
export type ValueStorageDecision<K extends ValueStorageAction["type"]> = Decision<
  ValueStorageContext,
  Of<ValueStorageAction, K>
>;
