/**
 * When what was stored is stored again, so that neither its time runs out nor everyone comes at once. Functions only.
 * DECISIONS.md D-068.
 */

/** An entry is stored again after two thirds of its lifetime, with jitter: docs/protocol/overlay.md#the-vipr-usage. */
export const REFRESH_AT: number = 2 / 3;
/** Of that, earlier or later. */
export const REFRESH_JITTER = 0.15;

/** Milliseconds from a store to the next; `draw`: 0 to 1, uniform, another for each entry. */
export const refreshMs = (lifetimeMs: number, draw: number): number =>
  Math.round(lifetimeMs * REFRESH_AT * (1 + REFRESH_JITTER * (2 * draw - 1)));

/** Of what is left of an entry's life when it is found held, the part over which overdue refreshes are spread. */
const SPREAD = 0.25;
/** Less than this part of a life left: there is no time to wait. */
const URGENT = 0.05;

/**
 * When to store an entry again that the overlay holds until `endMs`; undefined: at once. After a restart of many servers,
 * when every agent publishes all its numbers anew, nothing is stored that need not be, and what is overdue is spread too.
 */
export const againAtMs = (endMs: number, lifetimeMs: number, nowMs: number, draw: number): number | undefined => {
  const leftMs = endMs - nowMs;
  if (leftMs < lifetimeMs * URGENT) return undefined;
  const dueMs = endMs - lifetimeMs + refreshMs(lifetimeMs, draw);
  return Math.max(dueMs, nowMs + Math.ceil(leftMs * SPREAD * draw));
};
