/** When what was stored is stored again, so that neither its time runs out nor everyone comes at once. Functions only. */

/** "the call agent refreshes at 2/3 of it, with jitter": the profile §1. */
export const REFRESH_AT: number = 2 / 3;
/** Of that, earlier or later. */
export const REFRESH_JITTER = 0.15;

/** Milliseconds from a store to the next; `draw`: 0 to 1, uniform, another for each entry. */
export const refreshMs = (lifetimeMs: number, draw: number): number =>
  Math.round(lifetimeMs * REFRESH_AT * (1 + REFRESH_JITTER * (2 * draw - 1)));

/**
 * Whether an entry is still young enough to be left alone: its refresh is not due for whatever draw. After a restart an
 * agent publishes all its numbers anew; those that the overlay holds for long yet are not stored again.
 */
export const isYoung = (endMs: number, lifetimeMs: number, nowMs: number): boolean =>
  nowMs < endMs - lifetimeMs * (1 - REFRESH_AT * (1 - REFRESH_JITTER));
