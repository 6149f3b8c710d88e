/** Our machines as walks see them: the way of an event is the transition that it takes, by the machine's definition. */
import type { Machine, Snapshot } from "../../machines/kit/mod.ts";
import { handlersOf } from "../../machines/kit/steps.ts";
import { type Node, pathTo } from "../../machines/kit/tree.ts";
import type { Walkable } from "./walks.ts";

type Typed = { readonly type: string };

export const walkable = <I, E extends Typed, A, C>(machine: Machine<I, E, A, C>): Walkable<I, E, Snapshot<C>> => ({
  start: (input) => machine.start(input).snapshot,
  step: (snapshot, event) => machine.step(snapshot, event).snapshot,
  isDone: machine.isDone,
  way: (snapshot, event, after) => `${rowOf(machine, snapshot, event)} > ${JSON.stringify(after.value)}`,
});

/** State, event and number of the transition that a machine takes in answer to an event. */
export const rowOf = <E extends Typed, C>(
  { definition: { tree } }: Pick<Machine<any, E, any, C>, "definition">,
  { value, context }: Snapshot<C>,
  event: E,
): string => {
  const leaf = tree.byName.get(leafName(value))!;
  const nodes: ReadonlyArray<Node> = pathTo(leaf, undefined).reverse();
  for (const node of nodes) {
    const found = handlersOf(node, event.type).findIndex(
      ({ guard }) => guard === undefined || guard(context, event as never),
    );
    if (found >= 0) return `${node.path.join(".")} ${event.type} ${found}`;
  }
  return `${leaf.path.join(".")} ${event.type} unexpected`;
};

/** The innermost state of a snapshot's value: a name, or what lies in it by its name. */
const leafName = (value: unknown): string => {
  let at = value;
  while (typeof at === "object" && at !== null) at = Object.values(at)[0];
  return String(at);
};
