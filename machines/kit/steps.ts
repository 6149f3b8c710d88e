/**
 * A chart compiled once to what each event does in each state, instead of looked for at every event.
 *
 *   state x event --> plans in order: guard? --> exit, transition and entry actions in a row --> next state
 *                                                   |-- then the eventless plans of that state, while one passes
 *
 * SCXML's algorithm asks at every step which states are left and entered (W3C SCXML, appendix D); for states that lie in one
 * another and never side by side the answer depends on state and transition alone. The steps are those of XState: the laws
 * hold every machine of the project, and 5,000 random charts, against it (properties/kit/machine-laws.ts,
 * properties/machines/charts.test.ts).
 */
import { type Actions, type Decision, isDeed, listOf, type TimerFired } from "./chart.ts";
import { type AnyChart, type AnyTransition, firstLeaf, leavesOf, type Node, pathTo, type Tree } from "./tree.ts";

/** The state after an event, and the orders to perform, in their order. */
export interface Step<S, A> {
  readonly snapshot: S;
  readonly actions: ReadonlyArray<A>;
}
/** What every snapshot shows. `value` is the name of a state, or what lies in it by its name, as XState writes it. */
export interface Snapshot<C> {
  readonly status: "active" | "done";
  readonly value: unknown;
  readonly context: C;
}
export interface Steps<I, E, A, C> {
  readonly start: (input: I) => Step<Snapshot<C>, A>;
  readonly step: (snapshot: Snapshot<C>, event: E) => Step<Snapshot<C>, A>;
  readonly resume: (value: unknown, context: C) => Snapshot<C>;
}

/** One action: gives the context after it, and adds its orders. */
type Act = (context: any, event: any, orders: Array<any>) => any;
type Guard = (context: any, event: any) => boolean;
interface Plan {
  readonly guard: Guard | undefined;
  readonly acts: ReadonlyArray<Act>;
  readonly to: Leaf;
}
/** A state in which the machine can rest. */
interface Leaf {
  readonly node: Node;
  readonly value: unknown;
  readonly isDone: boolean;
  readonly on: Map<string, ReadonlyArray<Plan>>;
  /** For events that no state names. */
  other: ReadonlyArray<Plan>;
  always: ReadonlyArray<Plan>;
}

const NONE: ReadonlyArray<never> = Object.freeze([]);

export const stepsOf = <I, E extends { readonly type: string }, A, C>(
  chart: AnyChart,
  tree: Tree,
): Steps<I, E, A, C> => {
  const leaves = compile(tree);
  const byValue = new Map<unknown, Leaf>([...leaves.values()].map((leaf) => [leaf.value, leaf]));
  const at = (value: unknown): Leaf => byValue.get(value) ?? leaves.get(nodeAt(tree, value))!;
  const initial = leaves.get(firstLeaf(tree.root))!;
  const begin: Plan = { guard: undefined, acts: actsOf(pathTo(initial.node, undefined), "entry"), to: initial };

  const follow = (from: Leaf, plan: Plan | undefined, given: C, event: unknown): Step<Snapshot<C>, A> => {
    if (plan === undefined && from.always.length === 0) return { snapshot: snapshotOf(from, given), actions: NONE };
    const actions: Array<A> = [];
    let context: C = plan === undefined ? given : perform(plan, given, event, actions);
    let leaf = plan?.to ?? from;
    while (!leaf.isDone && leaf.always.length > 0) {
      const next = chosen(leaf.always, context, event);
      if (next === undefined) break;
      const after: C = perform(next, context, event, actions);
      if (next.to === leaf && after === context) break;
      leaf = next.to;
      context = after;
    }
    return { snapshot: snapshotOf(leaf, context), actions };
  };
  return {
    start: (input) => follow(initial, begin, chart.context(input), { type: "xstate.init", input }),
    step: (snapshot, event) => {
      if (snapshot.status !== "active") return { snapshot, actions: NONE }; // after the end nothing happens
      const leaf = at(snapshot.value);
      const plan = chosen(leaf.on.get(event.type) ?? leaf.other, snapshot.context, event);
      return follow(leaf, plan, snapshot.context, event);
    },
    resume: (value, context) => snapshotOf(at(value), context),
  };
};

const snapshotOf = <C>(leaf: Leaf, context: C): Snapshot<C> => ({
  status: leaf.isDone ? "done" : "active",
  value: leaf.value,
  context,
});

const chosen = (plans: ReadonlyArray<Plan>, context: unknown, event: unknown): Plan | undefined => {
  for (const plan of plans) if (plan.guard === undefined || plan.guard(context, event)) return plan;
  return undefined;
};
const perform = (plan: Plan, given: any, event: unknown, orders: Array<any>): any => {
  let context = given;
  for (const act of plan.acts) context = act(context, event, orders);
  return context;
};

