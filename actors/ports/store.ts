/**
 * What must outlive the process: named tables of keys and values. SQLite in the program's own file, PostgreSQL as a server,
 * memory in simulations.
 *
 *   write [put, put, remove] --> all of them or none, durable when it succeeds
 */
import { Context, Data, type Effect } from "effect";

/** A key's bytes, a value's bytes. */
export const STORE_KEY_BYTES_MAX = 1_024;
/** Bytes of one value; a longer one is refused as `malformed`. */
export const STORE_VALUE_BYTES_MAX = 1_048_576;
/** Rows that one `scan` or `due` gives; the next call goes on after the last. */
export const STORE_ROWS_MAX = 1_000;
/** Changes of one write. */
export const STORE_CHANGES_MAX = 10_000;
/** Writes that wait for the disk; further ones are refused as `busy`. */
export const STORE_WAITING_MAX = 16_384;

/**
 * `full`: no room left. `locked`: another process has it. `malformed`: no such table can be, or a key or value too large.
 * `away`: a database server does not answer. `refused`: it does not let this user in.
 * `notEmpty`: a backup goes into an empty store alone.
 */
export type StoreFault =
  | "full"
  | "readOnly"
  | "corrupt"
  | "locked"
  | "busy"
  | "closed"
  | "malformed"
  | "away"
  | "refused"
  | "notEmpty"
  | "failed";

/** For another company's eyes: where our store is, and as whom we are there, is in our log alone. DECISIONS.md D-247. */
export const storeRefusal = (fault: StoreFault): string => {
  if (fault === "full") return "the server's disk is full";
  if (fault === "away") return "the server's store is away";
  return fault === "busy" ? "too many writes wait" : "the server's store refuses writes";
};

/** A read or a write that did not come about; `why` is for people. */
export class StoreFailed extends Data.TaggedError("StoreFailed")<{
  readonly reason: StoreFault;
  readonly why: string;
}> {}

/** A row of a table. */
export interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Milliseconds since 1970; undefined for a row that is never due. */
  readonly dueMs: number | undefined;
}
/** One change of a write: a row put, or a key removed. */
export type Change =
  | {
      readonly type: "put";
      /** Letters and digits, a letter first; made when first written. */
      readonly table: string;
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly dueMs?: number;
      /** The other members of a cluster are to learn of it (`Cluster.changes`). */
      readonly isShared?: boolean;
    }
  | { readonly type: "remove"; readonly table: string; readonly key: Uint8Array };

/** Which rows of a table a scan gives. */
export interface ScanOf {
  /** Keys that begin so; default all. */
  readonly prefix?: Uint8Array;
  /** Keys greater than this. */
  readonly after?: Uint8Array;
  /** Default and most STORE_ROWS_MAX. */
  readonly rowsMax?: number;
}

/** Tables of keys and values on disk, or wherever they outlive the process. */
export interface StoreShape {
  /** All or none. When it succeeds, a loss of power takes nothing of it away; when it fails, nothing has changed. */
  readonly write: (changes: ReadonlyArray<Change>) => Effect.Effect<void, StoreFailed>;
  readonly read: (table: string, key: Uint8Array) => Effect.Effect<Uint8Array | undefined, StoreFailed>;
  /** In the order of keys, byte by byte. */
  readonly scan: (table: string, of?: ScanOf) => Effect.Effect<ReadonlyArray<Row>, StoreFailed>;
  /** Rows due at or before that time, earliest first. */
  readonly due: (table: string, untilMs: number, rowsMax?: number) => Effect.Effect<ReadonlyArray<Row>, StoreFailed>;
}

/** A store that is only looked at. */
export type ReadableStore = Pick<StoreShape, "read" | "scan" | "due">;

/** The port to what outlives the process: tables of keys and values. */
export class Store extends Context.Service<Store, StoreShape>()("vipr/actors/ports/Store") {}
