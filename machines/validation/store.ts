/**
 * The calls that a terminating server remembers, found by what an originator may say of them. Profile §2.
 *
 *   insert ---> A: called, hash of the caller, Node-ID     --+
 *               B: called, quarter of an hour               +--> candidates(user name)
 *               C: start minute, stop minute, called's hash --+
 *
 * A table that one actor owns: these functions change it in place and know neither clock nor chance. Each look-up reads
 * one entry of an index. A call leaves after its retention, or earlier when newer ones need its place.
 */
import { nodeIdText, type Vcr } from "../../codecs/shared/mod.ts";
import type { PvpUserName } from "../../codecs/validation/mod.ts";
import { calledHash, callerHash, type KnownCall, knownCall, minutesOf, ROUND_MS } from "./secret.ts";

export interface KeptCall extends KnownCall {
  readonly id: number;
  readonly vservice: bigint;
  readonly keepUntilMs: number;
  /** Attempts that failed; locked from `ATTEMPTS_MAX` on. */
  readonly attempts: number;
}

export interface CallStore {
  readonly nodeIds: ReadonlyArray<bigint>;
  readonly retentionMs: number;
  readonly callsMax: number;
  readonly roundMs: number;
  readonly calls: Map<number, KeptCall>;
  readonly index: Map<string, ReadonlyArray<number>>;
  lastId: number;
}

export const RETENTION_MS = 48 * 3_600_000;
export const CALLS_MAX = 200_000;
export const ATTEMPTS_MAX = 3;
const BUCKET_MS = 900_000;
/** Of one call: a day and an edge on each side. A longer call is found by its first day only. */
const BUCKETS_MAX = 98;
/** Under one key; more would be ambiguous anyway. */
const CANDIDATES_MAX = 64;

export const callStore = (
  nodeIds: ReadonlyArray<bigint>,
  options: { readonly retentionMs?: number; readonly callsMax?: number; readonly roundMs?: number } = {},
): CallStore => ({
  nodeIds,
  retentionMs: options.retentionMs ?? RETENTION_MS,
  callsMax: options.callsMax ?? CALLS_MAX,
  roundMs: options.roundMs ?? ROUND_MS,
  calls: new Map(),
  index: new Map(),
  lastId: 0,
});

/** Keeps a call that was received, until `atMs` and the retention. */
export const insertCall = (store: CallStore, vcr: Vcr, atMs: number): KeptCall => {
  expireCalls(store, atMs);
  // The oldest stands first: it was inserted first, and would leave first.
  if (store.calls.size >= store.callsMax) removeCall(store, store.calls.keys().next().value!);
  const id = ++store.lastId;
  const { vservice } = vcr;
  const call = { ...knownCall(vcr), id, vservice, keepUntilMs: atMs + store.retentionMs, attempts: 0 };
  store.calls.set(id, call);
  for (const key of keysOf(store, call)) {
    const ids = store.index.get(key) ?? [];
    if (ids.length < CANDIDATES_MAX) store.index.set(key, [...ids, id]);
  }
  return call;
};

/** Forgets what is past its retention; returns how many. */
export const expireCalls = (store: CallStore, atMs: number): number => {
  const before = store.calls.size;
  for (const { id, keepUntilMs } of store.calls.values()) {
    if (keepUntilMs > atMs) break;
    removeCall(store, id);
  }
  return before - store.calls.size;
};

export const removeCall = (store: CallStore, id: number): void => {
  const call = store.calls.get(id);
  if (call === undefined) return;
  store.calls.delete(id);
  for (const key of keysOf(store, call)) {
    const ids = (store.index.get(key) ?? []).filter((other) => other !== id);
    if (ids.length > 0) store.index.set(key, ids);
    else store.index.delete(key);
  }
};

/** The calls that a user name may speak of, locked ones included; one is a candidate, more are none. */
export const candidatesFor = (store: CallStore, name: PvpUserName): ReadonlyArray<KeptCall> => {
  const found = (store.index.get(keyOf(name)) ?? []).map((id) => store.calls.get(id)!);
  return found.filter(
    (call) => call.vservice === name.vservice && (name.method !== "B" || isDuring(store, call, name.instant)),
  );
};

/** One more failed attempt; the call as it now stands, if it is still kept. */
export const failCall = (store: CallStore, id: number): KeptCall | undefined => {
  const call = store.calls.get(id);
  if (call === undefined) return undefined;
  const failed = { ...call, attempts: call.attempts + 1 };
  store.calls.set(id, failed);
  return failed;
};

export const isLocked = ({ attempts }: Pick<KeptCall, "attempts">): boolean => attempts >= ATTEMPTS_MAX;

const isDuring = ({ roundMs }: CallStore, { startMs, stopMs }: KeptCall, instant: number): boolean =>
  instant * 1000 >= startMs - roundMs / 4 && instant * 1000 <= stopMs + roundMs / 4;

const keyOf = (name: PvpUserName): string => {
  switch (name.method) {
    case "A":
      return keyA(name.called, name.callerHash, name.terminator);
    case "B":
      return keyB(name.called, Math.floor((name.instant * 1000) / BUCKET_MS));
    case "C":
      return keyC(name.startMinute, name.stopMinute, name.calledHash);
  }
};

const keysOf = ({ nodeIds, roundMs }: CallStore, call: KeptCall): ReadonlyArray<string> => {
  const { called, calling, vservice, startMs, stopMs } = call;
  const byCaller =
    calling === undefined
      ? []
      : nodeIds.map((terminator) => keyA(called, callerHash(called, calling, { terminator, vservice }), terminator));
  const first = Math.floor((startMs - roundMs / 4) / BUCKET_MS);
  const last = Math.min(first + BUCKETS_MAX - 1, Math.floor((stopMs + roundMs / 4) / BUCKET_MS));
  const byInstant = Array.from({ length: Math.max(1, last - first + 1) }, (_, i) => keyB(called, first + i));
  const { startMinute, stopMinute } = minutesOf(call);
  return [...byCaller, ...byInstant, keyC(startMinute, stopMinute, calledHash(called))];
};

const keyA = (called: string, hash: string, terminator: bigint): string =>
  `A;${called};${hash};${nodeIdText(terminator)}`;
const keyB = (called: string, bucket: number): string => `B;${called};${bucket}`;
const keyC = (start: number, stop: number, hash: string): string => `C;${start};${stop};${hash}`;
