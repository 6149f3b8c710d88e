/** The definitions of 0.1.0, until the last room has moved to `setup` of machine.ts: then this file and plan.ts go. */
import { type AnyStateMachine, createActor, type EventFromLogic, type InputFrom } from "xstate";
import type { Decision } from "./chart.ts";
import type { Machine } from "./machine.ts";
import { type Act, giving, plannedSteps, type Steps } from "./plan.ts";
import type { Snapshot, Step } from "./steps.ts";
import type { TableRow } from "./table.ts";

interface Typed {
  readonly type: string;
}
type ParamsOf<A extends Typed, K extends A["type"]> = Omit<Extract<A, { readonly type: K }>, "type">;

/** Typed stand-ins for XState: a machine names its actions here and nowhere performs them. */
export const declared = <A extends Typed>(
  names: {
    readonly [K in A["type"]]: true;
  },
): { [K in A["type"]]: (_: unknown, params: ParamsOf<A, K>) => void } =>
  Object.fromEntries(Object.keys(names).map((name) => [name, () => {}])) as never;

/**
 * A transition's action that is one plain function of context and event.
 * For transitions whose number of orders depends on what the machine knows; write single orders as `{ type, params }`.
 */
export const decide = <C, E, A extends Typed>(of: (context: C, event: E) => Decision<C, A>): any =>
  Object.assign(() => {}, { type: DECIDES, of, resolve: (_: unknown, ...at: [any, any]) => resolved(of, ...at) });

/** As XState's own `enqueueActions` with an `assign` in it would, which makes a dozen closures and three objects more. */
const resolved = <C, E, A extends Typed>(
  of: (context: C, event: E) => Decision<C, A>,
  snapshot: Snapshot<C>,
  { context, event }: { readonly context: C; readonly event: E },
): readonly [Snapshot<C>, undefined, ReadonlyArray<object>] => {
  const { context: changed, actions = [] } = of(context, event);
  const next = changed === undefined ? snapshot : { ...snapshot, context: { ...context, ...changed } };
  return [next, undefined, actions.map(({ type, ...params }) => ({ type, params }))];
};
/** How a decision is named where a machine is drawn. */
export const DECIDES = "decides";

/** Decisions, and XState's own `assign`, as plan.ts takes them; undefined for the rest. */
const readAct = (action: any): Act | undefined => {
  if (action?.type === "xstate.assign") {
    const { assignment } = action;
    const partOf = (given: { context: any; event: any }) =>
      typeof assignment === "function"
        ? assignment(given)
        : Object.fromEntries(
            Object.entries(assignment).map(([key, of]) => [key, typeof of === "function" ? of(given) : of]),
          );
    return (context, event) => ({ ...context, ...partOf(giving({ context, event })) });
  }
  if (action?.type !== DECIDES || action.of === undefined) return undefined;
  const of = action.of as (context: any, event: any) => Decision<any, object>;
  return (context, event, orders) => {
    const { context: changed, actions } = of(context, event);
    if (actions !== undefined) orders.push(...actions);
    return changed === undefined ? context : { ...context, ...changed };
  };
};

export const machineOf =
  <A extends Typed>() =>
  <L extends AnyStateMachine>(
    logic: L,
  ): Machine<InputFrom<L>, EventFromLogic<L>, A, ReturnType<L["getInitialSnapshot"]>["context"]> => {
    const { start, step, resume } = plannedSteps<any, any, A, any>(logic, readAct) ?? stepsByXState<A>(logic);
    return {
      id: logic.id,
      logic,
      table: oldRowsOf(logic),
      start,
      resume,
      // XState would still run the handlers of the root; after the end nothing happens.
      step: (snapshot, event) => (snapshot.status === "active" ? step(snapshot, event) : { snapshot, actions: [] }),
      isDone: (snapshot) => snapshot.status !== "active",
    };
  };

/** For definitions that have no plan, and for the laws, which hold the others against this. */
export const stepsByXState = <A extends Typed>(logic: AnyStateMachine): Steps<any, any, A, any> => {
  let collected: Array<A> = [];
  let scope: any;
  const scopeFor = (input: unknown) => {
    if (scope !== undefined) return scope;
    const self = createActor(logic, { input } as never); // never started: only its name and its system are used
    scope = {
      self,
      id: self.id,
      sessionId: self.sessionId,
      system: (self as any).system,
      logger: () => {},
      defer: () => {},
      stopChild: () => {},
      emit: () => {},
      actionExecutor: (action: { type: string; params: object }) => collected.push(plain<A>(action)),
    };
    return scope;
  };
  const taking = <S>(make: () => S): Step<S, A> => {
    collected = [];
    const snapshot = make();
    if ((snapshot as any).status === "error") throw (snapshot as any).error; // we are wrong: the fiber dies, its supervisor reports
    return { snapshot, actions: collected };
  };
  return {
    start: (input) => taking(() => logic.getInitialSnapshot(scopeFor(input), input as never) as never),
    step: (snapshot, event) =>
      taking(() => logic.transition(snapshot as never, event as never, scopeFor(undefined)) as never),
    resume: (value, context) => logic.resolveState({ value: value as never, context }) as never,
  };
};

/** Timers and children are data too: XState's own `after`, `invoke` and `sendTo` carry references, and are refused. */
const plain = <A>({ type, params }: { type: string; params: object }): A => {
  if (type.startsWith("xstate.")) throw new Error(`${type} is not data; declare an action for it`);
  return { type, ...params } as A;
};

const oldRowsOf = (logic: AnyStateMachine): ReadonlyArray<TableRow> => {
  const nodesOf = (node: any): Array<any> => [node, ...Object.values(node.states).flatMap(nodesOf)];
  const nameOf = (order: any): string => (order.type === DECIDES ? "(decides)" : (order.type ?? "?"));
  return nodesOf(logic.root).flatMap((node) => {
    const state = node.path.join(".") || "(any)";
    const row = (event: string, guard: unknown, target: string, orders: any): TableRow => ({
      state,
      event,
      guard: guard === undefined ? undefined : "guarded",
      target,
      orders: orders.map(nameOf),
    });
    const to = (t: any): string => (t.target ?? []).map((n: any) => n.path.join(".")).join(", ");
    return [
      ...(node.entry.length === 0 ? [] : [row("(entry)", undefined, "", node.entry)]),
      ...(node.exit.length === 0 ? [] : [row("(exit)", undefined, "", node.exit)]),
      ...(node.always ?? []).map((t: any) => row("(always)", t.guard, to(t), t.actions)),
      ...[...node.transitions.values()].flat().map((t: any) => row(t.eventType, t.guard, to(t), t.actions)),
      ...(node.type === "final" ? [row("(final)", undefined, "", [])] : []),
    ];
  });
};
