/**
 * Which of a machine's declared transitions have been taken: the machine once more, with a mark before the actions of each.
 *
 *   transition of the chart --> { ...transition, actions: [mark, ...actions] } --> taken: the rows of the table that were walked
 *
 * A mark is performed when its transition is, so that guards, timers and eventless transitions are counted as they are stepped,
 * and not as somebody reads the chart a second time. DECISIONS.md D-292.
 */
import { type Deed, listOf } from "../../machines/kit/chart.ts";
import { type Machine, setup } from "../../machines/kit/mod.ts";
import { type AnyChart, type AnyTransition, type Node, nameOf } from "../../machines/kit/tree.ts";

export interface MarkedMachine<I, E, A, C> {
  readonly machine: Machine<I, E, A, C>;
  /** The transitions not taken so far, as `state event [guard] #n`; n is its place among those for that event. */
  readonly untaken: () => ReadonlyArray<string>;
}

type Region = Pick<Node, "path" | "state">;
type Given = AnyTransition | ReadonlyArray<AnyTransition>;

export const markTransitions = <I, E, A, C>(machine: Machine<I, E, A, C>): MarkedMachine<I, E, A, C> => {
  const untaken = new Set<string>();
  const marked = ({ path }: Region, event: string, given: Given) =>
    listOf(given).map((transition, i): AnyTransition => {
      const guard = transition.guard === undefined ? "" : ` [${nameOf(transition.guard.name) ?? "guarded"}]`;
      const name = `${path.join(".") || "(any)"} ${event}${guard} #${i + 1}`;
      untaken.add(name);
      const mark: Deed<any, any, never> = {
        orders: [],
        of: () => {
          untaken.delete(name);
          return {};
        },
      };
      return { ...transition, actions: [mark, ...listOf(transition.actions as Deed<any, any, any>)] };
    });
  const all = (of: Region, given: object | undefined, prefix = "") =>
    Object.fromEntries(
      Object.entries(given ?? {}).map(([event, one]) => [event, marked(of, `${prefix}${event}`, one as Given)]),
    );
  const regionOf = ({ path, state }: Region): object => ({
    ...state,
    ...(state.always === undefined ? {} : { always: marked({ path, state }, "(always)", state.always as Given) }),
    ...(state.timers === undefined ? {} : { timers: all({ path, state }, state.timers, "timerFired ") }),
    ...(state.on === undefined ? {} : { on: all({ path, state }, state.on) }),
    ...(state.states === undefined
      ? {}
      : {
          states: Object.fromEntries(
            Object.entries(state.states).map(([key, inner]) => [
              key,
              regionOf({ path: [...path, key], state: inner! }),
            ]),
          ),
        }),
  });
  const chart = regionOf({ path: [], state: machine.definition.chart as unknown as Node["state"] });
  return {
    machine: setup<any>().machine(machine.id, chart as AnyChart) as Machine<I, E, A, C>,
    untaken: () => [...untaken],
  };
};
