/**
 * Times counted from 1900, as NTP counts them: in VAP and in tickets as 64-bit timestamps (RFC 5905 §6), in PVP and in the
 * audit log as milliseconds. Inside the program a call's times are `UnixMs`; these forms are made where bytes and texts are.
 */
import { shownAs, type Uint, u64 } from "../wire/mod.ts";
import type { Branded } from "./brand.ts";
import { type UnixMs, unixMs } from "./time.ts";

/**
 * A 64-bit timestamp: seconds since 1900 in the high word, fractions of 2^-32 s in the low one. The high word is full on
 * 2036-02-07. A timestamp whose first bit is set is of the years from 1968 to then, and any other of those from then to 2104:
 * RFC 4330 §3.
 */
export type Ntp = Branded<bigint, "Ntp">;
/** Milliseconds since 1900-01-01T00:00Z. */
export type NtpMs = Branded<number, "NtpMs">;

const SECONDS_1900_TO_1970 = 2_208_988_800n;
const MS_1900_TO_1970 = Number(SECONDS_1900_TO_1970) * 1000;
const FRACTIONS = 1n << 32n;
const FIRST_BIT = 1n << 63n;
const SECONDS_BEFORE_1970 = Number(SECONDS_1900_TO_1970);
const WHOLE = 2 ** 32;
const HALF = 2 ** 31;

/** A field with a 64-bit timestamp. */
export const ntp64 = shownAs(u64, "ntp") as Uint<Ntp>;

/** `timestamp`: 64 bits in the form of RFC 5905 §6. */
export const ntp = (timestamp: bigint): Ntp => timestamp as Ntp;
/** `ms`: milliseconds since 1900. */
export const ntpMs = (ms: number): NtpMs => ms as NtpMs;

/** The same instant, counted from 1900. */
export const ntpMsOf = (ms: UnixMs): NtpMs => ntpMs(ms + MS_1900_TO_1970);
/** The same instant, counted from 1970. */
export const unixMsOf = (ms: NtpMs): UnixMs => unixMs(ms - MS_1900_TO_1970);

/** A fraction of a millisecond is cut off. */
export const ntpFromMs = (ms: UnixMs): Ntp => {
  const whole = BigInt(Math.floor(ms));
  const timestamp = (whole / 1000n + SECONDS_1900_TO_1970) * FRACTIONS + ((whole % 1000n) * FRACTIONS) / 1000n;
  return ntp(BigInt.asUintN(64, timestamp));
};

/** Rounded to the nearest millisecond, so that `msFromNtp(ntpFromMs(ms)) === ms` for whole milliseconds from 1968 to 2104. */
export const msFromNtp = (timestamp: Ntp): UnixMs => {
  // By halves, as numbers: arithmetic on bigints costs ten times as much, and both halves are exact.
  const high = Number(BigInt.asUintN(32, timestamp >> 32n));
  const fraction = Number(BigInt.asUintN(32, timestamp));
  const seconds = (high < HALF ? high + WHOLE : high) - SECONDS_BEFORE_1970;
  return unixMs(seconds * 1_000 + Math.floor((fraction * 1_000 + HALF) / WHOLE));
};

/** Whether a is before b, on either side of 2036 too: those with the first bit set come first. */
export const isEarlierNtp = (a: Ntp, b: Ntp): boolean => (a ^ FIRST_BIT) < (b ^ FIRST_BIT);
