/**
 * User name and password of a validation, derived from what both ends of a telephone call know of it.
 * docs/protocol/pvp.md#rounding, #user-name, #password. Pure functions; they round times in NTP milliseconds, as the
 * protocol counts them.
 *
 *   originator   rounds start and stop to the nearest multiple of T, and sends the directions
 *   terminator   rounds to the nearest multiple if that is near, else in the direction that was sent
 *
 *        n - T      n - 3T/4     n - T/2      n - T/4        n        n + T/4
 *   -------|-----------|-----------:-----------|-------------|-----------|-----
 *                      | direction : direction |        nearest          |
 *
 * DECISIONS.md D-040, D-042, D-049.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import {
  type CallTimes,
  type E164,
  hexOf,
  type NtpMs,
  nodeIdText,
  ntpMs,
  ntpMsOf,
  type UnixMs,
  unixMs,
  utf8,
  type VServiceId,
} from "../../codecs/shared/mod.ts";
import {
  type Direction,
  type PvpMethod,
  type PvpParties,
  type PvpUserName,
  vserviceText,
} from "../../codecs/validation/mod.ts";

/** T: clocks may differ by less than a quarter of it. */
export const ROUND_MS = 10_000;
const MINUTE_MS = 60_000;

export interface Rounded {
  readonly ms: NtpMs;
  readonly direction: Direction;
}

/** To the nearest multiple, halves up; a multiple itself goes down. */
export const roundNearest = (ms: NtpMs, roundMs: number): Rounded => {
  const above = mod(ms, roundMs);
  return 2 * above < roundMs
    ? { ms: ntpMs(ms - above), direction: "d" }
    : { ms: ntpMs(ms - above + roundMs), direction: "u" };
};

/** Gives the originator's value, if ours differs by less than T/4. `direction` is the one that it sent. */
export const roundInDirection = (ms: NtpMs, sent: Direction, roundMs: number): NtpMs => {
  const above = mod(ms, roundMs);
  const isNear = 4 * above < roundMs || 4 * above > 3 * roundMs;
  const direction = isNear ? roundNearest(ms, roundMs).direction : sent;
  return ntpMs(ms - above + (direction === "u" ? roundMs : 0));
};

const mod = (ms: number, of: number): number => ((ms % of) + of) % of;

/** What one end knows of a call. */
export interface CallFacts extends CallTimes {
  readonly called: E164;
  readonly calling: E164 | undefined;
}

export const callFacts = ({ called, calling, startMs, stopMs }: CallFacts): CallFacts => ({
  called,
  calling,
  startMs,
  stopMs,
});

interface Claim {
  readonly originator: bigint;
  readonly terminator: bigint;
  readonly vservice: VServiceId;
}

/** The originator's user name. Method A needs a caller id; `instantMs`, in whole seconds, is used by B. */
export const userNameFor = (
  method: PvpMethod,
  call: CallFacts,
  claim: Claim,
  instantMs: UnixMs,
  roundMs: number,
): PvpUserName => {
  const parties: PvpParties = {
    ...claim,
    start: roundNearest(ntpMsOf(call.startMs), roundMs).direction,
    stop: roundNearest(ntpMsOf(call.stopMs), roundMs).direction,
  };
  const { called, calling } = call;
  if (method === "A") return { ...parties, method, called, callerHash: callerHash(called, calling ?? "", claim) };
  if (method === "B") return { ...parties, method, called, instant: ntpMsOf(instantMs) / 1000 };
  return { ...parties, method, ...minutesOf(call), calledHash: calledHash(called) };
};

/** The first 8 bytes, in hex, of SHA-256("vipr-caller" 0 called 0 calling 0 terminating Node-ID 0 VServiceID), all as texts. */
export const callerHash = (
  called: E164,
  calling: E164 | "",
  { terminator, vservice }: { readonly terminator: bigint; readonly vservice: VServiceId },
): string => {
  const parts = ["vipr-caller", called, calling, nodeIdText(terminator), vserviceText(vservice)];
  return hexOf(sha256(utf8(parts.join("\0"))).subarray(0, 8));
};

/** The first byte of SHA-256(called). */
export const calledHash = (called: E164): string => hexOf(sha256(utf8(called)).subarray(0, 1));

/** Both times rounded to a minute, in NTP seconds: all that the user name of method C contains of them. */
export const minutesOf = ({
  startMs,
  stopMs,
}: CallTimes): { readonly startMinute: number; readonly stopMinute: number } => ({
  startMinute: roundNearest(ntpMsOf(startMs), MINUTE_MS).ms / 1000,
  stopMinute: roundNearest(ntpMsOf(stopMs), MINUTE_MS).ms / 1000,
});

/** Minutes over which clocks may spread one time; more only if T itself were minutes long. */
const MINUTES_MAX = 8;

