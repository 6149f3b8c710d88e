/** A machine stepped by XState's own pure functions from its XState definition: what our steps are held against. */
import { initialTransition, transition } from "xstate";
import type { Machine, Snapshot, Step } from "../../machines/kit/mod.ts";
import { xstateOf } from "../../machines/kit/xstate.ts";

type Given = ReadonlyArray<{ readonly type: string; readonly params?: unknown }>;

export const byXState = <I, E, A, C>(
  machine: Pick<Machine<I, E, A, C>, "id" | "definition">,
): Pick<Machine<I, E, A, C>, "start" | "step"> => {
  const logic = xstateOf(machine);
  const taken = ([snapshot, actions]: readonly [any, Given]): Step<Snapshot<C>, A> => ({
    snapshot,
    actions: actions.map(({ type, params }) => ({ type, ...(params as object) }) as A),
  });
  return {
    start: (input) => taken(initialTransition(logic, input as never) as never),
    step: (snapshot, event) => taken(transition(logic, snapshot as never, event as never) as never),
  };
};
