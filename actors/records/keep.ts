/**
 * What an importer of record files has on disk: calls that wait for further rows, and how far each file was read.
 *
 *   recordCalls   SHA-256 of the key (16 bytes) --> the call, or its last end where it is complete; who made a Local channel
 *   recordFiles   a number --> the place in a file, and by what the file is known again
 */
import { Effect } from "effect";
import { type Bridge, storedCallKey } from "../../codecs/cdr/mod.ts";
import { bigOf, bytesOfBig, utf8 } from "../../codecs/shared/mod.ts";
import {
  BRIDGE_KEY,
  type CallTable,
  keepBridge,
  keepOpen,
  keepSettled,
  type RecordedCall,
} from "../../machines/records/mod.ts";
import { allRows } from "../kit/mod.ts";
import type { Change, StoreFailed, StoreShape } from "../ports/mod.ts";

const CALLS_TABLE = "recordCalls";
const FILES_TABLE = "recordFiles";
/** Files that are known again; beyond it the one that was read longest ago is forgotten. */
export const FILES_KNOWN_MAX = 10_000;

/** How far a file was read. A name says nothing of what is in it: the bytes at its begin and before the place do. */
export interface FilePlace {
  readonly id: number;
  /** As it was called. */
  readonly path: string;
  readonly offset: number;
  readonly line: number;
  /** Of its first `headBytes` bytes. */
  readonly headBytes: number;
  readonly headHash: string;
  /** Of the last bytes before `offset`. */
  readonly tailHash: string;
  readonly atMs: number;
}

export interface RecordKeep {
  readonly files: ReadonlyMap<number, FilePlace>;
  readonly nextFileId: () => number;
  /** The changes that bring the disk up to what the table has become, and to this place. */
  readonly changes: (table: CallTable, place: FilePlace | undefined) => ReadonlyArray<Change>;
}

type StoredCall =
  | { readonly open: RecordedCall; readonly settled?: undefined }
  | { readonly open?: undefined; readonly settled: { readonly key: string; readonly lastMs: number } }
  | { readonly open?: undefined; readonly settled?: undefined; readonly bridge: Bridge };

/** Fills the table with what waited at the last end. */
export const openRecordKeep = Effect.fn("records.keep")(function* (
  store: StoreShape,
  table: CallTable,
): Effect.fn.Return<RecordKeep, StoreFailed> {
  const calls = (yield* allRows(store, CALLS_TABLE)).flatMap(({ value }) => read<StoredCall>(value));
  const open = calls.flatMap(({ open }) => (open === undefined ? [] : [open]));
  for (const call of open.sort((a, b) => a.touchedMs - b.touchedMs)) keepOpen(table, call);
  const settled = calls.flatMap(({ settled }) => (settled === undefined ? [] : [settled]));
  for (const { key, lastMs } of settled.sort((a, b) => a.lastMs - b.lastMs)) keepSettled(table, key, lastMs);
  for (const call of calls) if ("bridge" in call) keepBridge(table, call.bridge);
  table.changed?.clear();
  const files = new Map<number, FilePlace>();
  let next = 0;
  for (const { key, value } of yield* allRows(store, FILES_TABLE)) {
    next = Math.max(next, Number(bigOf(key)) + 1);
    for (const place of read<FilePlace>(value)) files.set(place.id, place);
  }
  return {
    files,
    nextFileId: () => next++,
    changes: (of, place) => {
      const changed = [...(of.changed ?? [])].map((key) => callChange(of, key));
      of.changed?.clear();
      return [...changed, ...(place === undefined ? [] : placeChanges(files, place))];
    },
  } satisfies RecordKeep as RecordKeep;
});

/** What no version of this program wrote is left out. */
const read = <A>(value: Uint8Array): ReadonlyArray<A> => {
  try {
    return [JSON.parse(new TextDecoder().decode(value)) as A];
  } catch {
    return [];
  }
};

const callChange = ({ open, settled, bridges }: CallTable, key: string): Change => {
  const of = { table: CALLS_TABLE, key: storedCallKey(key) };
  const call = open.get(key);
  const lastMs = settled.get(key);
  if (call !== undefined) return { type: "put", ...of, value: written({ open: call }) };
  if (lastMs !== undefined) return { type: "put", ...of, value: written({ settled: { key, lastMs } }) };
  const name = key.startsWith(BRIDGE_KEY) ? key.slice(BRIDGE_KEY.length) : undefined;
  const bridge = name === undefined ? undefined : bridges.get(name);
  if (bridge !== undefined) return { type: "put", ...of, value: written({ bridge: { name: name!, ...bridge } }) };
  return { type: "remove", ...of };
};
const written = (value: StoredCall | FilePlace): Uint8Array => utf8(JSON.stringify(value));

const placeChanges = (files: Map<number, FilePlace>, place: FilePlace): ReadonlyArray<Change> => {
  const change = (id: number, value?: Uint8Array): Change => {
    const of = { table: FILES_TABLE, key: bytesOfBig(BigInt(id), 8) };
    return value === undefined ? { type: "remove", ...of } : { type: "put", ...of, value };
  };
  files.delete(place.id);
  files.set(place.id, place);
  const [oldest] = files.size > FILES_KNOWN_MAX ? files.keys() : [];
  if (oldest !== undefined) files.delete(oldest);
  return [change(place.id, written(place)), ...(oldest === undefined ? [] : [change(oldest)])];
};
