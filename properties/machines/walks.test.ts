/** Walks of a machine's graph: they come where lists of events do not, and what they find shrinks to the shortest. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { setup } from "../../machines/kit/mod.ts";
import { test } from "../kit/harness.ts";
import { machineLawsOf } from "../kit/laws-of-machine.ts";
import { rowOf, walkable } from "../kit/rows.ts";
import { shorterWalks, walksOf } from "../kit/walks.ts";

type Digit = { readonly type: "digit"; readonly digit: number };
type Order = { readonly type: "note"; readonly unexpected: string };
const CODE = [31, 41, 59, 26, 53];

/** Opens after five right numbers among wrong ones: of lists of 30 by chance one in 100,000 has them. */
const { machine, assign } = setup<{ input: number; context: { right: number }; event: Digit; order: Order }>();
const lock = machine("lock", {
  context: () => ({ right: 0 }),
  initial: "shut",
  states: {
    shut: {
      on: {
        digit: [
          { guard: ({ right }, { digit }) => right === CODE.length - 1 && digit === CODE[right], target: "open" },
          {
            guard: ({ right }, { digit }) => digit === CODE[right],
            actions: assign(({ right }) => ({ right: right + 1 })),
          },
          {},
        ],
      },
    },
    open: { type: "final" },
  },
});

const inputs = fc.constant(0);
const events = (): fc.Arbitrary<Digit> => fc.nat(99).map((digit) => ({ type: "digit", digit }) as const);
const RUNS = { numRuns: 2_000, seed: 3 };

/** Opened by these events? */
const opens = (given: ReadonlyArray<Digit>): boolean => {
  let { snapshot } = lock.start(0);
  for (const event of given) snapshot = lock.step(snapshot, event).snapshot;
  return lock.isDone(snapshot);
};

test("walks: a guard that few events pass is met by search, and not by lists of events", () => {
  const walks = walksOf(walkable(lock), inputs, events, { eventsMax: 30, draws: 8 });
  const walked = fc.check(
    fc.property(walks, (walk) => !opens(walk.events)),
    RUNS,
  );
  const listed = fc.check(
    fc.property(fc.array(events(), { maxLength: 30 }), (list) => !opens(list)),
    RUNS,
  );
  same([walked.failed, listed.failed], [true, false]);
  same(
    walked.counterexample![0].events.map(({ digit }) => digit),
    CODE,
  );
});

test("walks: a seed gives the same walks", () => {
  const walks = walksOf(walkable(lock), inputs, events);
  same(fc.sample(walks, RUNS), fc.sample(walks, RUNS));
});

test("walks: shorter ones come the shortest first, and are not too many", () => {
  const [a, b] = [0, 1].map((digit) => ({ type: "digit", digit }) as const);
  const shorter = [...shorterWalks({ input: 0, events: [a!, b!, a!] })].map((walk) => walk.events.map((e) => e.digit));
  same(shorter, [[], [0], [1], [0, 0], [0, 1], [1, 0], [1, 1]]);
  const many = Array.from({ length: 30 }, (_, digit) => ({ type: "digit", digit }) as const);
  const count = [...shorterWalks({ input: 0, events: many })].length;
  ok(count > 500 && count <= 20_000, `${count}`);
});

test("walks: the way of an event is the transition that it takes", () => {
  const { snapshot } = lock.start(0);
  const way = (digit: number) => rowOf(lock, snapshot, { type: "digit", digit });
  same(
    [way(31), way(4), rowOf(lock, snapshot, { type: "other" } as never)],
    ["shut digit 1", "shut digit 2", " other 0"],
  );
});

test("walks: laws of machines are asked of them, and find what lies behind such a guard", () => {
  const endless = { ...lock, isDone: () => false };
  const laws = machineLawsOf(endless, { inputs, events });
  const { property } = laws.find(({ name }) => name.endsWith("that XState makes of its definition"))!;
  const found = fc.check(property!, RUNS) as fc.RunDetails<[{ readonly events: ReadonlyArray<Digit> }]>;
  const shown = found.counterexample![0].events.map(({ digit }) => digit);
  same([shown.slice(0, CODE.length), shown.length], [CODE, CODE.length + 1]); // the event after the end
});
