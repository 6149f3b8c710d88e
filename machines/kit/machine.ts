/**
 * The narrow waist: what the house asks of a machine, and all that another actor system needs.
 *
 *   start(input) ----------+
 *                          +--> { snapshot, actions }      isDone(snapshot) --> no more events, please
 *   step(snapshot, event) -+              ^
 *   resume(value, context) ---------------+  the snapshot alone
 *
 * This file and plan.ts alone know how a step is made of an XState definition. `transition()` builds a whole actor on each
 * call (about 118 us a step); one inert scope per machine does the same for a tenth of that, and what plan.ts reads off the
 * definition once for a tenth again. properties/machines/kit.test.ts and the machine laws compare them.
 * DECISIONS.md D-002.
 */
import { type AnyStateMachine, createActor, type EventFromLogic, type InputFrom } from "xstate";
import { type Act, giving, plannedSteps, type Steps } from "./plan.ts";

export interface Step<S, A> {
  readonly snapshot: S;
  readonly actions: ReadonlyArray<A>;
}

/** What every snapshot shows; the rest of it belongs to its machine. */
export interface Snapshot<C> {
  readonly status: "active" | "done" | "error" | "stopped";
  readonly value: unknown;
  readonly context: C;
}

export interface Machine<I, E, A, C = any> {
  readonly id: string;
  /** The XState logic itself, for those who draw it or walk its graph. */
  readonly logic: AnyStateMachine;
  readonly start: (input: I) => Step<Snapshot<C>, A>;
  /** A machine that stands in that state already: nothing is entered, and nothing ordered. `value` as a snapshot shows it. */
  readonly resume: (value: Snapshot<C>["value"], context: C) => Snapshot<C>;
  readonly step: (snapshot: Snapshot<C>, event: E) => Step<Snapshot<C>, A>;
  readonly isDone: (snapshot: Snapshot<C>) => boolean;
}

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

/** What a decision gives back: the parts of the context that changed, and the orders, first to last. */
export interface Decision<C, A> {
  readonly context?: Partial<C>;
  readonly actions?: ReadonlyArray<A>;
}

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
