/** A machine stepped by XState's own pure functions from its XState definition: what our steps are held against. */
import { type AnyStateMachine, initialTransition, transition } from "xstate";
import type { Machine, Snapshot, Step } from "../../machines/kit/mod.ts";

type Given = ReadonlyArray<{ readonly type: string; readonly params?: unknown }>;

export const byXState = <I, E, A, C>(
  machine: Pick<Machine<I, E, A, C>, "logic">,
): Pick<Machine<I, E, A, C>, "start" | "step"> => {
  const logic = machine.logic as AnyStateMachine;
  const taken = ([snapshot, actions]: readonly [any, Given]): Step<Snapshot<C>, A> => ({
    snapshot,
    actions: actions.map(({ type, params }) => ({ type, ...(params as object) }) as A),
  });
  return {
    start: (input) => taken(initialTransition(logic, input as never) as never),
    step: (snapshot, event) => taken(transition(logic, snapshot as never, event as never) as never),
  };
};
