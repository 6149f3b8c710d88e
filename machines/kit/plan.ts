/**
 * A machine's steps read off its definition once, instead of looked for at each event.
 *
 *   state x event --> plans in order: guard? --> exit, transition and entry actions in a row --> next state
 *                                                   |-- then the eventless plans of that state, while one passes
 *
 * SCXML's algorithm asks at every step which states are entered and left (https://www.w3.org/TR/scxml/#AlgorithmforSCXMLInterpretation);
 * for machines whose states are in one another, but never side by side, the answer depends on state and transition alone.
 * That takes a tenth of XState's own step, and makes the same: the machine laws hold each machine of the house against it.
 * A definition with more in it (parallel states, history, `invoke`, `after`, `raise`) has no plans, and XState steps it.
 */
import type { AnyStateMachine } from "xstate";
import type { Snapshot, Step } from "./steps.ts";

export interface Steps<I, E, A, C> {
  readonly start: (input: I) => Step<Snapshot<C>, A>;
  readonly step: (snapshot: Snapshot<C>, event: E) => Step<Snapshot<C>, A>;
  readonly resume: (value: Snapshot<C>["value"], context: C) => Snapshot<C>;
}

/** XState's nodes and transitions, as far as we read them. */
interface Node {
  readonly key: string;
  readonly type: "atomic" | "compound" | "final" | "parallel" | "history";
  readonly parent: Node | undefined;
  readonly states: Readonly<Record<string, Node>>;
  readonly initial: { readonly target: ReadonlyArray<Node>; readonly actions: ReadonlyArray<unknown> };
  readonly entry: ReadonlyArray<unknown>;
  readonly exit: ReadonlyArray<unknown>;
  readonly invoke: ReadonlyArray<unknown>;
  readonly always?: ReadonlyArray<Transition>;
  readonly transitions: ReadonlyMap<string, ReadonlyArray<Transition>>;
}
interface Transition {
  readonly source: Node;
  readonly target?: ReadonlyArray<Node>;
  readonly reenter: boolean;
  readonly guard?: unknown;
  readonly actions: ReadonlyArray<unknown>;
}

/** One action: what it makes of the context, and the orders it adds. */
export type Act = (context: any, event: any, orders: Array<any>) => any;
type Guard = (context: any, event: any) => boolean;
interface Plan {
  readonly guard: Guard | undefined;
  readonly acts: ReadonlyArray<Act>;
  readonly to: Leaf;
}
/** A state without states in it. */
interface Leaf {
  readonly node: Node;
  readonly value: unknown;
  readonly isDone: boolean;
  readonly on: Map<string, ReadonlyArray<Plan>>;
  /** For events that no state names. */
  other: ReadonlyArray<Plan>;
  always: ReadonlyArray<Plan>;
}

/** What XState hands to functions beside these carries references, and is no data: whoever takes it is told. */
export const giving = <T extends object>(given: T): T => Object.assign(Object.create(refusing), given);
const refusing = Object.defineProperties(
  {},
  Object.fromEntries(
    ["self", "spawn", "system"].map((name) => [
      name,
      {
        get: () => {
          throw new Error(`${name} is not data; a machine of ours is given none`);
        },
      },
    ]),
  ),
);

/** How an action that is a function is read; undefined for those that only XState understands. */
export type ReadAct = (action: unknown) => Act | undefined;

class Unplanned extends Error {}

/** Undefined where the definition has something in it that is not planned. */
export const plannedSteps = <I, E extends { readonly type: string }, A, C>(
  logic: AnyStateMachine,
  readAct: ReadAct,
): Steps<I, E, A, C> | undefined => {
  try {
    return stepsOf(logic, readAct);
  } catch (error) {
    if (error instanceof Unplanned) return undefined;
    throw error;
  }
};

