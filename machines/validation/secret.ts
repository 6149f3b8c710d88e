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
  type NodeId,
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
  HALF_HOUR_S,
  type PvpMethod,
  type PvpParties,
  type PvpUserName,
  type PvpVersion,
  TIME_BITS_MAX,
  vserviceText,
} from "../../codecs/validation/mod.ts";

/** T: clocks may differ by less than a quarter of it. */
export const ROUND_MS = 10_000;
export const MINUTE_MS = 60_000;

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

/** Never negative. */
export const mod = (ms: number, of: number): number => ((ms % of) + of) % of;

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
  readonly originator: NodeId;
  readonly terminator: NodeId;
  readonly vservice: VServiceId;
}

/** Which user name: `bits` of the times' hash are in a name of version 2, and none in one of version 1. */
export interface NameForm {
  readonly method: PvpMethod;
  readonly version: PvpVersion;
  readonly bits: number;
}

/**
 * The originator's user name; a method alone is that of version 1. Method A needs a caller id; `instantMs`, in whole
 * seconds, is used by B.
 */
export const userNameFor = (
  form: PvpMethod | NameForm,
  call: CallFacts,
  claim: Claim,
  instantMs: UnixMs,
  roundMs: number,
): PvpUserName => {
  const { method, version, bits } = typeof form === "string" ? ({ method: form, version: 1, bits: 0 } as const) : form;
  const [start, stop] = [roundNearest(ntpMsOf(call.startMs), roundMs), roundNearest(ntpMsOf(call.stopMs), roundMs)];
  const parties: PvpParties = { ...claim, start: start.direction, stop: stop.direction };
  const { called, calling } = call;
  if (method === "C") return { ...parties, version, method, ...minutesOf(call), calledHash: calledHash(called) };
  const first = timeBits(start.ms, stop.ms).slice(0, bits);
  if (method === "B") {
    const named = { ...parties, method, called, instant: ntpMsOf(instantMs) / 1000 };
    return version === 1 ? { ...named, version } : { ...named, version, bits: first };
  }
  const named = { ...parties, method, called, callerHash: callerHash(called, calling ?? "", claim) };
  return version === 1 ? { ...named, version } : { ...named, version, halfHour: halfHourOf(start.ms), bits: first };
};

/**
 * SHA-256 over both rounded times, its first bits as `0` and `1`. Nothing else is in it: claimants of one call, and of two
 * calls with the same times, see the same bits, and gain none by comparing theirs.
 */
export const timeBits = (startMs: NtpMs, stopMs: NtpMs): string => {
  const digest = sha256(utf8(["vipr-times", startMs / 1000, stopMs / 1000].join("\0")));
  return ((digest[0]! << 8) | digest[1]!).toString(2).padStart(TIME_BITS_MAX, "0");
};

/** The full or half hour nearest to a rounded start, in seconds: calls gather there, so that none is near two of them. */
export const halfHourOf = (startMs: NtpMs): number =>
  HALF_HOUR_S * Math.floor((startMs / 1000 + HALF_HOUR_S / 2) / HALF_HOUR_S);

/** A call's times as the terminator rounds them for a user name. */
export const roundedFor = (
  name: Pick<PvpParties, "start" | "stop">,
  { startMs, stopMs }: CallTimes,
  roundMs: number,
): { readonly startMs: NtpMs; readonly stopMs: NtpMs } => ({
  startMs: roundInDirection(ntpMsOf(startMs), name.start, roundMs),
  stopMs: roundInDirection(ntpMsOf(stopMs), name.stop, roundMs),
});

/** The first 8 bytes, in hex, of SHA-256("vipr-caller" 0 called 0 calling 0 terminating Node-ID 0 VServiceID), all as texts. */
export const callerHash = (
  called: E164,
  calling: E164 | "",
  { terminator, vservice }: { readonly terminator: NodeId; readonly vservice: VServiceId },
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
  password(name, call, {
    startMs: roundNearest(ntpMsOf(call.startMs), roundMs).ms,
    stopMs: roundNearest(ntpMsOf(call.stopMs), roundMs).ms,
  });

/** The terminator's password for that user name, if it means this call. */
export const terminatorPassword = (name: PvpUserName, call: CallFacts, roundMs: number): string =>
  password(name, call, roundedFor(name, call, roundMs));

// Both Node-IDs and the VService are part of it: if an attacker relays a handshake to the owner of the number, the two ends
// derive different passwords.
const password = (
  name: PvpUserName,
  { called, calling }: CallFacts,
  rounded: { readonly startMs: NtpMs; readonly stopMs: NtpMs },
): string =>
  [
    `start=${rounded.startMs / 1000}`,
    `stop=${rounded.stopMs / 1000}`,
    `called=${called}`,
    `calling=${name.method === "A" ? (calling ?? "-") : "-"}`,
    `m=${name.method}`,
    `on=${nodeIdText(name.originator)}`,
    `tn=${nodeIdText(name.terminator)}`,
    `vs=${vserviceText(name.vservice)}`,
  ].join(";");
