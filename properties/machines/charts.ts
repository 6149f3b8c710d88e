/** Random charts: up to three levels, guards, wildcard, timers, eventless, re-entering, entry, exit, final, decisions. */
import fc from "fast-check";
import { type Machine, type Note, setup } from "../../machines/kit/mod.ts";

export type ChartEvent =
  | { readonly type: "a" | "b" | "c"; readonly n: number }
  | { readonly type: "timerFired"; readonly timer: "t" | "u" };
export type ChartOrder = { readonly type: "x" | "y" | "z"; readonly n: number } | Note;
export interface ChartContext {
  readonly n: number;
  readonly log: ReadonlyArray<string>;
}
export type AnyMachine = Machine<number, ChartEvent, ChartOrder, ChartContext>;

const { machine, assign, decide, give } = setup<{
  input: number;
  context: ChartContext;
  event: ChartEvent;
  order: ChartOrder;
}>();

const STATES_MAX = 9;
const LEVELS_MAX = 3;
const CONTEXT_N_MAX = 7;

/** The shape of the states: each entry is the number of states within it, drawn depth first. */
interface Shape {
  readonly name: string;
  readonly within: ReadonlyArray<Shape>;
}
const shape = fc
  .array(fc.tuple(fc.nat(LEVELS_MAX - 1), fc.boolean()), { minLength: 2, maxLength: STATES_MAX })
  .map((drawn) => {
    const top: Array<any> = [];
    const open: Array<Array<any>> = [top];
    for (const [i, [depth]] of drawn.entries()) {
      const at = Math.min(depth, open.length - 1);
      const state = { name: `s${i}`, within: [] as Array<any> };
      open[at]!.push(state);
      open.length = at + 1;
      open.push(state.within);
    }
    return top as ReadonlyArray<Shape>;
  });
const flat = (shapes: ReadonlyArray<Shape>): ReadonlyArray<Shape> =>
  shapes.flatMap((one) => [one, ...flat(one.within)]);

const order = fc.constantFrom("x" as const, "y" as const, "z" as const);
const action = fc.oneof(
  fc.tuple(order, fc.nat(3)).map(([type, n]) => ({ type, n })),
  order.map((type) => give(type, ({ n }: ChartContext) => ({ n }))),
  fc
    .nat(3)
    .map((by) => assign(({ n, log }: ChartContext) => ({ n: (n + by) % CONTEXT_N_MAX, log: [...log, `+${by}`] }))),
  fc.tuple(order, order, fc.nat(3)).map(([one, other, by]) =>
    decide([one, other], ({ n }: ChartContext) => ({
      ...(n % 2 === 0 ? { context: { n: (n + by) % CONTEXT_N_MAX } } : {}),
      actions: Array.from({ length: n % 3 }, (_, i) => ({ type: i === 0 ? one : other, n })),
    })),
  ),
);
const actions = fc.oneof(action, fc.array(action, { maxLength: 3 }));
const guard = fc.tuple(fc.integer({ min: 2, max: 4 }), fc.nat(1)).map(
  ([by, is]) =>
    ({ n }: ChartContext) =>
      (n % by === 0) === (is === 1),
);

const optional = <T>(of: fc.Arbitrary<T>, weight = 2) => fc.option(of, { nil: undefined, freq: weight });
const without = (given: object) => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
const transition = (names: ReadonlyArray<string>, mayReenter: boolean) =>
  fc
    .record({
      guard: optional(guard),
      target: optional(fc.constantFrom(...names), 4),
      reenter: mayReenter ? optional(fc.constant(true)) : fc.constant(undefined),
      actions: optional(actions),
    })
    .map(without);
const transitions = (names: ReadonlyArray<string>, mayReenter: boolean) =>
  fc.oneof(transition(names, mayReenter), fc.array(transition(names, mayReenter), { minLength: 1, maxLength: 3 }));

/** An eventless transition that always passes would never end: its guard counts down in the context. */
const eventless = (names: ReadonlyArray<string>) =>
  fc
    .tuple(fc.constantFrom(...names), fc.integer({ min: 2, max: 5 }), optional(actions))
    .map(([target, by, more = []]) => ({
      guard: ({ n, log }: ChartContext) => n % by === 0 && log.length < 20,
      target,
      actions: [
        assign(({ n, log }: ChartContext) => ({ n: (n + 1) % CONTEXT_N_MAX, log: [...log, "always"] })),
        ...[more].flat(),
      ],
    }));

const region = (names: ReadonlyArray<string>, isRoot: boolean) =>
  fc
    .record({
      entry: optional(actions),
      exit: optional(actions),
      always: optional(eventless(names), 2),
      on: optional(
        fc
          .record({
            a: optional(transitions(names, !isRoot)),
            b: optional(transitions(names, !isRoot)),
            c: optional(transitions(names, !isRoot)),
            timerFired: optional(transitions(names, !isRoot)),
            "*": optional(transitions(names, !isRoot)),
          })
          .map(without),
        4,
      ),
      timers: optional(
        fc.record({ t: optional(transitions(names, !isRoot)), u: optional(transitions(names, !isRoot)) }).map(without),
      ),
    })
    .map(without);

const stateOf = (shape: Shape, names: ReadonlyArray<string>, isTop: boolean): fc.Arbitrary<any> => {
  if (shape.within.length > 0)
    return fc
      .tuple(region(names, false), statesOf(shape.within, names, false), fc.nat(shape.within.length - 1))
      .map(([own, states, first]) => ({ ...own, initial: shape.within[first]!.name, states }));
  if (!isTop) return region(names, false);
  return fc.oneof(
    { weight: 4, arbitrary: region(names, false) },
    { weight: 1, arbitrary: optional(actions).map((entry) => without({ type: "final", entry })) },
  );
};
const statesOf = (shapes: ReadonlyArray<Shape>, names: ReadonlyArray<string>, isTop: boolean): fc.Arbitrary<any> =>
  fc.record(Object.fromEntries(shapes.map((one) => [one.name, stateOf(one, names, isTop)])), { noNullPrototype: true });

let count = 0;
/** Machines of any such chart. */
export const anyMachine: fc.Arbitrary<AnyMachine> = shape.chain((shapes) => {
  const names = flat(shapes).map(({ name }) => name);
  return fc
    .tuple(region(names, true), statesOf(shapes, names, true), fc.nat(shapes.length - 1))
    .map(([own, states, first]) => {
      const live = shapes.filter(({ name }) => states[name].type !== "final");
      const initial = live.length === 0 ? "zero" : live[first % live.length]!.name;
      count += 1;
      return machine(`chart${count}`, {
        ...own,
        context: (n: number) => ({ n: n % CONTEXT_N_MAX, log: [] }),
        initial,
        states: live.length === 0 ? { ...states, zero: {} } : states,
      } as never) as AnyMachine;
    });
});
export const anyEvents: fc.Arbitrary<ReadonlyArray<ChartEvent>> = fc.array(
  fc.oneof<Array<fc.Arbitrary<ChartEvent>>>(
    fc.record({ type: fc.constantFrom("a", "b", "c"), n: fc.nat(5) }, { noNullPrototype: true }) as never,
    fc.constantFrom("t" as const, "u" as const).map((timer) => ({ type: "timerFired", timer })),
    fc.constant({ type: "unheardOf", n: 0 } as never),
  ),
  { maxLength: 12 },
);
