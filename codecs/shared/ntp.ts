/**
 * Times counted from 1900, as NTP counts them: in VAP and in tickets as 64-bit timestamps (RFC 5905 §6), in PVP and in the
 * audit log as milliseconds. Inside the program a call's times are `UnixMs`; these forms are made where bytes and texts are.
 */
import { type Uint, u64 } from "../wire/mod.ts";
import type { Branded } from "./brand.ts";
import { type UnixMs, unixMs } from "./time.ts";

/** A 64-bit timestamp: seconds since 1900 in the high word, fractions of 2^-32 s in the low one. */
export type Ntp = Branded<bigint, "Ntp">;
/** Milliseconds since 1900-01-01T00:00Z. */
export type NtpMs = Branded<number, "NtpMs">;

const SECONDS_1900_TO_1970 = 2_208_988_800n;
const MS_1900_TO_1970 = Number(SECONDS_1900_TO_1970) * 1000;
const FRACTIONS = 1n << 32n;

/** A field with a 64-bit timestamp. */
export const ntp64 = u64 as Uint<Ntp>;

/** `timestamp`: 64 bits in the form of RFC 5905 §6. */
export const ntp = (timestamp: bigint): Ntp => timestamp as Ntp;
/** `ms`: milliseconds since 1900. */
export const ntpMs = (ms: number): NtpMs => ms as NtpMs;

export const ntpMsOf = (ms: UnixMs): NtpMs => ntpMs(ms + MS_1900_TO_1970);
export const unixMsOf = (ms: NtpMs): UnixMs => unixMs(ms - MS_1900_TO_1970);

/** A fraction of a millisecond is cut off. */
export const ntpFromMs = (ms: UnixMs): Ntp => {
  const whole = BigInt(Math.floor(ms));
  return ntp((whole / 1000n + SECONDS_1900_TO_1970) * FRACTIONS + ((whole % 1000n) * FRACTIONS) / 1000n);
};

/** Rounded to the nearest millisecond, so that `msFromNtp(ntpFromMs(ms)) === ms` for whole milliseconds. */
export const msFromNtp = (timestamp: Ntp): UnixMs => {
  const [seconds, fraction] = [timestamp / FRACTIONS - SECONDS_1900_TO_1970, timestamp % FRACTIONS];
  return unixMs(Number(seconds * 1000n + (fraction * 1000n + FRACTIONS / 2n) / FRACTIONS));
};