const stepsOf = <I, E extends { readonly type: string }, A, C>(
  logic: AnyStateMachine,
  readAct: ReadAct,
): Steps<I, E, A, C> => {
  const root = logic.root as unknown as Node;
  const { options } = logic.config as { readonly options?: unknown };
  if (Object.keys(root.states).length === 0 || options !== undefined) throw new Unplanned("no states, or options");
  const read = readerOf(logic, readAct);
  const leaves = leavesOf(root, read);
  const byValue = new Map<unknown, Leaf>([...leaves.values()].map((leaf) => [leaf.value, leaf]));
  const at = (value: unknown): Leaf => byValue.get(value) ?? leaves.get(nodeAt(root, value))!;
  const { context: made } = logic.config as { readonly context?: unknown };
  const contextOf = (input: I): C => ({ ...(typeof made === "function" ? made(giving({ input })) : made) });

  /** The plan, if there is one, and then what follows without an event, until that changes nothing. */
  const follow = (from: Leaf, plan: Plan | undefined, given: C, event: E): Step<Snapshot<C>, A> => {
    const actions: Array<A> = [];
    let context = plan === undefined ? given : acted(plan, given, event, actions);
    let leaf = plan?.to ?? from;
    while (!leaf.isDone) {
      const next = chosen(leaf.always, context, event);
      if (next === undefined) break;
      const after = acted(next, context, event, actions);
      if (next.to === leaf && after === context) break;
      leaf = next.to;
      context = after;
    }
    return { snapshot: { status: leaf.isDone ? "done" : "active", value: leaf.value, context }, actions };
  };
  const initial = leaves.get(firstLeaf(root))!;
  if (initial.isDone) throw new Unplanned("an end that is the beginning");
  const begin: Plan = { guard: undefined, acts: pathTo(initial.node, undefined).flatMap(read.entry), to: initial };
  return {
    start: (input) => follow(initial, begin, contextOf(input), { type: "xstate.init", input } as never),
    step: (snapshot, event) => {
      const leaf = at(snapshot.value);
      const named = leaf.on.get(event.type);
      if (named === undefined && event.type.startsWith("xstate.")) throw new Error(`${event.type} is XState's own`);
      const plan = chosen(named ?? leaf.other, snapshot.context, event);
      return follow(leaf, plan, snapshot.context, event);
    },
    resume: (value, context) => ({ status: "active", value: at(value).value, context }),
  };
};

const chosen = (plans: ReadonlyArray<Plan>, context: unknown, event: unknown): Plan | undefined => {
  for (const plan of plans) if (plan.guard === undefined || plan.guard(context, event)) return plan;
  return undefined;
};
const acted = (plan: Plan, given: any, event: unknown, actions: Array<any>): any => {
  let context = given;
  for (const act of plan.acts) context = act(context, event, actions);
  return context;
};

type Reader = ReturnType<typeof readerOf>;

/** What is written in a definition, as functions; throws where it cannot be. */
const readerOf = (logic: AnyStateMachine, readAct: ReadAct) => {
  const { actions, guards } = logic.implementations as unknown as Record<string, Record<string, any>>;
  const act = (action: any): Act => {
    const named = actions![action.type];
    if (named?.type === "xstate.assign" && action.params !== undefined) throw new Unplanned("assign with params");
    const known = readAct(action) ?? readAct(named);
    if (known !== undefined) return known;
    const { type, params = {} } = typeof action === "string" ? { type: action } : action;
    if (typeof action === "function" || "resolve" in (actions![type] ?? {})) throw new Unplanned(type);
    return (context, event, orders) => {
      orders.push({ type, ...(typeof params === "function" ? params({ context, event }) : params) });
      return context;
    };
  };
  const guard = (given: any): Guard | undefined => {
    if (given === undefined) return undefined;
    const isInline = typeof given === "function";
    const resolved = isInline ? given : guards![given.type ?? given];
    if (typeof resolved !== "function" || "check" in resolved || given.params !== undefined)
      throw new Unplanned("guard");
    return (context, event) => resolved({ context, event });
  };
  const entry = ({ entry, invoke, initial, type }: Node): ReadonlyArray<Act> => {
    const isMore = invoke.length > 0 || (type === "compound" && initial.actions.length > 0);
    if (isMore || type === "parallel" || type === "history") throw new Unplanned(type);
    return entry.map(act);
  };
  return { act, guard, entry, exit: ({ exit }: Node): ReadonlyArray<Act> => exit.map(act) };
};

