/**
 * The calls that a terminating server remembers, found by what an originator may say of them. Profile §2.
 *
 *   insert ---> A: called, hash of the caller, Node-ID     --+
 *               B: called, quarter of an hour               +--> candidates(user name)
 *               C: start minute, stop minute, called's hash --+
 *
 * A table that one actor owns: these functions change it in place and know neither clock nor chance. A call at rest is
 * a row of numbers, no object, no timer; each look-up reads one key of an index. A call leaves after its retention, or
 * earlier when newer ones need its place.
 */
import type { E164, Vcr } from "../../codecs/shared/mod.ts";
import type { PvpUserName } from "../../codecs/validation/mod.ts";
import { addEntry, type Buckets, buckets, removeEntries, slotsUnder } from "./buckets.ts";
import { calledHash, callerHash, type KnownCall, knownCall, minutesNear, ROUND_MS } from "./secret.ts";
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
  readonly calls: Slots;
  readonly index: Buckets;
}

export const RETENTION_MS = 48 * 3_600_000;
/** Some 150 bytes each. */
export const CALLS_MAX = 4_000_000;
export const ATTEMPTS_MAX = 3;
const BUCKET_MS = 900_000;
/** Of one call: a day and an edge on each side. A longer call is found by its first day only. */
const BUCKETS_MAX = 98;

export const callStore = (
  nodeIds: ReadonlyArray<bigint>,
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

/** Keeps a call that was received, until `atMs` and the retention. */
export const insertCall = (store: CallStore, vcr: Vcr, atMs: number): KeptCall => {
  const { calls, index } = store;
  expireCalls(store, atMs);
  // The oldest was put in first, and would leave first.
  if (calls.size >= store.callsMax) remove(store, calls.oldest);
  const { vservice } = vcr;
  const known = knownCall(vcr);
  const { startMs, stopMs } = known;
  const keepUntilMs = atMs + store.retentionMs;
  const [called, calling] = [Number(known.called), Number(known.calling ?? 0)];
  const slot = takeSlot(calls, { called, calling, startMs, stopMs, keepUntilMs, vservice });
  let last = 0;
  eachKey(store, { ...known, vservice }, (hash, tag) => {
    last = addEntry(index, hash, tag, slot, last);
  });
  setEntry(calls, slot, last);
  return { ...known, vservice, keepUntilMs, attempts: 0, id: nameOfSlot(calls, slot) };
};

/** Forgets what is past its retention; returns how many. */
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

/** Undefined once it has left. */
export const callNamed = ({ calls }: CallStore, id: number): KeptCall | undefined => {
  const slot = slotNamed(calls, id);
  return slot === 0 ? undefined : callIn(calls, slot);
};

const callIn = (calls: Slots, slot: number): KeptCall => {
  const { called, calling, ...rest } = recordIn(calls, slot);
  return {
    ...rest,
    called: `+${called}`,
    calling: calling === 0 ? undefined : `+${calling}`,
    attempts: attemptsIn(calls, slot),
    id: nameOfSlot(calls, slot),
  };
};

/** The calls that a user name may speak of, locked ones included; one is a candidate, more are none. */
export const candidatesFor = (store: CallStore, name: PvpUserName): ReadonlyArray<KeptCall> => {
  const { hash, tag } = keyOf(name);
  return slotsUnder(store.index, hash, tag)
    .map((slot) => callIn(store.calls, slot))
    .filter((call) => call.vservice === name.vservice && isSpokenOf(store, call, name));
};

/** The key has 64 bits; this looks at the call itself. */
const isSpokenOf = ({ roundMs }: CallStore, call: KeptCall, name: PvpUserName): boolean => {
  switch (name.method) {
    case "A":
      return (
        call.called === name.called &&
        call.calling !== undefined &&
        callerHash(call.called, call.calling, name) === name.callerHash
      );
    case "B":
      return call.called === name.called && isDuring(call, name.instant, roundMs);
    case "C": {
      const { starts, stops } = minutesNear(call, roundMs);
      return starts.includes(name.startMinute) && stops.includes(name.stopMinute);
    }
  }
};

const isDuring = ({ startMs, stopMs }: KeptCall, instant: number, roundMs: number): boolean =>
  instant * 1000 >= startMs - roundMs / 4 && instant * 1000 <= stopMs + roundMs / 4;

/** One more failed attempt; the call as it now stands, if it is still kept. */
export const failCall = (store: CallStore, id: number): KeptCall | undefined => {
  const slot = slotNamed(store.calls, id);
  if (slot === 0) return undefined;
  addAttempt(store.calls, slot);
  return callIn(store.calls, slot);
};

export const isLocked = ({ attempts }: Pick<KeptCall, "attempts">): boolean => attempts >= ATTEMPTS_MAX;

interface Key {
  readonly hash: number;
  readonly tag: number;
}

const keyOf = (name: PvpUserName): Key => {
  switch (name.method) {
    case "A":
      return keyA(name.callerHash);
    case "B":
      return keyB(name.called, Math.floor((name.instant * 1000) / BUCKET_MS));
    case "C":
      return keyC(name.startMinute, name.stopMinute, name.calledHash);
  }
};

type Indexed = KnownCall & { readonly vservice: bigint };

const eachKey = ({ nodeIds, roundMs }: CallStore, call: Indexed, put: (hash: number, tag: number) => void): void => {
  const add = ({ hash, tag }: Key) => put(hash, tag);
  const { called, calling, vservice, startMs, stopMs } = call;
  if (calling !== undefined)
    for (const terminator of nodeIds) add(keyA(callerHash(called, calling, { terminator, vservice })));
  const first = Math.floor((startMs - roundMs / 4) / BUCKET_MS);
  const last = Math.min(first + BUCKETS_MAX - 1, Math.floor((stopMs + roundMs / 4) / BUCKET_MS));
  for (let bucket = first; bucket <= Math.max(first, last); bucket++) add(keyB(called, bucket));
  const { starts, stops } = minutesNear(call, roundMs);
  const hash = calledHash(called);
  for (const start of starts) for (const stop of stops) add(keyC(start, stop, hash));
};

/** The caller's hash is bound to called number, Node-ID and VService already: its 64 bits are the key. */
const keyA = (hash: string): Key => ({
  hash: Number.parseInt(hash.slice(0, 8), 16),
  tag: Number.parseInt(hash.slice(8), 16),
});
const keyB = (called: E164, bucket: number): Key => {
  const digits = Number(called);
  return { hash: mixed(mixed(mixed(0xb, digits), digits / 2 ** 32), bucket), tag: bucket >>> 0 };
};
const keyC = (start: number, stop: number, hash: string): Key => {
  const byte = Number.parseInt(hash, 16);
  return { hash: mixed(mixed(mixed(0xc, start), stop), byte), tag: (start ^ byte) >>> 0 };
};

/** Spreads one more number over 32 bits, as MurmurHash3 does. */
const mixed = (hash: number, value: number): number => {
  let bits = Math.imul(hash ^ (value >>> 0), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
};
