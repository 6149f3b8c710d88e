/** The explorer itself: on worlds whose states can be counted by hand, and on planted faults. DECISIONS.md D-297. */
import { ok, deepStrictEqual as same } from "node:assert";
import type { PvpOriginatorAction } from "../../machines/validation/mod.ts";
import { explore, type SmallWorld } from "../kit/explorer.ts";
import { test } from "../kit/harness.ts";
import { gateForms, gateWorld } from "./gate-world.ts";
import { ringWorld } from "./ring-world.ts";
import { gates, ringScope, rings } from "./scopes.ts";

/** Two writers that read a counter, and write it one higher later. */
interface Writers {
  readonly counter: number;
  readonly read: ReadonlyArray<number | undefined>;
  readonly isDone: ReadonlyArray<boolean>;
}
const writers = (fault: (state: Writers) => string | undefined, sorts = false): SmallWorld<Writers> => ({
  starts: [{ counter: 0, read: [undefined, undefined], isDone: [false, false] }],
  *next({ counter, read, isDone }) {
    for (const i of [0, 1]) {
      const put = <A>(all: ReadonlyArray<A>, one: A) => all.map((old, at) => (at === i ? one : old));
      const held = read[i];
      if (held === undefined && !isDone[i])
        yield { event: () => `${i} reads`, state: { counter, isDone, read: put(read, counter) } };
      else if (held !== undefined)
        yield {
          event: () => `${i} writes`,
          state: { counter: held + 1, read: put(read, undefined), isDone: put(isDone, true) },
        };
    }
  },
  key: ({ counter, read, isDone }) => {
    const each = read.map((held, i) => `${held}${isDone[i]}`);
    return `${counter} ${sorts ? each.sort() : each}`;
  },
  fault,
});
const eventsOf = (found: ReturnType<typeof explore<any>>): ReadonlyArray<string> =>
  found.counterExample?.steps.map(({ event }) => event()) ?? [];

test("explore: all states of a small world, each once, and fewer where names do not count", () => {
  // By hand, after none, one, two events and so on: 1 + 2 + 3 + 4 + 2, and 1 + 1 + 2 + 2 + 2.
  const all = explore(writers(() => undefined));
  same([all.invariant, all.states, all.depth], ["held", 12, 4]);
  const renamed = explore(writers(() => undefined, true));
  same([renamed.invariant, renamed.states, renamed.depth], ["held", 8, 4]);
});

test("explore: a counter-example is as short as there is one, and its events lead to it", () => {
  const lost = ({ counter, isDone }: Writers) => (isDone.every(Boolean) && counter < 2 ? "a write is lost" : undefined);
  const found = explore(writers(lost));
  same(found.counterExample?.fault, "a write is lost");
  same(eventsOf(found), ["0 reads", "1 reads", "0 writes", "1 writes"]);
  same(found.counterExample!.steps.at(-1)!.state.counter, 1);
});

test("explore: a world with more states than allowed is unfinished", () => {
  const line: SmallWorld<number> = {
    starts: [0],
    next: (at) => [{ event: () => "on", state: at + 1 }],
    key: String,
    fault: () => undefined,
  };
  same(explore(line, { statesMax: 1_000 }).invariant, "unfinished");
  // More than its tables begin with: they grow, and a state that was met stays known.
  const circle = { ...line, next: (at: number) => [{ event: () => "on", state: (at + 1) % 150_000 }] };
  same([explore(circle).invariant, explore(circle).states], ["held", 150_000]);
});

test("a planted fault: peers that are not told of changes are never right again", () => {
  const isTold: NonNullable<Parameters<typeof ringWorld>[0]["plant"]> = (order) =>
    !(order.type === "request" && order.request.type === "update");
  const found = explore(ringWorld({ ...ringScope(3, 1), plant: isTold }));
  same(found.counterExample?.fault, "not right after 6 rounds");
  ok(eventsOf(found)[0]!.endsWith("begins"));
});

test("a planted fault: a ring that admits nodes and forgets to open links to the others", () => {
  const found = explore(ringWorld({ ...ringScope(3, 2), plant: ({ type }) => type !== "connect" }));
  same(found.invariant, "violated");
});

test("without the assumption a failure divides a ring of three, and the explorer says how", () => {
  const found = explore(ringWorld({ ...ringScope(3, 1, { failures: 1 }), assumes: false }));
  same(found.counterExample?.fault.replace(/n\d/, "n"), "two rings at n");
  ok(eventsOf(found).includes("n0 fails"));
});

test("a planted fault: a gate that opens at each guess, and a bonus for guesses that may know more", () => {
  const { "A, B": forms } = gateForms as { readonly "A, B": (typeof gateForms)[string] };
  const opens = (actions: ReadonlyArray<PvpOriginatorAction>, event: { readonly type: string }) =>
    event.type === "committed"
      ? [...actions, { type: "open", claim: (event as never as { claim: never }).claim } as const]
      : actions;
  const found = explore(gateWorld({ claimants: 2, forms, plant: opens }));
  ok(/gains .* bits by a guess after 1 answers/.test(found.counterExample!.fault), found.counterExample?.fault);
  const counted = (actions: ReadonlyArray<PvpOriginatorAction>) =>
    actions.map((one) => (one.type === "attempt" ? { ...one, input: { ...one.input, guessesBefore: 0 } } : one));
  same(explore(gateWorld({ claimants: 1, forms, plant: counted })).invariant, "violated");
});

for (const { name, world } of rings(3, false))
  test(`every order of events leaves one ring: ${name}`, () => {
    const { counterExample, ...found } = explore(world);
    same([found.invariant, counterExample?.fault], ["held", undefined]);
  });

for (const { name, world } of gates(2))
  test(`every order of events keeps a coalition to what its guesses are worth: ${name}`, () => {
    const { counterExample, ...found } = explore(world);
    same([found.invariant, counterExample?.fault], ["held", undefined]);
  });
