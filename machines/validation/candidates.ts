/**
 * Which of the stored calls an originator's user name may mean. docs/protocol/pvp.md#candidates.
 *
 *   user name --> one key of the index --> calls that fit --> those whose times have the bits of the name (version 2)
 *
 * A guesser chooses the bits as it likes: each try at a name of version 2 is a try at every call that fits without them, and
 * counts against each. So the terminator needs all of these, and there may be no more than `NAMED_TOGETHER_MAX`.
 * DECISIONS.md D-082, D-101.
 */
import type { CallTimes, UnixMs } from "../../codecs/shared/mod.ts";
import type { PvpUserName } from "../../codecs/validation/mod.ts";
import { slotsUnder } from "./buckets.ts";
import { instantOf, keyOf } from "./keys.ts";
import { callerHash, halfHourOf, minutesNear, roundedFor, timeBits } from "./secret.ts";
import { recordIn } from "./slots.ts";
import { ATTEMPTS_MAX, type CallStore, callIn, isLocked, SAME_KEY_MAX, type StoredCall, wayOf } from "./store.ts";

/** Calls that fit one user name of version 2 apart from its bits. With more of them it names none. */
export const NAMED_TOGETHER_MAX = 16;

/**
 * The calls that a user name may mean; locked ones are among them. Only a single one can be proved.
 *
 * Without bits in the name at most two are returned. With bits: all that fit apart from these, at most one more than can be
 * told apart. A key with more calls than are examined counts as
 * several.
 */
export const candidatesFor = (
  store: CallStore,
  name: PvpUserName,
  isOpen: (call: StoredCall) => boolean = () => true,
): ReadonlyArray<Candidate> => {
  const most = hasBits(name) ? NAMED_TOGETHER_MAX + 1 : 2;
  const { hash, tag } = keyOf(name);
  const slots = slotsUnder(store.index, hash, tag, SAME_KEY_MAX + 1);
  const isFull = slots.length > SAME_KEY_MAX;
  const found: Array<Candidate> = [];
  for (const slot of slots) {
    if (!isFull && name.method === "B" && !isDuring(recordIn(store.calls, slot), instantOf(name), store.roundMs))
      continue;
    const call = callIn(store.calls, slot);
    const fits = call.vservice === name.vservice && isSpokenOf(store, call, name) && isOpen(call);
    if (isFull || fits) found.push(hasBits(name) ? { ...call, isNamed: isNamed(store, call, name) } : call);
    if (found.length === most) break;
  }
  return found;
};

/** `isNamed` where the user name has bits. */
export type Candidate = StoredCall & { readonly isNamed?: boolean };

const hasBits = (name: PvpUserName): boolean => name.version === 2 && name.method !== "C";

/** Whether the call has the bits of the user name. */
const isNamed = ({ roundMs }: CallStore, call: StoredCall, name: PvpUserName): boolean => {
  if (name.version === 1 || name.method === "C") return true;
  const { startMs, stopMs } = roundedFor(name, call, roundMs);
  return timeBits(startMs, stopMs).startsWith(name.bits);
};

/** The same for the terminator: each with the attempts that are left to the method. */
export const tryableFor = (
  store: CallStore,
  name: PvpUserName,
  isOpen?: (call: StoredCall) => boolean,
): ReadonlyArray<Candidate & TriesLeft> =>
  candidatesFor(store, name, isOpen).map((call) => ({
    ...call,
    isLocked: isLocked(call, name.method),
    triesLeft: ATTEMPTS_MAX - call.attempts[wayOf(name.method)],
  }));

interface TriesLeft {
  readonly isLocked: boolean;
  readonly triesLeft: number;
}

/** The key has 64 bits only; this compares the call itself. */
const isSpokenOf = ({ roundMs }: CallStore, call: StoredCall, name: PvpUserName): boolean => {
  switch (name.method) {
    case "A":
      return (
        call.called === name.called &&
        call.calling !== undefined &&
        callerHash(call.called, call.calling, name) === name.callerHash &&
        (name.version === 1 || halfHourOf(roundedFor(name, call, roundMs).startMs) === name.halfHour)
      );
    case "B":
      return call.called === name.called && isDuring(call, instantOf(name), roundMs);
    case "C": {
      const { starts, stops } = minutesNear(call, roundMs);
      return starts.includes(name.startMinute) && stops.includes(name.stopMinute);
    }
  }
};

const isDuring = ({ startMs, stopMs }: CallTimes, atMs: UnixMs, roundMs: number): boolean =>
  atMs >= startMs - roundMs / 4 && atMs <= stopMs + roundMs / 4;
