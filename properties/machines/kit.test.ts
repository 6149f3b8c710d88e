/** The narrow waist makes the same steps as XState's own functions, from the start and from where a machine is resumed. */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import { createActor } from "xstate";
import { getShortestPaths } from "xstate/graph";
import { type Note, setup } from "../../machines/kit/mod.ts";
import { xstateOf } from "../../machines/kit/xstate.ts";
import { byXState } from "../kit/by-xstate.ts";
import { runs, test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";

interface LampContext {
  readonly limit: number;
  readonly count: number;
}
type LampEvent =
  | { readonly type: "pressed"; readonly by: string }
  | { readonly type: "timerFired"; readonly timer: "glow" }
  | { readonly type: "lost"; readonly why: string };
type LampAction =
  | { readonly type: "startTimer"; readonly timer: "glow"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "glow" }
  | { readonly type: "show"; readonly by: string; readonly count: number }
  | Note;
interface LampInput {
  readonly limit: number;
}

const { machine, assign, decide } = setup<{
  input: LampInput;
  context: LampContext;
  event: LampEvent;
  order: LampAction;
}>();
const isWorn = ({ count, limit }: LampContext): boolean => count >= limit;

/** Off, on for a second at most, and broken after so many presses: orders in place, by decision, on entry and exit. */
const lamp = machine("lamp", {
  context: ({ limit }) => ({ count: 0, limit }),
  initial: "off",
  states: {
    off: {
      on: {
        pressed: [
          { guard: isWorn, target: "broken" },
          { target: "on", actions: assign(({ count }) => ({ count: count + 1 })) },
        ],
      },
    },
    on: {
      entry: { type: "startTimer", timer: "glow", ms: 1000 },
      on: {
        pressed: {
          target: "off",
          actions: decide(["stopTimer", "show"], ({ count }, { by }) => ({
            context: { count: count + 1 },
            actions: [
              { type: "stopTimer", timer: "glow" },
              ...Array.from({ length: count % 3 }, (_, count) => ({ type: "show" as const, by, count })),
            ],
          })),
        },
        lost: { target: "broken", actions: { type: "stopTimer", timer: "glow" } },
      },
      timers: { glow: { target: "off" } },
    },
    broken: { type: "final" },
  },
});

const input = fc.record({ limit: fc.nat(5) }, { noNullPrototype: true });
const event = fc.oneof<Array<fc.Arbitrary<LampEvent>>>(
  fc.constantFrom("ann", "bob").map((by) => ({ type: "pressed" as const, by })),
  fc.constant({ type: "timerFired" as const, timer: "glow" as const }),
  fc.constant({ type: "lost" as const, why: "dark" }),
);
machineLaws(lamp, { inputs: input, events: () => event });

test("two runs of one machine do not meet", () => {
  const [first, second] = [lamp.start({ limit: 1 }), lamp.start({ limit: 2 })];
  assert.deepEqual([first.snapshot.context.limit, second.snapshot.context.limit], [1, 2]);
  const pressed = { type: "pressed", by: "ann" } as const;
  const [a, b] = [lamp.step(first.snapshot, pressed), lamp.step(second.snapshot, pressed)];
  assert.deepEqual([a.snapshot.context.count, b.snapshot.context.count], [1, 1]);
  assert.deepEqual(a.actions, [{ type: "startTimer", timer: "glow", ms: 1000 }]);
});

test("kit: a machine resumed where another stands makes the same steps", () => {
  const walk = fc.array(
    fc.constantFrom<LampEvent>(
      { type: "pressed", by: "somebody" },
      { type: "timerFired", timer: "glow" },
      { type: "lost", why: "dark" },
    ),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(walk, walk, (before, after) => {
      const reached = before.reduce((now, event) => lamp.step(now, event).snapshot, lamp.start({ limit: 5 }).snapshot);
      fc.pre(!lamp.isDone(reached));
      let [one, other] = [reached, lamp.resume(reached.value, reached.context)];
      for (const event of after) {
        const [a, b] = [lamp.step(one, event), lamp.step(other, event)];
        assert.deepEqual(b.actions, a.actions);
        assert.deepEqual([b.snapshot.value, b.snapshot.context], [a.snapshot.value, a.snapshot.context]);
        [one, other] = [a.snapshot, b.snapshot];
      }
    }),
    { numRuns: runs },
  );
});

test("kit: a machine resumed in its final state is done", () => {
  const over = lamp.resume("broken", { limit: 1, count: 1 });
  assert.equal(lamp.isDone(over), true);
  assert.deepEqual(lamp.step(over, { type: "pressed", by: "ann" }), { snapshot: over, actions: [] });
  assert.throws(() => lamp.resume("brokn", { limit: 1, count: 1 }), /lamp: no state "brokn"/);
});

test("kit: what no snapshot shows is no state to resume in", () => {
  for (const value of [null, {}, 5, true, { off: "on" }, { toString: "off" }, "constructor"])
    assert.throws(() => lamp.resume(value, { limit: 1, count: 1 }), /lamp: no state /);
});

test("kit: an event with the name of what every object inherits is handled where it is, and nowhere else", () => {
  const types = setup<{ input: number; context: object; event: { readonly type: string }; order: Note }>();
  // The compiler refuses such a name; a definition from JavaScript may have it.
  const odd = types.machine("odd", {
    context: () => ({}),
    initial: "one",
    on: { toString: { target: "two" } },
    states: { one: { on: { other: {} } }, two: {} },
  } as never);
  const walked = ({ start, step }: Pick<typeof odd, "start" | "step">) =>
    step(start(0).snapshot, { type: "toString" }).snapshot.value;
  assert.deepEqual([walked(odd), walked(byXState(odd))], ["two", "two"]);
});

test("kit: XState's createActor runs the definition, and performs what is provided for an order", () => {
  const performed: Array<string> = [];
  const actor = createActor(
    xstateOf(lamp).provide({
      actions: {
        startTimer: (_: unknown, { timer, ms }: any) => performed.push(`start ${timer} ${ms}`),
        show: (_: unknown, { by, count }: any) => performed.push(`show ${by} ${count}`),
        note: (_: unknown, { unexpected }: any) => performed.push(`note ${unexpected}`),
      },
    } as never),
    { input: { limit: 9 } },
  );
  actor.start();
  for (const type of ["pressed", "pressed", "unheardOf"]) actor.send({ type, by: "ann" });
  assert.deepEqual(performed, ["start glow 1000", "show ann 0", "note unheardOf"]);
  assert.equal(actor.getSnapshot().value, "off");
});

test("kit: xstate/graph walks the definition, and it can be drawn: every state, guard and order has its name", () => {
  const paths = getShortestPaths(xstateOf(lamp), {
    input: { limit: 1 },
    events: [
      { type: "pressed", by: "ann" },
      { type: "lost", why: "dark" },
    ] as never,
    limit: 1_000,
    toState: ({ value }: any) => value === "broken",
  } as never);
  assert.equal(paths.length > 0, true);
  const drawn = JSON.stringify(xstateOf(lamp).definition);
  for (const name of ["off", "broken", "isWorn", "startTimer", "gives stopTimer, show", "assign", "glow"])
    assert.ok(drawn.includes(`"${name}"`), `${name} is not in ${drawn}`);
});
