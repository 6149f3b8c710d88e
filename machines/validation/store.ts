/**
 * The calls that a terminating server has received: insert, expire, count failures. docs/protocol/pvp.md#candidates.
 *
 *   insert ---> slots.ts: a row of numbers
 *          '--> buckets.ts, under the keys of keys.ts ---> candidates.ts: found by an originator's user name
 *
 * A table owned by one actor and changed in place by these functions. A stored call is a row of numbers, without an object
 * or a timer; a look-up reads one key of an index. A call is removed after its retention, or earlier when newer calls need
 * its place. DECISIONS.md D-082, D-083.
 */
import {
  e164FromDigits,
  type NodeId,
  type UnixMs,
  unixMs,
  type Vcr,
  type VServiceId,
} from "../../codecs/shared/mod.ts";
import type { Attempts, PvpMethod } from "../../codecs/validation/mod.ts";
import { addEntry, type Buckets, buckets, removeEntries, slotsUnder } from "./buckets.ts";
import { BUCKET_MS, eachKey, keyA, keyB } from "./keys.ts";
import { type CallFacts, callerHash, callFacts, ROUND_MS } from "./secret.ts";
import {
  addAttempt,
  attemptsIn,
  entryOf,
  freeSlot,
  nameOfSlot,
  recordIn,
  SLOTS_MAX,
  type Slots,
  setEntry,
  slotNamed,
  slots,
  takeSlot,
} from "./slots.ts";

export interface StoredCall extends CallFacts {
  readonly id: number;
  readonly vservice: VServiceId;
  readonly keepUntilMs: UnixMs;
  /** Failed ones. From `ATTEMPTS_MAX` on the call is locked to the methods counted there. */
  readonly attempts: Attempts;
}

export interface CallStore {
  readonly nodeIds: ReadonlyArray<NodeId>;
  readonly retentionMs: number;
  readonly callsMax: number;
  readonly roundMs: number;
  readonly calls: Slots;
  readonly index: Buckets;
}

export const RETENTION_MS = 48 * 3_600_000;
/** Some 220 bytes each. */
export const CALLS_MAX = 4_000_000;
export const ATTEMPTS_MAX = 3;
/**
 * Calls examined for one key of the index, since strangers may ask. With more of them in a quarter of an hour a call begins
 * every 3.5 s, and each matches from T/4 before its start to T/4 after its end, 5 s and more: B finds several at most
 * instants anyway.
 */
export const SAME_KEY_MAX = 256;

export const callStore = (
  nodeIds: ReadonlyArray<NodeId>,
  options: { readonly retentionMs?: number; readonly callsMax?: number; readonly roundMs?: number } = {},
): CallStore => {
  const { callsMax = CALLS_MAX } = options;
  if (!(callsMax >= 1 && callsMax < SLOTS_MAX)) throw new Error(`callsMax ${callsMax} is outside 1..${SLOTS_MAX - 1}`);
  return {
    nodeIds,
    retentionMs: options.retentionMs ?? RETENTION_MS,
    callsMax,
    roundMs: options.roundMs ?? ROUND_MS,
    calls: slots(),
    index: buckets(),
  };
};

/** Stores a received call, until `atMs` plus the retention. A call that is stored already is not changed. */
export const insertCall = (store: CallStore, vcr: Vcr, atMs: UnixMs): StoredCall => {
  const { calls, index } = store;
  expireCalls(store, atMs);
  const held = findStored(store, vcr);
  if (held !== undefined) return held;
  // The oldest would be the first to expire.
  if (calls.size >= store.callsMax) remove(store, calls.oldest);
  const { vservice } = vcr;
  const known = callFacts(vcr);
  const { startMs, stopMs } = known;
  const keepUntilMs = unixMs(atMs + store.retentionMs);
  const [called, calling] = [Number(known.called), Number(known.calling ?? 0)];
  const slot = takeSlot(calls, { called, calling, startMs, stopMs, keepUntilMs, vservice });
  let last = 0;
  eachKey(store, { ...known, vservice }, (hash, tag) => {
    last = addEntry(index, hash, tag, slot, last);
  });
  setEntry(calls, slot, last);
  return { ...known, vservice, keepUntilMs, attempts: attemptsIn(calls, slot), id: nameOfSlot(calls, slot) };
};

