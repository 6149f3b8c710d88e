/** The quickest of several ways to do one thing, found by trying: it differs by runtime and by version. */

const ROUND_CALLS = 50;
const ROUNDS = 20;

/** Each by its best round: the first rounds find it not yet compiled. `callOf`: one way, made ready to be called. */
export const quickest = <Way>(
  ways: Readonly<Record<string, Way>>,
  callOf: (way: Way) => () => unknown,
  nowMs: () => number,
): Way => {
  const bestMs = (way: Way): number => {
    const call = callOf(way);
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ROUNDS; round++) {
      const from = nowMs();
      for (let i = 0; i < ROUND_CALLS; i++) call();
      best = Math.min(best, nowMs() - from);
    }
    return best;
  };
  const timed = Object.values(ways).map((way) => ({ way, ms: bestMs(way) }));
  return timed.reduce((best, one) => (one.ms < best.ms ? one : best)).way;
};
