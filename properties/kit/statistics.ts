/**
 * Do two samples come from one distribution? Mann and Whitney's test: by ranks alone, so that outliers count no more than
 * others, as times measured on a busy machine need it.
 */

export interface Compared {
  /** The chance that one drawn from `a` is larger than one drawn from `b`; 0.5 when nothing tells them apart. */
  readonly larger: number;
  /** In standard deviations of what chance alone would give. */
  readonly z: number;
}

export const compareRanks = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): Compared => {
  const sorted = [...a.map((value) => ({ value, isA: true })), ...b.map((value) => ({ value, isA: false }))].sort(
    (one, other) => one.value - other.value,
  );
  let ranks = 0;
  for (let at = 0; at < sorted.length; ) {
    let end = at;
    while (end < sorted.length && sorted[end]!.value === sorted[at]!.value) end++;
    const rank = (at + end + 1) / 2; // equal values share their ranks
    for (; at < end; at++) if (sorted[at]!.isA) ranks += rank;
  }
  const pairs = a.length * b.length;
  const larger = (ranks - (a.length * (a.length + 1)) / 2) / pairs;
  return { larger, z: (larger - 0.5) / Math.sqrt((a.length + b.length + 1) / (12 * pairs)) };
};

/** Runs each of the kinds `rounds` times, in turns and in another order each round, and gives what each run gave. */
export const inTurns = <K extends string>(
  kinds: ReadonlyArray<K>,
  rounds: number,
  run: (kind: K) => number,
): Record<K, Array<number>> => {
  const found = Object.fromEntries(kinds.map((kind) => [kind, []])) as unknown as Record<K, Array<number>>;
  for (let round = 0; round < rounds; round++)
    for (let i = 0; i < kinds.length; i++) {
      const turn = round % 2 === 0 ? i : kinds.length - 1 - i;
      const kind = kinds[(turn + round) % kinds.length]!;
      found[kind].push(run(kind));
    }
  return found;
};
