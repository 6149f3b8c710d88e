/** What a keeper of stored values is told, what it orders, and what it remembers. */
import type {
  Body,
  ErrorName,
  FetchReq,
  FindReq,
  KindConfiguration,
  ProbeReq,
  StoredData,
  StoreKindData,
  StoreReq,
} from "../../codecs/reload/mod.ts";
import type { Decision, Note, Of } from "../kit/mod.ts";
import type { Asked, ReplyTo, RingChange } from "./peer-types.ts";
import type { Bucket } from "./quota.ts";
import type { RingView } from "./ring.ts";
import type { Shelf } from "./shelf.ts";

/** What the configuration document says of keeping. */
export interface KeeperPolicy {
  readonly kinds: ReadonlyArray<KindConfiguration>;
  /** Entries one Node-ID may keep in the whole overlay. */
  readonly quota: number;
  readonly storesPerSecond: number;
  readonly fetchesPerSecond: number;
  /** Whose entries are believed no more, and go at the next look. */
  readonly badNodes: ReadonlyArray<bigint>;
}
export interface KeeperSettings extends KeeperPolicy {
  readonly timing: KeeperTiming;
  readonly startedMs: number;
}

/** All in milliseconds. */
export interface KeeperTiming {
  /** "the successor replacement hold-down time (30 seconds)", §10.7.1. */
  readonly holdDown: number;
  /** Between two looks for values whose lifetime is over. */
  readonly expire: number;
}
export const keeperTiming: KeeperTiming = { holdDown: 30_000, expire: 60_000 };

/** Whose certificate signed, as the edge has verified it. */
export interface Signer {
  readonly nodeId: bigint;
  /** The user names of the certificate, §11.3. */
  readonly users: ReadonlyArray<string>;
  /** DER; kept with the value, to be shown with it. */
  readonly certificate: Uint8Array;
}
/** For every value of a Store, its signer; undefined where the signature does not hold. */
export type Signers = ReadonlyArray<ReadonlyArray<Signer | undefined>>;

/** What is stored at one place of a resource: a key of a dictionary, an index of an array, the single value. */
export interface Kept {
  readonly data: StoredData;
  readonly signer: Signer;
  /** By our clock. */
  readonly storedMs: number;
  /** Nodes known to hold this version. */
  readonly copies: ReadonlyArray<bigint>;
  /** Whoever answers for the resource has said, since the ring last changed, that it holds this version. */
  readonly safe: boolean;
  /** It comes from disk, and nobody has told us since that its owner has it. */
  readonly isRestored?: true;
}
export interface KeptKind {
  readonly generation: bigint;
  /** By place: hex of the key, the index in decimal, or nothing. */
  readonly entries: Readonly<Record<string, Kept>>;
}
export interface Resource {
  readonly id: Uint8Array;
  readonly kinds: Readonly<Record<number, KeptKind>>;
}

/** One version of one value: what a copy carried. */
export interface Mark {
  readonly resource: string;
  readonly kind: number;
  readonly place: string;
  readonly storageTime: bigint;
}
/** A resource that another node should have: a certain one, or whoever answers for it. */
export interface Due {
  readonly resource: string;
  readonly to: bigint | undefined;
  readonly replica: number;
}

/** One thing read from disk: an entry, or how often its Kind had been written. Whose copies it had is not known any more. */
export type Restored =
  | { readonly type: "entry"; readonly resource: Uint8Array; readonly kind: number; readonly kept: Kept }
  | { readonly type: "generation"; readonly resource: Uint8Array; readonly kind: number; readonly generation: bigint };
/** A resource as it was before; undefined: there was none. */
export interface Was {
  readonly id: Uint8Array;
  readonly resource: Resource | undefined;
}

