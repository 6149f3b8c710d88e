/** The quickest of several ways to do one thing, found by trying: it differs by runtime and by version. */

const ROUND_CALLS = 50;
const ROUNDS = 20;

/**
 * Each by its best round: the first rounds find it not yet compiled. They are tried in turn, so that the engine has time to
 * compile one, on a thread of its own, while the others run: one after the other, a way in JavaScript lost to slower ones on
 * a busy machine, for as long as the program ran. `callOf`: one way, made ready to be called.
 */
export const quickest = <Way>(
  ways: Readonly<Record<string, Way>>,
  callOf: (way: Way) => () => unknown,
  nowMs: () => number,
): Way => {
  const tried = Object.values(ways).map((way) => ({ way, call: callOf(way), ms: Number.POSITIVE_INFINITY }));
  for (let round = 0; round < ROUNDS; round++)
    for (const one of tried) {
      const from = nowMs();
      for (let i = 0; i < ROUND_CALLS; i++) one.call();
      one.ms = Math.min(one.ms, nowMs() - from);
    }
  return tried.reduce((best, one) => (one.ms < best.ms ? one : best)).way;
};
