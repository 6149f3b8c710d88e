/** Repeatable chance: the same seed gives the same bytes and choices. For simulations; never for secrets. */

/** Bytes and choices from a seed. `between`: a whole number, both ends included. */
export interface Chance {
  /** Uniform in [0, 1). */
  readonly next: () => number;
  readonly bytes: (size: number) => Uint8Array;
  readonly between: (min: number, max: number) => number;
}

/** xoshiro128**, seeded by splitmix32. */
export const chanceOf = (seed: number): Chance => {
  let mixed = seed >>> 0;
  const splitmix = () => {
    mixed = (mixed + 0x9e3779b9) >>> 0;
    let z = mixed;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  let [a, b, c, d] = [splitmix(), splitmix(), splitmix(), splitmix()];
  const rotate = (x: number, by: number) => ((x << by) | (x >>> (32 - by))) >>> 0;
  const word = () => {
    const out = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotate(d >>> 0, 11);
    return out;
  };
  const next = () => word() / 2 ** 32;
  return {
    next,
    bytes: (size) => Uint8Array.from({ length: size }, () => word() >>> 24),
    between: (min, max) => min + Math.floor(next() * (max - min + 1)),
  };
};
