/** Which small worlds are explored: rings of so many nodes with what may go wrong, and gates with so many claimants. */
import type { SmallWorld } from "../kit/explorer.ts";
import { type GateWorld, gateForms, gateText, gateWorld } from "./gate-world.ts";
import { type RingBounds, type RingScope, type RingWorld, ringText, ringWorld } from "./ring-world.ts";

export interface Explorable<S> {
  readonly name: string;
  readonly world: SmallWorld<S>;
  /** A state in one line, for a trace. */
  readonly text: (state: S) => string;
}

const NONE: RingBounds = { failures: 0, leaves: 0, returns: 0, cuts: 0, late: 0, checks: 0 };

/** `members` are in the ring at the start, at the first places, and the first of all is the bootstrap node. The others join. */
export const ringScope = (nodes: number, members: number, bounds: Partial<RingBounds> = {}): RingScope => ({
  nodes,
  neighbours: 2,
  bootstrap: 0,
  members: Array.from({ length: members }, (_, place) => place),
  bounds: { ...NONE, ...bounds },
  assumes: true,
  isAlwaysOne: true,
});

const nameOf = ({ nodes, members, bounds, assumes }: RingScope): string => {
  const mishaps = Object.entries(bounds).flatMap(([what, often]) => (often === 0 ? [] : [`${what} ${often}`]));
  const joins = nodes - members.length;
  const without = assumes ? [] : ["nothing assumed"];
  return [`ring of ${nodes}`, ...(joins === 0 ? [] : [`joins ${joins}`]), ...mishaps, ...without].join(", ");
};
export const ringOf = (scope: RingScope): Explorable<RingWorld> => ({
  name: nameOf(scope),
  world: ringWorld(scope),
  text: ringText,
});

const quick: ReadonlyArray<RingScope> = [
  ringScope(2, 1, { late: 1 }),
  ringScope(3, 2),
  ringScope(3, 1),
  ringScope(3, 2, { failures: 1 }),
  ringScope(3, 2, { late: 1 }),
  ringScope(3, 2, { leaves: 1 }),
];
const ofThree: ReadonlyArray<RingScope> = [
  ringScope(2, 1, { failures: 1, leaves: 1, cuts: 1, late: 1, returns: 1 }),
  ringScope(3, 2, { cuts: 1 }),
  ringScope(3, 2, { failures: 1, checks: 1 }),
  ringScope(3, 2, { failures: 1, returns: 1 }),
];
const ofFour: ReadonlyArray<RingScope> = [
  ringScope(4, 3),
  ringScope(4, 4, { failures: 1 }),
  ringScope(4, 2),
  ringScope(4, 4, { failures: 2 }),
  ringScope(4, 4, { cuts: 1 }),
  ringScope(4, 4, { failures: 1, late: 1 }),
  ringScope(4, 3, { failures: 1 }),
  ringScope(4, 3, { late: 1 }),
];
const ofFive: ReadonlyArray<RingScope> = [
  ringScope(5, 4),
  ringScope(5, 5, { failures: 1 }),
  ringScope(5, 5, { failures: 2 }),
];

/** Worlds of at most so many nodes, those of few states first. `all`: not only those of some thousand states. */
export const rings = (nodes: number, all = true): ReadonlyArray<Explorable<RingWorld>> =>
  [...quick, ...(all ? [...ofThree, ...ofFour, ...ofFive] : [])].filter((scope) => scope.nodes <= nodes).map(ringOf);

export const gates = (claimants: number): ReadonlyArray<Explorable<GateWorld>> =>
  Object.entries(gateForms).map(([names, forms]) => ({
    name: `gate with ${claimants} claimants, user names ${names}`,
    world: gateWorld({ claimants, forms }),
    text: gateText,
  }));