/** The minutes that the originator may name for this call, if the clocks differ by less than T/4. */
export const minutesNear = (
  { startMs, stopMs }: CallTimes,
  roundMs: number,
): { readonly starts: ReadonlyArray<number>; readonly stops: ReadonlyArray<number> } => ({
  starts: minutesAround(ntpMsOf(startMs), roundMs / 4),
  stops: minutesAround(ntpMsOf(stopMs), roundMs / 4),
});
const minutesAround = (ms: NtpMs, skewMs: number): ReadonlyArray<number> => {
  const first = roundNearest(ntpMs(ms - skewMs), MINUTE_MS).ms / 1000;
  const last = roundNearest(ntpMs(ms + skewMs), MINUTE_MS).ms / 1000;
  const count = Math.min(MINUTES_MAX, (last - first) / 60 + 1);
  return Array.from({ length: count }, (_, i) => first + 60 * i);
};

/** An instant inside the call, in whole seconds; `at` is drawn from [0, 1). */
export const instantWithin = ({ startMs, stopMs }: CallTimes, at: number): UnixMs => {
  const [first, last] = [Math.ceil(startMs / 1000), Math.floor(stopMs / 1000)];
  const second = last < first ? Math.round(startMs / 1000) : first + Math.floor(at * (last - first + 1));
  return unixMs(1000 * second);
};

/** The originator's password for its user name. */
export const originatorPassword = (name: PvpUserName, call: CallFacts, roundMs: number): string =>
  password(
    name,
    call,
    (ms) => roundNearest(ms, roundMs).ms,
    (ms) => roundNearest(ms, roundMs).ms,
  );

/** The terminator's password for that user name, if it means this call. */
export const terminatorPassword = (name: PvpUserName, call: CallFacts, roundMs: number): string =>
  password(
    name,
    call,
    (ms) => roundInDirection(ms, name.start, roundMs),
    (ms) => roundInDirection(ms, name.stop, roundMs),
  );

// Both Node-IDs and the VService are part of it: if an attacker relays a handshake to the owner of the number, the two ends
// derive different passwords.
const password = (
  name: PvpUserName,
  { called, calling, startMs, stopMs }: CallFacts,
  start: (ms: NtpMs) => NtpMs,
  stop: (ms: NtpMs) => NtpMs,
): string =>
  [
    `start=${start(ntpMsOf(startMs)) / 1000}`,
    `stop=${stop(ntpMsOf(stopMs)) / 1000}`,
    `called=${called}`,
    `calling=${name.method === "A" ? (calling ?? "-") : "-"}`,
    `m=${name.method}`,
    `on=${nodeIdText(name.originator)}`,
    `tn=${nodeIdText(name.terminator)}`,
    `vs=${vserviceText(name.vservice)}`,
  ].join(";");

/** W: starts are taken to be evenly distributed over at most this span. */
const SPREAD_MS = 3_600_000;
export const BITS_CAP = 24;
const HALF_HOUR_MS = 1_800_000;

/**
 * The span over which a start counts as evenly distributed, by its distance from a full or half hour. Calls gather there,
 * and nobody knows how closely: if their density falls off on both sides as a bell curve, of whatever width, then at a
 * distance x it is below that of starts evenly distributed over 4x. Within 2T the span is 4T.
 */
const spreadOf = (startMs: UnixMs, roundMs: number): number => {
  const past = mod(startMs, HALF_HOUR_MS);
  const awayMs = Math.min(past, HALF_HOUR_MS - past);
  return Math.min(SPREAD_MS, 4 * Math.max(roundMs, awayMs - roundMs));
};

/**
 * The span over which the stop of a call counts as evenly distributed for a claimant that is asked `ageMs` after it: Tv's
 * range. A record that was uploaded late is older than Tv allows, one from another clock may be younger, and nobody knows
 * by how much: outside of the range by x the span is 4x, as near the full hour.
 */
export const windowOf = ([minMs, maxMs]: readonly [minMs: number, maxMs: number], ageMs: number): number =>
  Math.max(maxMs - minMs, 4 * (ageMs - maxMs), 4 * (minMs - ageMs));

/**
 * What a validated call is worth: the bits that a claimant without knowledge of the call would have to guess. The user name
 * is sent before the claimant proves anything, so what it contains of the times is no secret: with B's instant the two
 * distances from it remain, with C's minutes the seconds within them. That the claimant is asked now tells it that the call
 * ended within `windowMs`.
 */
export const equivalentBits = (
  { startMs, stopMs }: CallTimes,
  roundMs: number,
  method: PvpUserName["method"] = "A",
  windowMs: number = SPREAD_MS,
): number => {
  const lasts = Math.log2(Math.max(1, (stopMs - startMs) / roundMs));
  const secretBits = { A: Number.POSITIVE_INFINITY, B: 2 * lasts, C: 2 * Math.log2(Math.max(1, MINUTE_MS / roundMs)) };
  const spreadMs = Math.max(roundMs, Math.min(windowMs, spreadOf(startMs, roundMs)));
  return Math.min(BITS_CAP, Math.log2(spreadMs / roundMs) + lasts, secretBits[method]);
};
