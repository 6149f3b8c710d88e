/**
 * A machine written out as the XState definition that it stands for: `createActor` runs it, Stately's tools draw it,
 * `xstate/graph` walks it. Guards and decisions have names there; orders are actions with params, which do nothing until
 * somebody provides them: `xstateOf(machine).provide({ actions: { send: (_, params) => ... } })`.
 *
 * The only file that loads XState: a host that steps a machine needs none of it. `vipr/machines/kit/xstate`. DECISIONS.md D-177.
 */
import { type AnyStateMachine, createMachine, enqueueActions } from "xstate";
import { type Actions, type Decision, isDeed, listOf } from "./chart.ts";
import type { Machine } from "./machine.ts";
import { type AnyTransition, type Node, nameOf } from "./tree.ts";

type Given = { readonly context: any; readonly event: any };

/** The same object each time it is asked. */
export const xstateOf = (machine: Pick<Machine<any, any, any>, "id" | "definition">): AnyStateMachine => {
  const { id, definition } = machine;
  const made = known.get(definition) ?? logicOf(id, definition);
  known.set(definition, made);
  return made;
};
const known = new WeakMap<object, AnyStateMachine>();

const logicOf = (
  id: string,
  { chart, tree: { root, byName } }: Machine<any, any, any>["definition"],
): AnyStateMachine => {
  const names = namesOf();
  const actions: Record<string, unknown> = {};
  const guards: Record<string, unknown> = {};

  const action = (given: object): object => {
    if (!isDeed(given)) {
      const { type, ...params } = given as { readonly type: string };
      actions[type] = () => {};
      return { type, params };
    }
    for (const order of given.orders) actions[order] ??= () => {};
    const name = names(given, given.orders.length === 0 ? "assign" : `gives ${given.orders.join(", ")}`);
    actions[name] = enqueueActions(({ context, event, enqueue }: any) => {
      const { context: changed, actions: orders = [] } = given.of(context, event) as Decision<any, { type: string }>;
      if (changed !== undefined) enqueue.assign(() => changed);
      for (const { type, ...params } of orders) enqueue({ type, params });
    });
    return { type: name };
  };
  const guard = (given: (context: any, event: any) => boolean): string => {
    const name = names(given, nameOf(given.name) ?? "guard");
    guards[name] = ({ context, event }: Given) => given(context, event);
    return name;
  };
  const transition = (given: AnyTransition, timer?: string): object => {
    const listed = listOf(given.actions as Actions<any, any, any>).map(action);
    return {
      ...(timer === undefined ? {} : { guard: timerGuard(timer, given.guard) }),
      ...(timer === undefined && given.guard !== undefined ? { guard: guard(given.guard) } : {}),
      ...(given.target === undefined ? {} : { target: `#${[id, ...byName.get(given.target)!.path].join(".")}` }),
      ...(given.reenter === true ? { reenter: true } : {}),
      ...(listed.length === 0 ? {} : { actions: listed }),
    };
  };
  const timerGuard = (timer: string, also: AnyTransition["guard"]): string => {
    const name = also === undefined ? timer : names(also, `${timer}, ${nameOf(also.name) ?? "guard"}`, timer);
    guards[name] = ({ context, event }: Given) => event.timer === timer && (also === undefined || also(context, event));
    return name;
  };
  const state = (node: Node): object => {
    const { entry, exit, always, on = {}, timers = {}, initial } = node.state as any;
    const list = (given: any) => listOf(given as AnyTransition).map((one) => transition(one));
    const handlers: Record<string, Array<object>> = Object.create(null); // no event is inherited
    const fired = Object.entries(timers).flatMap(([timer, given]) =>
      listOf(given as AnyTransition).map((one) => transition(one, timer)),
    );
    if (fired.length > 0) handlers.timerFired = fired;
    for (const [type, given] of Object.entries(on)) handlers[type] = [...(handlers[type] ?? []), ...list(given)];
    return {
      ...(node.isFinal ? { type: "final" } : {}),
      ...(entry === undefined ? {} : { entry: listOf(entry).map((one) => action(one as object)) }),
      ...(exit === undefined ? {} : { exit: listOf(exit).map((one) => action(one as object)) }),
      ...(always === undefined ? {} : { always: list(always) }),
      ...(Object.keys(handlers).length === 0 ? {} : { on: handlers }),
      ...(initial === undefined ? {} : { initial }),
      ...(node.children.length === 0
        ? {}
        : { states: Object.fromEntries(node.children.map((child) => [child.key, state(child)])) }),
    };
  };
  // XState's `transition()` calls the context's factory again, without an input, and uses nothing of what it gives.
  const context = ({ input }: { readonly input: unknown }) => (input === undefined ? {} : chart.context(input));
  const config = { id, context, ...state(root) };
  return createMachine(config as never, { actions, guards } as never) as unknown as AnyStateMachine;
};

/** The same function has one name, two functions two. */
const namesOf = () => {
  const taken = new Map<string, number>();
  const given = new Map<object, Map<string, string>>();
  return (of: object, wish: string, key = ""): string => {
    const own = given.get(of) ?? new Map<string, string>();
    given.set(of, own);
    const known = own.get(key);
    if (known !== undefined) return known;
    const count = (taken.get(wish) ?? 0) + 1;
    taken.set(wish, count);
    const name = count === 1 ? wish : `${wish} #${count}`;
    own.set(key, name);
    return name;
  };
};
