/**
 * What a proof of a call is worth: the bits that a claimant without knowledge of the call has to guess.
 * docs/protocol/pvp.md#what-a-proof-is-worth. Pure functions.
 *
 *   start, spread over W        log2(W / T)  --+
 *   how long the call lasted    log2(d / T)  --+--> at most 24, and less what its user names and other calls tell
 *
 * DECISIONS.md D-040, D-049, D-100.
 */
import type { CallTimes, UnixMs } from "../../codecs/shared/mod.ts";
import { HALF_HOUR_S, type PvpMethod } from "../../codecs/validation/mod.ts";
import { MINUTE_MS, mod, type NameForm } from "./secret.ts";

/** W: starts are taken to be evenly distributed over at most this span. */
const SPREAD_MS = 3_600_000;
export const BITS_CAP = 24;
export const HALF_HOUR_MS = 1_000 * HALF_HOUR_S;

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
 * How far start and stop are from the nearest end of another call that claimants were asked about before: both may have one
 * cause, as when a conference ends or somebody dials again, and then whoever knows the one knows the other.
 */
export interface EndsApart {
  readonly startMs: number;
  readonly stopMs: number;
}
export const ALONE: EndsApart = { startMs: Number.POSITIVE_INFINITY, stopMs: Number.POSITIVE_INFINITY };

/**
 * Nobody knows how closely ends of one cause lie: as near the full hour, their density at a distance x is below that of ends
 * evenly distributed over 4x. Of the ends that lie near others on a busy line one in twelve is taken to have their cause. Within
 * T/4 the clocks tell nothing.
 */
const CAUSED = 48;
const apartBits = (apartMs: number, roundMs: number): number =>
  Math.log2(Math.max(1, (CAUSED * (apartMs - roundMs / 4)) / roundMs));

/**
 * What a validated call is worth: the bits that a claimant without knowledge of the call would have to guess. The user name
 * is sent before the claimant proves anything, so what it contains of the times is no secret: with B's instant the two
 * distances from it remain, with C's minutes the seconds within them. That the claimant is asked now tells it that the call
 * ended within `windowMs`.
 */
export const equivalentBits = (
  { startMs, stopMs }: CallTimes,
  roundMs: number,
  method: PvpMethod = "A",
  windowMs: number = SPREAD_MS,
  apart: EndsApart = ALONE,
): number => {
  const spreadMs = Math.max(roundMs, Math.min(windowMs, spreadOf(startMs, roundMs)));
  const lasts = Math.log2(Math.max(1, (stopMs - startMs) / roundMs));
  const [nearStart, nearStop] = [apartBits(apart.startMs, roundMs), apartBits(apart.stopMs, roundMs)];
  const start = Math.min(Math.log2(spreadMs / roundMs), nearStart);
  // First the start and then how long the call lasted, or first the stop and then how long before it the start was.
  const both = Math.min(start + Math.min(lasts, nearStop), nearStop + Math.min(start, lasts));
  const secretBits = {
    A: Number.POSITIVE_INFINITY,
    B: Math.min(lasts, nearStart) + Math.min(lasts, nearStop),
    C: 2 * Math.log2(Math.max(1, MINUTE_MS / roundMs)),
  };
  return Math.min(BITS_CAP, both, secretBits[method]);
};

/** A proof by a user name of this form. `revealed`: the bits of the times' hash in this call's names so far. */
export const worthOf = (
  call: CallTimes,
  { method, version, revealed }: Omit<NameForm, "bits"> & { readonly revealed: number },
  roundMs: number,
  windowMs: number = SPREAD_MS,
  apart: EndsApart = ALONE,
): number => {
  const namesHalfHour = version === 2 && method === "A";
  const spanMs = namesHalfHour ? Math.min(windowMs, HALF_HOUR_MS) : windowMs;
  return Math.max(0, equivalentBits(call, roundMs, method, spanMs, apart) - revealed);
};
