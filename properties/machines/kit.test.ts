/** The narrow waist makes the same steps as XState's own functions, and refuses what is not data. */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import { assign, initialTransition, sendTo, setup, transition } from "xstate";
import { decide, declared, machineOf, stepsByXState } from "../../machines/kit/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";

interface LampInput {
  readonly limit: number;
}
interface LampContext extends LampInput {
  readonly count: number;
}
type LampEvent =
  | { readonly type: "pressed"; readonly by: string }
  | { readonly type: "timerFired"; readonly timer: string }
  | { readonly type: "lost"; readonly why: string };
type LampAction =
  | { readonly type: "startTimer"; readonly timer: string; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: string }
  | { readonly type: "told"; readonly by: string; readonly count: number }
  | { readonly type: "note"; readonly unexpected: string };

/** Off, on for a second at most, and broken after so many presses: orders in place, by decision, on entry and exit. */
const logic = setup({
  types: { input: {} as LampInput, context: {} as LampContext, events: {} as LampEvent },
  actions: declared<LampAction>({ startTimer: true, stopTimer: true, told: true, note: true }),
}).createMachine({
  id: "lamp",
  context: ({ input }) => ({ count: 0, ...input }),
  initial: "off",
  on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
  states: {
    off: {
      on: {
        pressed: [
          { guard: ({ context }) => context.count >= context.limit, target: "broken" },
          { target: "on", actions: assign({ count: ({ context }) => context.count + 1 }) },
        ],
      },
    },
    on: {
      entry: { type: "startTimer", params: { timer: "glow", ms: 1000 } },
      on: {
        pressed: {
          target: "off",
          actions: decide<LampContext, LampEvent, LampAction>((context, event) => ({
            context: { count: context.count + 1 },
            actions: [
              { type: "stopTimer", timer: "glow" },
              ...Array.from({ length: context.count % 3 }, (_, count) => ({
                type: "told" as const,
                by: event.type === "pressed" ? event.by : "",
                count,
              })),
            ],
          })),
        },
        timerFired: { target: "off" },
        lost: { target: "broken", actions: { type: "stopTimer", params: { timer: "glow" } } },
      },
    },
    broken: { type: "final" },
  },
});
const lamp = machineOf<LampAction>()(logic);

const input = fc.record({ limit: fc.nat(5) }, { noNullPrototype: true });
const event = fc.oneof<Array<fc.Arbitrary<LampEvent>>>(
  fc.constantFrom("ann", "bob").map((by) => ({ type: "pressed" as const, by })),
  fc.constant({ type: "timerFired" as const, timer: "glow" }),
  fc.constant({ type: "lost" as const, why: "dark" }),
);
machineLaws(lamp, { inputs: input, events: () => event });

const plain = (actions: ReadonlyArray<any>) => actions.map(({ type, params }) => ({ type, ...params }));

test("a step is XState's step", () =>
  fc.assert(
    fc.property(input, fc.array(event, { maxLength: 30 }), (input, events) => {
      let [snapshot, actions] = initialTransition(logic, input);
      let ours = lamp.start(input);
      for (const event of [undefined, ...events]) {
        if (event !== undefined) {
          if (lamp.isDone(ours.snapshot)) break;
          [snapshot, actions] = transition(logic, snapshot, event);
          ours = lamp.step(ours.snapshot, event);
        }
        assert.deepEqual(ours.actions, plain(actions));
        const { value, context, status } = snapshot;
        assert.deepEqual([ours.snapshot.value, ours.snapshot.context, ours.snapshot.status], [value, context, status]);
      }
    }),
    { numRuns: runs },
  ));

test("two runs of one machine do not meet", () => {
  const [first, second] = [lamp.start({ limit: 1 }), lamp.start({ limit: 2 })];
  assert.deepEqual([first.snapshot.context.limit, second.snapshot.context.limit], [1, 2]);
  const pressed = { type: "pressed", by: "ann" } as const;
  const [a, b] = [lamp.step(first.snapshot, pressed), lamp.step(second.snapshot, pressed)];
  assert.deepEqual([a.snapshot.context.count, b.snapshot.context.count], [1, 1]);
  assert.deepEqual(a.actions, [{ type: "startTimer", timer: "glow", ms: 1000 }]);
});

test("XState's own timers and messages are refused: they carry references", () => {
  const delayed = machineOf<LampAction>()(
    setup({}).createMachine({ initial: "a", states: { a: { after: { 10: "b" } }, b: {} } }),
  );
  assert.throws(() => delayed.start(undefined), /is not data/);
  const telling = machineOf<LampAction>()(
    setup({}).createMachine({
      initial: "a",
      states: { a: { on: { go: { actions: sendTo("other", { type: "x" }) } } } },
    }),
  );
  const { snapshot } = telling.start(undefined);
  assert.throws(() => telling.step(snapshot, { type: "go" }));
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
      const lamp = machineOf<LampAction>()(logic);
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

const odd = {
  "an assign that is given params": {
    logic: setup({ actions: { set: assign((_, given: any) => ({ x: given.v })) } }).createMachine({
      context: { x: 0 },
      initial: "a",
      states: { a: { on: { go: { actions: { type: "set", params: { v: 7 } } as never } } } },
    }),
    events: ["go"],
  },
  "a beginning that is the end": {
    logic: setup({
      actions: declared<LampAction>({ startTimer: true, stopTimer: true, told: true, note: true }),
    }).createMachine({
      context: {},
      exit: { type: "note", params: { unexpected: "root" } },
      initial: "a",
      states: { a: { type: "final", exit: { type: "note", params: { unexpected: "a" } } } },
    }),
    events: [],
  },
  "no states": { logic: setup({}).createMachine({ context: { x: 1 } }), events: ["go"] },
} as const;
for (const [name, { logic, events }] of Object.entries(odd))
  test(`${name}: stepped as XState steps it`, () => {
    const [ours, theirs] = [machineOf<any>()(logic as any), stepsByXState<any>(logic as any)];
    let [a, b] = [ours.start(undefined as never), theirs.start(undefined)];
    for (const type of [undefined, ...events]) {
      if (type !== undefined) [a, b] = [ours.step(a.snapshot, { type } as never), theirs.step(b.snapshot, { type })];
      const { value, context, status } = b.snapshot;
      assert.deepEqual([a.snapshot.value, a.snapshot.context, a.snapshot.status], [value, context, status]);
      assert.deepEqual(a.actions, b.actions);
    }
  });

test("what carries references is refused where it is asked for, and XState's own events are", () => {
  const spawning = machineOf<any>()(
    setup({}).createMachine({
      context: { who: "" },
      initial: "a",
      states: { a: { on: { go: { actions: assign({ who: ({ self }) => self.id }) } } } },
    }),
  );
  const { snapshot } = spawning.start(undefined);
  assert.throws(() => spawning.step(snapshot, { type: "go" }), /self is not data/);
  assert.throws(() => spawning.step(snapshot, { type: "xstate.stop" } as never), /xstate.stop is XState's own/);
});
