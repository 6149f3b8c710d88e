/**
 * Every state that a small world can come to, breadth-first: each event that may happen next is taken, a state that was met
 * before is not gone into again, and the first state found wrong is one of those that the fewest events lead to.
 *
 *   starts --> take a state --> fault? --> each event of `next` --> key met before? --> a new state, for the next layer
 *                                 \--> the events from a start to here: the counter-example
 *
 * A state is remembered by 64 bits of a hash of its key, and by the state it came from: 20 bytes or so. Two keys of the same
 * hash would leave states out: among ten million the chance of one such pair is 1 in 400,000. DECISIONS.md D-297.
 */

/** A world whose every event is a value, and whose states are never changed. */
export interface SmallWorld<S> {
  readonly starts: ReadonlyArray<S>;
  /** Every event that may happen now, with the state after it: always the same ones for a state. */
  readonly next: (state: S) => Iterable<SmallStep<S>>;
  /** States of one key have the same future: leave out the order of sets, and give names in order of appearance. */
  readonly key: (state: S) => string;
  /** What is wrong with the state; undefined: nothing. */
  readonly fault: (state: S) => string | undefined;
}
/** One event that may happen in a state, and the state that comes of it. */
export interface SmallStep<S> {
  /** Says in a trace what happened. */
  readonly event: () => string;
  readonly state: S;
}

/** Limits of an exploration, and who is told of its progress. */
export interface ExploreOptions {
  /** States, after which the exploration stops unfinished. Default 20,000,000: 500 MB beside the states of two layers. */
  readonly statesMax?: number;
  /** Called after each so many states. */
  readonly progress?: (sofar: Omit<Explored<never>, "invariant" | "counterExample">) => void;
  readonly progressEvery?: number;
}
/** What an exploration has found. */
export interface Explored<S> {
  /** `unfinished`: of the states that were met none is wrong, and not all were met. */
  readonly invariant: "held" | "violated" | "unfinished";
  readonly states: number;
  /** Events taken, those to states met before included. */
  readonly steps: number;
  /** Events from a start to the state that is farthest. */
  readonly depth: number;
  readonly counterExample?: CounterExample<S>;
}
/** The shortest events from a start to a state that breaks the invariant. */
export interface CounterExample<S> {
  readonly start: S;
  readonly steps: ReadonlyArray<SmallStep<S>>;
  readonly fault: string;
}

const STATES_MAX = 20_000_000;
const PROGRESS_STATES = 100_000;

/** Every state that a small world can come to, breadth-first, until one is wrong, all are met, or `statesMax` are. */
export const explore = <S>(world: SmallWorld<S>, options: ExploreOptions = {}): Explored<S> => {
  const { statesMax = STATES_MAX, progress, progressEvery = PROGRESS_STATES } = options;
  const met = new Met();
  let layer: Array<S | undefined> = [];
  for (const start of world.starts) if (met.add(world.key(start), NO_PARENT)) layer.push(start);
  let [depth, steps, number] = [0, 0, 0];
  const found = (invariant: Explored<S>["invariant"]) => ({ invariant, states: met.size, steps, depth });
  for (; ; depth++) {
    const after: Array<S | undefined> = [];
    for (let i = 0; i < layer.length; i++, number++) {
      const state = layer[i] as S;
      layer[i] = undefined; // needed no more
      const fault = world.fault(state);
      if (fault !== undefined) return { ...found("violated"), counterExample: { ...wayTo(world, met, number), fault } };
      for (const step of world.next(state)) {
        steps++;
        if (!met.add(world.key(step.state), number)) continue;
        after.push(step.state);
        if (met.size % progressEvery === 0) progress?.({ states: met.size, steps, depth });
      }
      if (met.size > statesMax) return found("unfinished");
    }
    if (after.length === 0) return found("held");
    layer = after;
  }
};

/** The events to a state: the states on the way are known by their hashes, and met again one after another. */
const wayTo = <S>(world: SmallWorld<S>, met: Met, number: number): Omit<CounterExample<S>, "fault"> => {
  const way = met.wayTo(number);
  const start = world.starts.find((state) => met.numberOf(world.key(state)) === way[0]) as S;
  const steps: Array<SmallStep<S>> = [];
  let state = start;
  for (const at of way.slice(1)) {
    for (const step of world.next(state))
      if (met.numberOf(world.key(step.state)) === at) {
        steps.push(step);
        state = step.state;
        break;
      }
  }
  return { start, steps };
};

const NO_PARENT = -1;
const FIRST_SLOTS = 1 << 16;

/** The states met so far, numbered as they were met: a hash table of their fingerprints, with open addresses. */
class Met {
  size = 0;
  #slots = new Int32Array(FIRST_SLOTS);
  #low = new Int32Array(FIRST_SLOTS);
  #high = new Int32Array(FIRST_SLOTS);
  #parents = new Int32Array(FIRST_SLOTS);

  /** False: it was met before. */
  add(key: string, parent: number): boolean {
    const [low, high] = fingerprint(key);
    const slot = this.#slotOf(low, high);
    if (this.#slots[slot] !== 0) return false;
    if (this.size === this.#low.length) this.#grow();
    this.#low[this.size] = low;
    this.#high[this.size] = high;
    this.#parents[this.size] = parent;
    this.#slots[slot] = ++this.size; // 0: an empty slot
    if (this.size * 2 > this.#slots.length) this.#spread();
    return true;
  }

  numberOf(key: string): number {
    const [low, high] = fingerprint(key);
    return this.#slots[this.#slotOf(low, high)]! - 1;
  }

  /** The numbers of the states from a start to that one. */
  wayTo(number: number): ReadonlyArray<number> {
    const way: Array<number> = [];
    for (let at = number; at !== NO_PARENT; at = this.#parents[at]!) way.unshift(at);
    return way;
  }

  #slotOf(low: number, high: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const held = this.#slots[slot]!;
      if (held === 0 || (this.#low[held - 1] === low && this.#high[held - 1] === high)) return slot;
    }
  }

  #grow(): void {
    const longer = (of: Int32Array<ArrayBuffer>) => {
      const all = new Int32Array(of.length * 2);
      all.set(of);
      return all;
    };
    this.#low = longer(this.#low);
    this.#high = longer(this.#high);
    this.#parents = longer(this.#parents);
  }

  #spread(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let i = 0; i < this.size; i++) this.#slots[this.#slotOf(this.#low[i]!, this.#high[i]!)] = i + 1;
  }
}

/** 64 bits, in two halves that are mixed with each other at the end. */
const fingerprint = (key: string): readonly [number, number] => {
  let [low, high] = [0x9e3779b9, 0x41c6ce57];
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x85ebca6b);
    high = Math.imul(high ^ unit, 0x5f356495);
  }
  low = Math.imul(low ^ (low >>> 16), 0x7feb352d) ^ Math.imul(high ^ (high >>> 13), 0x3266489d);
  high = Math.imul(high ^ (high >>> 16), 0x7feb352d) ^ Math.imul(low ^ (low >>> 13), 0x3266489d);
  return [low | 0, high | 0];
};
