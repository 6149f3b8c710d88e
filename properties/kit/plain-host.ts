/**
 * A host without Effect: one loop and a table of timers. That this is all a machine needs is the proof that it can be
 * embedded anywhere; the machine laws hold it against the host that the actors use.
 */
import type { Machine } from "../../machines/kit/mod.ts";

/** An event, so many milliseconds after the one before it. */
export interface Moment<E> {
  readonly afterMs: number;
  readonly event: E;
}
/** What a host saw: the event it gave (none for the start), and the orders it got. */
export interface Seen<E, A> {
  readonly event: E | undefined;
  readonly actions: ReadonlyArray<A>;
}
/** The event of a timer that fires; `atMs` is the host's time in milliseconds. */
export type Fired<E> = (timer: string, atMs: number) => E;
type Order = { readonly type: string; readonly timer?: string };

/**
 * Runs a machine through a script in a plain loop, and gives what it was told and what it ordered. `msOf`: how long a
 * timer is set for.
 */
export const hostPlainly = <I, E, A extends Order, C>(
  machine: Machine<I, E, A, C>,
  input: I,
  script: ReadonlyArray<Moment<E>>,
  fired: Fired<E>,
  msOf: (action: A) => number,
): ReadonlyArray<Seen<E, A>> => {
  const timers = new Map<string, number>();
  const seen: Array<Seen<E, A>> = [];
  let nowMs = 0;
  let now = machine.start(input);
  const perform = (event: E | undefined): void => {
    seen.push({ event, actions: now.actions });
    for (const action of now.actions) {
      if (action.type === "stopTimer" || action.type === "startTimer") timers.delete(action.timer!);
      if (action.type === "startTimer") timers.set(action.timer!, nowMs + msOf(action));
    }
  };
  const give = (event: E): void => {
    if (machine.isDone(now.snapshot)) return;
    now = machine.step(now.snapshot, event);
    perform(event);
  };
  perform(undefined);
  for (const { afterMs, event } of script) {
    const untilMs = nowMs + afterMs;
    for (let due = earliest(timers); due !== undefined && due[1] <= untilMs; due = earliest(timers)) {
      timers.delete(due[0]);
      nowMs = due[1];
      give(fired(due[0], nowMs));
    }
    nowMs = untilMs;
    give(event);
  }
  return seen;
};

/** Of timers due at the same instant, the one started first. */
const earliest = (timers: ReadonlyMap<string, number>): readonly [string, number] | undefined =>
  [...timers].reduce<readonly [string, number] | undefined>(
    (first, next) => (first === undefined || next[1] < first[1] ? next : first),
    undefined,
  );
