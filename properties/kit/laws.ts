/** A law as a value, and what the laws of machines and of messages share. */
import fc from "fast-check";

/** A statement that must hold for every input, with its name. */
export interface Law {
  readonly name: string;
  /** Throws, or rejects, with the counter-example and the seed that finds it again. */
  readonly check: () => void | Promise<void>;
  /** What it says of which values, for who runs it otherwise: `vipr fuzz`. Absent: it is about one thing. */
  readonly property?: fc.IRawProperty<any>;
  /** Of values that break it, smaller ones that shrinking may pass by, the smallest first. */
  readonly shorter?: (values: any) => Iterable<unknown>;
}

/** What holds in each state that a machine comes to: false, or what is thrown, breaks the law. */
export type Invariant = (snapshot: any, event: any) => unknown;

/** Of each law, where nobody says how many. */
export const RUNS = 100;

export const lawOf = (name: string, numRuns: number, property: fc.IRawProperty<any>): Law => ({
  name,
  property,
  check: () => fc.assert(property as fc.IRawProperty<unknown>, { numRuns }) as void | Promise<void>,
});

/**
 * The same value made of ordinary objects: every second one that `fc.record` makes has no prototype, and a copy of it,
 * which has one, would be another.
 */
export const ordinary = <A>(value: A): A => {
  if (Array.isArray(value)) return value.map(ordinary) as A;
  if (typeof value !== "object" || value === null) return value;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, ordinary(one)])) as A;
};