/** Every resting state, with its plans. */
const compile = ({ root, byName }: Tree): ReadonlyMap<Node, Leaf> => {
  const leaves = new Map<Node, Leaf>();
  for (const node of leavesOf(root))
    leaves.set(node, { node, value: snapshotValue(node), isDone: node.isFinal, on: new Map(), other: [], always: [] });
  for (const leaf of leaves.values()) {
    const chain = pathTo(leaf.node, undefined).reverse(); // from the state itself outward
    const plan = (source: Node) => (given: AnyTransition) => planOf(given, source, leaf, leaves, byName);
    const plansOf = (type: string) => chain.flatMap((node) => handlersOf(node, type).map(plan(node)));
    const named = new Set(chain.flatMap(({ state }) => Object.keys(state.on ?? {})));
    if (chain.some(({ state }) => state.timers !== undefined)) named.add(TIMER_FIRED);
    named.delete("*");
    for (const type of named) leaf.on.set(type, plansOf(type));
    leaf.other = plansOf("*");
    leaf.always = chain.flatMap((node) => listOf(node.state.always as AnyTransition | undefined).map(plan(node)));
  }
  return leaves;
};

const TIMER_FIRED: TimerFired["type"] = "timerFired";

/** What one state does about an event: its timers, the event by its name, whatever comes. */
export const handlersOf = ({ state }: Node, type: string): ReadonlyArray<AnyTransition> => {
  const on = (state.on ?? {}) as Readonly<Record<string, AnyTransition | ReadonlyArray<AnyTransition>>>;
  const timers = type === TIMER_FIRED ? Object.entries(state.timers ?? {}) : [];
  return [
    ...timers.flatMap(([timer, given]) => listOf(given as AnyTransition).map((one) => onTimer(timer, one))),
    ...(type === "*" || !Object.hasOwn(on, type) ? [] : listOf(on[type])),
    ...listOf(on["*"]),
  ];
};
const onTimer = (timer: string, transition: AnyTransition): AnyTransition => {
  const { guard } = transition;
  const isDue: Guard = (_, event) => event.timer === timer;
  return { ...transition, guard: guard === undefined ? isDue : (c, event) => isDue(c, event) && guard(c, event) };
};

/** SCXML: what lies between the leaf and the transition's domain is left, and from there to the target entered. */
const planOf = (
  { guard, target, reenter, actions }: AnyTransition,
  source: Node,
  leaf: Leaf,
  leaves: ReadonlyMap<Node, Leaf>,
  byName: ReadonlyMap<string, Node>,
): Plan => {
  const own = listOf(actions as Actions<any, any, any>).map(actOf);
  if (target === undefined) return { guard, acts: own, to: leaf };
  const goal = byName.get(target)!;
  const domain = reenter !== true && pathTo(goal, undefined).includes(source) ? source : commonOf(goal, source);
  const to = leaves.get(firstLeaf(goal))!;
  const left = actsOf(pathTo(leaf.node, domain).reverse(), "exit");
  const entered = actsOf(pathTo(to.node, domain), "entry");
  const over = to.isDone ? actsOf(pathTo(to.node, undefined).reverse(), "exit") : [];
  return { guard, acts: [...left, ...own, ...entered, ...over], to };
};

const actsOf = (nodes: ReadonlyArray<Node>, which: "entry" | "exit"): ReadonlyArray<Act> =>
  nodes.flatMap(({ state }) => listOf(state[which] as Actions<any, any, any> | undefined).map(actOf));

const actOf = (action: object): Act => {
  if (!isDeed(action)) {
    Object.freeze(action); // every host is given this same object
    return (context, _, orders) => {
      orders.push(action);
      return context;
    };
  }
  const of = action.of as (context: object, event: unknown) => Decision<object, unknown>;
  return (context, event, orders) => {
    const { context: changed, actions } = of(context, event);
    if (actions !== undefined) for (const order of actions) orders.push(order);
    return changed === undefined ? context : merged(context, changed);
  };
};

/** A copy with some fields changed: on all three runtimes the loop takes a third of the time of a second spread. */
const merged = (context: object, changed: object): object => {
  const next: Record<string, unknown> = { ...context };
  for (const field in changed) next[field] = (changed as Record<string, unknown>)[field];
  return next;
};

/** The nearest state that holds both and is neither; undefined when that is the machine itself, entered anew. */
const commonOf = (one: Node, other: Node): Node | undefined => {
  const above = new Set(pathTo(other, undefined).slice(0, -1));
  return pathTo(one, undefined)
    .slice(0, -1)
    .findLast((node) => above.has(node));
};

const snapshotValue = (leaf: Node): unknown =>
  leaf.path.reduceRight<unknown>(
    (inner, key) => (inner === undefined ? key : Object.freeze({ [key]: inner })),
    undefined,
  );

const nodeAt = ({ root }: Tree, value: unknown): Node => {
  let node = root;
  let rest = value;
  while (rest !== undefined) {
    const [key, inner] = typeof rest === "string" ? [rest, undefined] : (Object.entries(rest ?? {})[0] ?? []);
    const child = node.children.find((candidate) => candidate.key === key);
    if (child === undefined) throw new Error(`${root.key}: no state ${JSON.stringify(value)}`);
    [node, rest] = [child, inner];
  }
  return firstLeaf(node);
};
