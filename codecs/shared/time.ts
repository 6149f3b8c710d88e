/**
 * Times of the platform's clock. Times of other epochs, in which some messages and stores hold them, are types of their own
 * (ntp.ts): the compiler refuses to mix them, and arithmetic gives plain numbers, which the functions here mark again.
 */
import type { Branded } from "./brand.ts";

/** Milliseconds since 1970-01-01T00:00Z, without leap seconds: the form of a call's times inside the program. */
export type UnixMs = Branded<number, "UnixMs">;

/** `ms`: milliseconds since 1970, from a clock, a parsed date, or a sum with a duration. */
export const unixMs = (ms: number): UnixMs => ms as UnixMs;
