/**
 * A chart as a tree of nodes that know their parents, with what cannot be stepped refused in one sentence.
 *
 *   chart --> node (the machine) --> nodes of its states --> ...        refuse(): MachineError with machine and state
 *
 * The language has no words for parallel states, history, `after`, `invoke`, spawned actors and outputs; a definition that
 * comes from JavaScript, or past the compiler, and has them is refused here, where it is defined and not where it runs.
 */
import { type Chart, isDeed, listOf, type State, type Transition } from "./chart.ts";

export interface Node {
  readonly key: string;
  /** From the outermost state inward; empty for the machine itself. */
  readonly path: ReadonlyArray<string>;
  readonly parent: Node | undefined;
  readonly state: AnyState;
  readonly isFinal: boolean;
  readonly children: ReadonlyArray<Node>;
}
export type AnyState = State<string, any, any, any, any>;
export type AnyChart = Chart<string, any, any, any, any>;
export type AnyTransition = Transition<string, any, any, any>;

/** A definition that is wrong or asks for what is not stepped. Thrown while the module that defines it loads. */
export class MachineError extends Error {
  override readonly name = "MachineError";
}

export interface Tree {
  readonly root: Node;
  readonly byName: ReadonlyMap<string, Node>;
}

/** Throws MachineError. */
export const treeOf = (id: string, chart: AnyChart): Tree => {
  const byName = new Map<string, Node>();
  const refuse = (at: Node, why: string): never => {
    const where = at.path.length === 0 ? `machine "${id}"` : `machine "${id}", state "${at.path.join(".")}"`;
    throw new MachineError(`${where}: ${why}`);
  };
  const nodeOf = (key: string, state: AnyState, parent: Node | undefined): Node => {
    const children: Array<Node> = [];
    const path = parent === undefined ? [] : [...parent.path, key];
    const node: Node = { key, path, parent, state, isFinal: (state.type as string) === "final", children };
    checkWords(node, (why) => refuse(node, why));
    for (const [name, inner] of Object.entries(state.states ?? {})) {
      if (inner === undefined) continue;
      const child = nodeOf(name, inner as AnyState, node);
      if (!NAME.test(name)) refuse(child, "a state's name is letters and digits");
      if (byName.has(name)) refuse(child, "another state of this machine has the same name");
      byName.set(name, child);
      children.push(child);
    }
    checkShape(node, (why) => refuse(node, why));
    return node;
  };
  const root = nodeOf(id, chart as unknown as AnyState, undefined);
  if (root.children.length === 0) refuse(root, "it has no states");
  for (const node of [root, ...byName.values()])
    for (const { target } of transitionsOf(node))
      if (target !== undefined && !byName.has(target)) refuse(node, `no state is called "${target}"`);
  for (const { reenter } of transitionsOf(root))
    if (reenter === true) refuse(root, "the machine itself is not entered again");
  if (firstLeaf(root).isFinal) refuse(root, "it ends where it begins");
  return { root, byName };
};

/** A dot would part it in the path by which XState knows it. */
const NAME = /^[A-Za-z][A-Za-z0-9]*$/;
const STATE_WORDS = new Set(["type", "entry", "exit", "always", "on", "timers", "initial", "states"]);
const TRANSITION_WORDS = new Set(["guard", "target", "reenter", "actions"]);
const INSTEAD: Readonly<Record<string, string>> = {
  after: "order startTimer, and handle the timer under `timers`",
  invoke: "order what is to be done, and handle its answer as an event",
  output: "order a report before the end",
  onDone: "only the machine itself ends",
  history: "keep in the context what is to be found again",
};

type Refuse = (why: string) => never;

const checkWords = ({ state, path }: Node, refuse: Refuse): void => {
  for (const word of Object.keys(state)) {
    const isKnown = STATE_WORDS.has(word) || (word === "context" && path.length === 0);
    if (!isKnown) refuse(`"${word}" is not stepped here${word in INSTEAD ? `; ${INSTEAD[word]}` : ""}`);
  }
  const type = state.type as string | undefined;
  if (type !== undefined && type !== "final") refuse(`a state of type "${type}" is not stepped here`);
  for (const type of Object.keys(state.on ?? {})) {
    if (type.startsWith("xstate.")) refuse(`"${type}" is an event of XState's own`);
    if (type !== "*" && type.endsWith("*")) refuse(`"${type}": of wildcards only "*" itself is stepped here`);
  }
};

const checkShape = (node: Node, refuse: Refuse): void => {
  const { state, isFinal, children, parent } = node;
  if (children.length > 0 && !children.some(({ key }) => key === state.initial))
    refuse("`initial` names none of the states within");
  if (children.length === 0 && state.initial !== undefined) refuse("it has `initial` and no states within");
  if (isFinal && parent?.parent !== undefined) refuse("a final state within a state is not stepped here");
  if (isFinal && children.length > 0) refuse("a final state has no states within");
  for (const transition of transitionsOf(node))
    for (const word of Object.keys(transition))
      if (!TRANSITION_WORDS.has(word)) refuse(`"${word}" of a transition is not stepped here`);
  for (const action of actionsOf(node))
    if (typeof action === "function" || typeof (action as any)?.type !== "string")
      if (typeof action === "function" || !isDeed(action as object))
        refuse("an action is neither an order nor made by decide, assign or give");
      else continue;
    else if ((action as any).type.startsWith("xstate.")) refuse(`"${(action as any).type}" is no order`);
};

export const transitionsOf = ({ state }: Node): ReadonlyArray<AnyTransition> =>
  [...Object.values(state.on ?? {}), ...Object.values(state.timers ?? {}), state.always].flatMap((given) =>
    listOf(given as AnyTransition | undefined),
  );
const actionsOf = (node: Node): ReadonlyArray<unknown> =>
  [node.state.entry, node.state.exit, ...transitionsOf(node).map(({ actions }) => actions)].flatMap(
    (given) => listOf(given) as ReadonlyArray<unknown>,
  );

/** From below `above` (from the machine itself, when undefined) down to the node. */
export const pathTo = (node: Node, above: Node | undefined): Array<Node> => {
  const path: Array<Node> = [];
  for (let now: Node | undefined = node; now !== undefined && now !== above; now = now.parent) path.unshift(now);
  return path;
};
/** The state in which a machine rests that enters the node. */
export const firstLeaf = (node: Node): Node =>
  node.children.length === 0 ? node : firstLeaf(node.children.find(({ key }) => key === node.state.initial)!);
/** Every node that has none within. */
export const leavesOf = (node: Node): ReadonlyArray<Node> =>
  node.children.length === 0 ? [node] : node.children.flatMap(leavesOf);

/** A function's own name where it has one that says something. */
export const nameOf = (name: string): string | undefined =>
  name === "" || name === "guard" || name === "of" || name.startsWith("bound ") ? undefined : name;