/**
 * The same call, if it is stored already: same numbers, same VService, both times less than T/4 apart. A call agent uploads
 * a record again if it was not acknowledged, and two clocks may have recorded one call. Stored twice it would match a user
 * name twice, and could not be proved. Neither can two simultaneous calls from one caller to one number.
 */
export const findStored = (store: CallStore, vcr: Vcr): StoredCall | undefined => {
  const { calls, nodeIds, roundMs } = store;
  const { called, calling, startMs, stopMs } = callFacts(vcr);
  const { vservice } = vcr;
  const [terminator] = nodeIds;
  const key =
    calling === undefined || terminator === undefined
      ? keyB(called, Math.floor(startMs / BUCKET_MS), vservice)
      : keyA(callerHash(called, calling, { terminator, vservice }));
  const isNear = (a: number, b: number) => Math.abs(a - b) < roundMs / 4;
  const slot = slotsUnder(store.index, key.hash, key.tag, SAME_KEY_MAX).find((slot) => {
    const kept = recordIn(calls, slot);
    const isSame =
      kept.called === Number(called) && kept.calling === Number(calling ?? 0) && kept.vservice === vservice;
    return isSame && isNear(kept.startMs, startMs) && isNear(kept.stopMs, stopMs);
  });
  return slot === undefined ? undefined : callIn(calls, slot);
};

/** Removes the calls past their retention; returns how many. */
export const expireCalls = (store: CallStore, atMs: number): number => {
  const { calls } = store;
  const before = calls.size;
  while (calls.oldest !== 0 && recordIn(calls, calls.oldest).keepUntilMs <= atMs) remove(store, calls.oldest);
  return before - calls.size;
};

export const removeCall = (store: CallStore, id: number): void => {
  const slot = slotNamed(store.calls, id);
  if (slot !== 0) remove(store, slot);
};

const remove = ({ calls, index }: CallStore, slot: number): void => {
  removeEntries(index, entryOf(calls, slot));
  freeSlot(calls, slot);
};

/** Undefined: the call was removed. */
export const callNamed = ({ calls }: CallStore, id: number): StoredCall | undefined => {
  const slot = slotNamed(calls, id);
  return slot === 0 ? undefined : callIn(calls, slot);
};

export const callIn = (calls: Slots, slot: number): StoredCall => {
  const { called, calling, ...rest } = recordIn(calls, slot);
  return {
    ...rest,
    called: e164FromDigits(called),
    calling: calling === 0 ? undefined : e164FromDigits(calling),
    attempts: attemptsIn(calls, slot),
    id: nameOfSlot(calls, slot),
  };
};

/** Counts a failed attempt by that method. Gives the call as it is now, if it is still stored. */
export const failCall = (store: CallStore, id: number, method: PvpMethod): StoredCall | undefined => {
  const slot = slotNamed(store.calls, id);
  if (slot === 0) return undefined;
  addAttempt(store.calls, slot, wayOf(method));
  return callIn(store.calls, slot);
};

/**
 * How a user name identifies the call: A by the two numbers, B and C by the time. Failures are counted separately: anyone
 * can try B, and must not lock out an originator that knows the caller. It costs one bit.
 */
export type Way = keyof Attempts;
export const wayOf = (method: PvpMethod): Way => (method === "A" ? "caller" : "times");

export const isLocked = ({ attempts }: Pick<StoredCall, "attempts">, method: PvpMethod): boolean =>
  attempts[wayOf(method)] >= ATTEMPTS_MAX;
