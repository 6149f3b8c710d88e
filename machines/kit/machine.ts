/**
 * What a machine of this project is, and `setup`, by which one is defined.
 *
 *   start(input) ----------+
 *                          +--> { snapshot, actions }      isDone(snapshot) --> no more events, please
 *   step(snapshot, event) -+              ^
 *   resume(value, context) ---------------+  the snapshot alone
 *
 * These functions are all that a host needs; machines perform nothing and know no time, chance or promise. The words of a
 * definition are those of chart.ts, its steps are made by steps.ts, and xstate.ts writes it out as an XState definition.
 * DECISIONS.md D-002.
 */
import type { Begun, Chart, Decision, Deed, Handlers, KnownDecision, KnownFields, Note, Of, Typed } from "./chart.ts";
import { type Snapshot, type Step, stepsOf } from "./steps.ts";
import { rowsOf, type TableRow } from "./table.ts";
import { type AnyChart, type Tree, treeOf } from "./tree.ts";

/** A state machine as three pure functions: `start`, `step`, `isDone`. Orders come out as data. */
export interface Machine<I, E, A, C = any> {
  readonly id: string;
  /** What it was made of: for `xstateOf`, by which XState runs it, draws it or walks its graph. */
  readonly definition: { readonly chart: AnyChart; readonly tree: Tree };
  /** Its transition table: what each event does in each state, and which orders that may give. */
  readonly table: ReadonlyArray<TableRow>;
  readonly start: (input: I) => Step<Snapshot<C>, A>;
  /** A machine that stands in that state already: nothing is entered, and nothing ordered. `value` as a snapshot shows it. */
  readonly resume: (value: Snapshot<C>["value"], context: C) => Snapshot<C>;
  readonly step: (snapshot: Snapshot<C>, event: E) => Step<Snapshot<C>, A>;
  readonly isDone: (snapshot: Snapshot<C>) => boolean;
}

/** The types of one machine, said once. */
export interface MachineTypes {
  readonly input: unknown;
  readonly context: object;
  readonly event: Typed;
  /** Includes `Note`. */
  readonly order: Typed;
}
type ParamsOf<A> = A extends Typed ? Omit<A, "type"> : never;

/** The words of a definition, bound to the types of input, context, event and order. */
export interface Setup<I, C, E extends Typed, A extends Typed> {
  /** Defines a machine. Throws MachineError, while its module loads, for what is not stepped here. */
  readonly machine: <const S extends string>(id: string, chart: Chart<S, I, C, E, A>) => Machine<I, E, A, C>;
  /** Changes the context, orders nothing. */
  readonly assign: <V extends E | Begun<I>, P extends Partial<C>>(
    of: (context: C, event: V) => P & KnownFields<P, C>,
  ) => Deed<C, V, never>;
  /** Changes the context and orders what is listed, or some of it. */
  readonly decide: <V extends E | Begun<I>, K extends A["type"], D extends Decision<C, Of<A, K>>>(
    orders: ReadonlyArray<K>,
    of: (context: C, event: V) => D & KnownDecision<D, C>,
  ) => Deed<C, V, Of<A, K>>;
  /** One order whose parameters are computed. */
  readonly give: <V extends E | Begun<I>, K extends A["type"]>(
    order: K,
    of: (context: C, event: V) => ParamsOf<Of<A, K>>,
  ) => Deed<C, V, Of<A, K>>;
  /** Handlers that several states share, to be spread into their `on`. */
  readonly handlers: <const S extends string, const H extends Handlers<S, C, E, A>>(
    on: H & { readonly [K in Exclude<keyof H, E["type"] | "*">]: never },
  ) => H;
}

/** The words of `chart.ts` bound to the types of one machine. The compiler asks for `Note` among its orders. */
export const setup = <T extends MachineTypes>(): Note extends T["order"]
  ? Setup<T["input"], T["context"], T["event"], T["order"]>
  : "a machine's orders include Note" => ({ machine, assign, decide, give, handlers: (on: object) => on }) as never;

const decide = (orders: ReadonlyArray<string>, of: Deed<any, any, any>["of"]) => ({ orders, of });
const assign = (of: (context: any, event: any) => object) => ({
  orders: [],
  of: (context: any, event: any) => ({ context: of(context, event) }),
});
const give = (type: string, of: (context: any, event: any) => object) => ({
  orders: [type],
  isCertain: true,
  of: (context: any, event: any) => ({ actions: [{ type, ...of(context, event) }] }),
});
const noteUnexpected = { actions: give("note", (_, event) => ({ unexpected: event.type })) };

const machine = (id: string, defined: AnyChart): Machine<any, any, any, any> => {
  const chart = { ...defined, on: { "*": noteUnexpected, ...defined.on } } as AnyChart;
  const tree = treeOf(id, chart);
  const { start, step, resume } = stepsOf<any, any, any, any>(chart, tree);
  return {
    id,
    definition: { chart, tree },
    get table() {
      return rowsOf(tree);
    },
    start,
    step,
    resume,
    isDone: (snapshot) => snapshot.status !== "active",
  };
};
