/** Numbers that look random, the same ones for a seed: quicker than a generator of values, and without its shrinking. */
export class Chance {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** From 0 to 2^32 - 1: Marsaglia's sum with a multiplied mix, as `mulberry32` has it. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
  below(limit: number): number {
    return this.next() % limit;
  }
  of<A>(all: ReadonlyArray<A>): A {
    return all[this.below(all.length)]!;
  }
}