export type CopyOutcome = "stored" | "refused" | "older" | "unanswered";
export type KeeperTimer = "expire" | "repair";
export type KeeperEvent =
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
  | { readonly type: "handOver"; readonly to: bigint; readonly atMs: number }
  /** What lay on disk, piece by piece, before this node takes its place in the ring. */
  | { readonly type: "restored"; readonly kept: ReadonlyArray<Restored>; readonly atMs: number }
  /** What `save` ordered could not be kept: these resources are again as the disk has them. */
  | { readonly type: "unsaved"; readonly was: ReadonlyArray<Was> }
  /**
   * How a copy went. `refused`: that node does not take it from us, and may have it from another. `older`: it has a newer
   * version, or says so.
   */
  | {
      readonly type: "copied";
      readonly to: bigint | undefined;
      readonly marks: ReadonlyArray<Mark>;
      readonly outcome: CopyOutcome;
      readonly atMs: number;
    }
  /** What a node has of a resource, told by itself; signatures verified as for a Store. */
  | {
      readonly type: "recalled";
      readonly to: bigint | undefined;
      readonly resource: Uint8Array;
      readonly marks: ReadonlyArray<Mark>;
      readonly kinds: ReadonlyArray<StoreKindData>;
      readonly signers: Signers;
      readonly atMs: number;
    }
  | { readonly type: "timerFired"; readonly timer: KeeperTimer; readonly atMs: number }
  | { readonly type: "statusAsked"; readonly ticket: number }
  /** A new configuration document is in force. */
  | { readonly type: "configured"; readonly policy: KeeperPolicy }
  | { readonly type: "closed" };

export type KeeperAction =
  | {
      readonly type: "answer";
      readonly reply: ReplyTo;
      readonly body: Body;
      readonly certificates: ReadonlyArray<Uint8Array>;
    }
  | { readonly type: "refuse"; readonly reply: ReplyTo; readonly error: ErrorName; readonly info: string | Uint8Array }
  /** A Store to another node, of values signed by those who own them; `copied` tells how it went. */
  | {
      readonly type: "copy";
      readonly to: bigint | undefined;
      readonly body: StoreReq;
      readonly marks: ReadonlyArray<Mark>;
      readonly certificates: ReadonlyArray<Uint8Array>;
    }
  /**
   * What that node has of these values. By a Stat, and `copied` tells which it has; or, where `isNewer`, by a Fetch, and
   * `recalled` brings them.
   */
  | {
      readonly type: "inquire";
      readonly to: bigint | undefined;
      readonly resource: Uint8Array;
      readonly marks: ReadonlyArray<Mark>;
      readonly isNewer: boolean;
    }
  /**
   * To be on disk before any `answer` to a Store or `copy` that is ordered after it leaves. A host without a disk passes
   * it over; one whose disk fails answers that Store with an error, and tells `unsaved`.
   */
  | {
      readonly type: "save";
      readonly id: Uint8Array;
      readonly before: Resource | undefined;
      readonly after: Resource | undefined;
    }
  /** What `unsaved` told has been undone. */
  | { readonly type: "undone" }
  | { readonly type: "handedOver"; readonly to: bigint }
  | { readonly type: "startTimer"; readonly timer: KeeperTimer; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: KeeperTimer }
  /** For the operator's counters: why a store or fetch was turned away. */
  | { readonly type: "count"; readonly refused: string; readonly signer: bigint }
  | {
      readonly type: "status";
      readonly ticket: number;
      readonly resources: number;
      readonly primaries: Readonly<Record<string, number>>;
      readonly replicas: Readonly<Record<string, number>>;
    }
  | Note;

export interface KeeperContext {
  readonly settings: KeeperSettings;
  readonly view: RingView;
  readonly shelf: Shelf;
  /** Entries by signer (hex): those we answer for, and replicas. */
  readonly primaries: Readonly<Record<string, number>>;
  readonly replicas: Readonly<Record<string, number>>;
  readonly stores: Readonly<Record<string, Bucket>>;
  readonly fetches: Readonly<Record<string, Bucket>>;
  readonly due: ReadonlyArray<Due>;
  /** Where copies are on their way to, one item a copy. */
  readonly copying: ReadonlyArray<bigint | undefined>;
  /** Nodes that wait for `handedOver`. */
  readonly handing: ReadonlyArray<bigint>;
  /** The repair timer runs. */
  readonly repairing: boolean;
}
/** A decision that gives no other orders than these. */
export type KeeperDecision<K extends KeeperAction["type"]> = Decision<KeeperContext, Of<KeeperAction, K>>;