/** Every state in which a machine can rest, with its plans. */
const leavesOf = (root: Node, read: Reader): ReadonlyMap<Node, Leaf> => {
  const leaves = new Map<Node, Leaf>();
  for (const node of atomsOf(root)) {
    const isDone = node.type === "final";
    if (isDone && node.parent !== root) throw new Unplanned("a final state within a state tells its parent");
    leaves.set(node, { node, value: nameOf(node), isDone, on: new Map(), other: [], always: [] });
  }
  for (const leaf of leaves.values()) {
    const chain = pathTo(leaf.node, undefined).reverse();
    const plans = (list: ReadonlyArray<Transition> = []) => list.map((one) => planOf(one, leaf, leaves, read));
    for (const { transitions } of chain)
      for (const type of transitions.keys()) {
        if (type.includes("xstate.") || (type !== "*" && type.endsWith("*"))) throw new Unplanned(type);
        leaf.on.set(
          type,
          chain.flatMap((node) => [...plans(node.transitions.get(type)), ...plans(anyOf(node, type))]),
        );
      }
    leaf.other = leaf.on.get("*") ?? [];
    leaf.on.delete("*");
    leaf.always = chain.flatMap(({ always }) => plans(always));
  }
  return leaves;
};
const anyOf = ({ transitions }: Node, type: string) => (type === "*" ? [] : transitions.get("*"));

/** SCXML: what lies between the leaf and the transition's domain is left, and from there to the target entered. */
const planOf = (transition: Transition, leaf: Leaf, leaves: ReadonlyMap<Node, Leaf>, read: Reader): Plan => {
  const { source, target = [], reenter } = transition;
  const guard = read.guard(transition.guard);
  const own = transition.actions.map(read.act);
  const [goal] = target;
  if (goal === undefined) return { guard, acts: own, to: leaf };
  const domain = !reenter && pathTo(goal, undefined).includes(source) ? source : commonOf(goal, source);
  if (target.length > 1 || domain === undefined) throw new Unplanned("target");
  const to = leaves.get(firstLeaf(goal))!;
  const left = pathTo(leaf.node, domain).reverse().flatMap(read.exit);
  const entered = pathTo(to.node, domain).flatMap(read.entry);
  const over = to.isDone ? pathTo(to.node, undefined).reverse().flatMap(read.exit) : [];
  return { guard, acts: [...left, ...own, ...entered, ...over], to };
};

/** From below `above` (from the root, when undefined) down to the node. */
const pathTo = (node: Node, above: Node | undefined): Array<Node> => {
  const path: Array<Node> = [];
  for (let now: Node | undefined = node; now !== undefined && now !== above; now = now.parent) path.unshift(now);
  return path;
};
/** The nearest state that holds both and is neither. */
const commonOf = (one: Node, other: Node): Node | undefined => {
  const above = new Set(pathTo(other, undefined).slice(0, -1));
  return pathTo(one, undefined)
    .slice(0, -1)
    .findLast((node) => above.has(node));
};
const atomsOf = (node: Node): ReadonlyArray<Node> => {
  const inner = Object.values(node.states);
  return inner.length === 0 ? [node] : inner.flatMap(atomsOf);
};
const firstLeaf = (node: Node): Node => (node.type === "compound" ? firstLeaf(node.initial.target[0]!) : node);
/** As a snapshot shows it: the name of a state, or what is in it by its name. */
const nameOf = (leaf: Node): unknown =>
  pathTo(leaf, undefined)
    .slice(1)
    .reverse()
    .reduce<unknown>((inner, { key }) => (inner === undefined ? key : Object.freeze({ [key]: inner })), undefined);
const nodeAt = (root: Node, value: unknown): Node => {
  if (typeof value === "string") return firstLeaf(root.states[value]!);
  const [[key, inner]] = Object.entries(value as object) as [[string, unknown]];
  return nodeAt(root.states[key]!, inner);
};
