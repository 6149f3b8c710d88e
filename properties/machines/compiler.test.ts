/**
 * Mistakes in a machine or its host that the compiler must find. `npm run types` is the check: a line below `@ts-expect-error`
 * that compiles is itself an error. The tests here see that the definitions without the mistake are good, and that what the
 * compiler cannot know is refused where a machine is defined.
 */
import * as assert from "node:assert/strict";
import { Effect } from "effect";
import { type Decision, MachineError, type Note, type Of, setup } from "../../machines/kit/mod.ts";
import { test } from "../kit/harness.ts";

interface Context {
  readonly count: number;
  readonly last: string;
}
type Event =
  | { readonly type: "pressed"; readonly by: string }
  | { readonly type: "lost"; readonly why: string }
  | { readonly type: "timerFired"; readonly timer: "glow" | "cool" };
type Order =
  | { readonly type: "show"; readonly count: number }
  | { readonly type: "stopTimer"; readonly timer: "glow" | "cool" }
  | Note;
const lamp = setup<{ input: number; context: Context; event: Event; order: Order }>();
const { machine, assign, decide, give, handlers } = lamp;
const context = (count: number): Context => ({ count, last: "" });
const onLost = decide(["show"], ({ count }, { why }: Of<Event, "lost">) => ({
  context: { last: why },
  actions: [{ type: "show", count }],
}));

test("compiler: a definition without a mistake", () => {
  const good = machine("good", {
    context,
    initial: "off",
    on: { lost: { target: "broken", actions: onLost } },
    states: {
      off: {
        on: {
          pressed: [
            { guard: ({ count }, { by }) => count > 3 && by !== "", target: "broken" },
            { target: "dim", actions: [assign(({ count }) => ({ count: count + 1 })), { type: "show", count: 0 }] },
          ],
        },
        timers: { cool: { target: "broken" } },
      },
      lit: {
        initial: "dim",
        exit: { type: "stopTimer", timer: "glow" },
        on: { ...handlers({ pressed: { target: "off" } }) },
        states: { dim: { timers: { glow: { target: "off" } } }, bright: {} },
      },
      broken: { type: "final" },
    },
  });
  const pressed = good.step(good.start(0).snapshot, { type: "pressed", by: "anyone" });
  assert.deepEqual([pressed.snapshot.value, pressed.actions], [{ lit: "dim" }, [{ type: "show", count: 0 }]]);
  assert.deepEqual(good.step(pressed.snapshot, { type: "timerFired", timer: "cool" }).actions, [
    { type: "note", unexpected: "timerFired" },
  ]);
});

