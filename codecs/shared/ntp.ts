/** 64-bit NTP timestamps, RFC 5905 §6: seconds since 1900 in the high word, fractions in the low one. */

const SECONDS_1900_TO_1970 = 2_208_988_800n;
const FRACTIONS = 1n << 32n;

export type Ntp = bigint;

export const ntpFromMs = (ms: number): Ntp => {
  const whole = BigInt(Math.floor(ms));
  return (whole / 1000n + SECONDS_1900_TO_1970) * FRACTIONS + ((whole % 1000n) * FRACTIONS) / 1000n;
};

/** Rounded to the nearest millisecond, so that `msFromNtp(ntpFromMs(ms)) === ms`. */
export const msFromNtp = (ntp: Ntp): number =>
  Number((ntp / FRACTIONS - SECONDS_1900_TO_1970) * 1000n + ((ntp % FRACTIONS) * 1000n + FRACTIONS / 2n) / FRACTIONS);

/** NTP seconds with their fraction, as PVP rounds them. */
export const ntpSeconds = (ntp: Ntp): number => Number(ntp / FRACTIONS) + Number(ntp % FRACTIONS) / Number(FRACTIONS);

/** From NTP milliseconds, PVP's times; the inverse of `ntpSeconds` rounded to milliseconds. */
export const ntpFromNtpMs = (ms: number): Ntp => {
  const whole = BigInt(Math.round(ms));
  return ((whole / 1000n) << 32n) + ((whole % 1000n) << 32n) / 1000n;
};
