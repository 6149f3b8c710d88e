/**
 * How many numbers a publisher stores again before they end: what one token brings, over the time that is left when the last is due.
 *
 *   stored                   due, at the latest         end
 *     |---- 2/3 of its life, and 15 % more ----|---------|
 *                                               one every refillMs
 *
 * docs/operator.md#many-numbers. Functions only. DECISIONS.md D-371.
 */
import { REFRESH_AT, REFRESH_JITTER } from "../reload/mod.ts";

/** Between two tokens, in whole milliseconds: the pace is what the overlay allows, or a little less. */
export const refillMs = (storesPerSecond: number): number => Math.ceil(1000 / storesPerSecond);

/**
 * So many at most are stored again in time though all become due at once, at the latest of their jitter. Where one store takes longer
 * than `refillMs` times STORES_AT_ONCE_MAX, they are fewer.
 */
export const inTimeNumbersMax = (storesPerSecond: number, lifetimeMs: number): number =>
  Math.floor((lifetimeMs * (1 - REFRESH_AT * (1 + REFRESH_JITTER))) / refillMs(storesPerSecond));