/** Never called: what is here is for the compiler. Each mistake stands alone in its line. */
export const mistakes = () => {
  const states = { off: {} } as const;
  const a = { context, initial: "off" } as const;
  // @ts-expect-error an event that the machine does not have
  machine("m", { ...a, states: { off: { on: { pressd: {} } } } });
  // @ts-expect-error ... in handlers that several states share
  handlers({ pressd: {} });
  // @ts-expect-error a target that is no state
  machine("m", { ...a, states: { off: { on: { pressed: { target: "of" } } } } });
  // @ts-expect-error ... in a state within a state
  machine("m", { ...a, states: { off: { initial: "in", states: { in: { on: { lost: { target: "inn" } } } } } } });
  // @ts-expect-error ... without an event
  machine("m", { ...a, states: { off: { always: { target: "of" } } } });
  // @ts-expect-error ... of a timer
  machine("m", { ...a, states: { off: { timers: { glow: { target: "of" } } } } });
  // @ts-expect-error ... at the beginning
  machine("m", { context, initial: "of", states });
  // @ts-expect-error a timer that the machine does not have
  machine("m", { ...a, states: { off: { timers: { glw: {} } } } });
  // @ts-expect-error an order that the machine does not declare
  machine("m", { ...a, states: { off: { entry: { type: "shw", count: 1 } } } });
  // @ts-expect-error ... with a field that the order does not have
  machine("m", { ...a, states: { off: { entry: { type: "show", conut: 1 } } } });
  // @ts-expect-error ... of a decision
  decide(["shw"], () => ({}));
  // @ts-expect-error an order that the decision does not list
  decide(["show"], () => ({ actions: [{ type: "stopTimer", timer: "glow" }] }));
  // @ts-expect-error ... given by a function that may give any
  decide(["show"], (): Decision<Context, Order> => ({}));
  // @ts-expect-error a field that an order does not have
  give("show", ({ count }) => ({ conut: count }));
  // @ts-expect-error a field that the context does not have, read
  decide(["show"], ({ conut }) => ({ actions: [{ type: "show", count: conut }] }));
  // @ts-expect-error ... changed
  decide([], () => ({ context: { conut: 1 } }));
  // @ts-expect-error ... in one case of two
  decide([], ({ count }) => (count > 1 ? { context: { last: "" } } : { context: { lst: "" } }));
  // @ts-expect-error ... assigned
  assign(() => ({ conut: 1 }));
  // @ts-expect-error ... in a guard
  machine("m", { ...a, states: { off: { on: { lost: { guard: ({ conut }) => conut } } } } });
  // @ts-expect-error a field that an event does not have
  machine("m", { ...a, states: { off: { on: { pressed: { guard: (_, { why }) => why === "" } } } } });
  // @ts-expect-error a handler for one event under another event's key
  machine("m", { ...a, states: { off: { on: { pressed: { actions: onLost } } } } });
  // @ts-expect-error ... beside one that is right
  machine("m", { ...a, states: { off: { on: { lost: { actions: onLost }, pressed: { actions: onLost } } } } });
  // @ts-expect-error ... where there may be no event
  machine("m", { ...a, states: { off: { entry: onLost } } });
  // @ts-expect-error a word that this language does not have
  machine("m", { ...a, states: { off: { after: { 10: {} } } } });
  // @ts-expect-error a context that lacks a field
  machine("m", { context: () => ({ count: 1 }), initial: "off", states });
  // @ts-expect-error orders without a note
  setup<{ input: number; context: Context; event: Event; order: Of<Order, "show"> }>().machine;
  // @ts-expect-error a perform that leaves an order out
  const perform = (order: Order): Effect.Effect<void> => {
    switch (order.type) {
      case "show":
        return Effect.void;
      case "note":
        return Effect.void;
    }
  };
  return perform;
};

const refused: Readonly<Record<string, readonly [unknown, RegExp]>> = {
  "a parallel state": [{ a: { type: "parallel", states: {} } }, /state "a": a state of type "parallel" is not stepped/],
  history: [
    { a: { initial: "b", states: { b: {}, c: { type: "history" } } } },
    /state "a.c": a state of type "history"/,
  ],
  after: [{ a: { after: { 10: "b" } } }, /state "a": "after" is not stepped here; order startTimer/],
  invoke: [{ a: { invoke: { src: "b" } } }, /"invoke" is not stepped here; order what is to be done/],
  output: [{ a: { type: "final", output: {} }, b: {} }, /"output" is not stepped here; order a report/],
  spawn: [{ a: { entry: () => {} } }, /an action is neither an order nor made by decide, assign or give/],
  "an action of XState's": [{ a: { entry: { type: "xstate.raise" } } }, /"xstate.raise" is no order/],
  "a target that is not there": [{ a: { on: { pressed: { target: "z" } } } }, /state "a": no state is called "z"/],
  "a name with a dot": [{ a: { initial: "b.c", states: { "b.c": {} } } }, /a state's name is letters and digits/],
  "no beginning within": [{ a: { states: { b: {} } } }, /state "a": `initial` names none of the states within/],
  "one name twice": [
    { a: { initial: "b", states: { b: {} } }, b: {} },
    /another state of this machine has the same name/,
  ],
  "an end within": [{ a: { initial: "b", states: { b: { type: "final" } } } }, /a final state within a state/],
  "an end at the beginning": [{ a: { type: "final" } }, /machine "odd": it ends where it begins/],
  "a partial wildcard": [{ a: { on: { "pressed.*": {} } } }, /of wildcards only/],
  "no states": [{}, /machine "odd": /],
};
for (const [what, [states, why]] of Object.entries(refused))
  test(`kit: ${what} is refused where the machine is defined`, () =>
    assert.throws(
      () => machine("odd", { context, initial: "a", states } as never),
      (error: Error) => error instanceof MachineError && why.test(error.message) && !error.message.includes("\n"),
    ));
