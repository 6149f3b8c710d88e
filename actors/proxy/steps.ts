/**
 * Steps a core of a proxy: gives it the time, performs what each turn has ordered, wakes it when a timer is due.
 *
 *   datagram, stream, timer --> turn(core => ...) --> perform(orders)
 *
 * A turn runs in plain JavaScript, outside of any fiber: nothing in it waits.
 */
import { Clock, Effect, Scheduler } from "effect";
import { timersOf } from "../kit/timers.ts";

export interface Steppable<O> {
  readonly setOffset: (ms: number) => void;
  readonly take: () => ReadonlyArray<O>;
  readonly due: (nowMs: number) => void;
  readonly nextMs: () => number | undefined;
}

export interface Steps<C> {
  /** One turn: what `work` makes the core order is performed when it returns. */
  readonly turn: (work: (core: C, nowMs: number) => void) => void;
  readonly core: C;
}

export const openSteps = Effect.fn("proxy.steps")(function* <O, C extends Steppable<O>>(
  make: (nowMs: number) => C,
  perform: (orders: ReadonlyArray<O>) => void,
) {
  const clock = yield* Clock.Clock;
  const timers = timersOf(clock, yield* Scheduler.Scheduler);
  const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6;
  const core = make(nowMs());
  let timer: { readonly stop: () => void } | undefined;
  let wakesMs = Number.POSITIVE_INFINITY;

  const wake = () => {
    timer = undefined;
    wakesMs = Number.POSITIVE_INFINITY;
    turn((core, now) => core.due(now));
  };
  const turn: Steps<C>["turn"] = (work) => {
    const now = nowMs();
    core.setOffset(clock.currentTimeMillisUnsafe() - now);
    work(core, now);
    for (let orders = core.take(); orders.length > 0; orders = core.take()) perform(orders);
    const next = core.nextMs();
    if (next === undefined || next >= wakesMs) return;
    timer?.stop();
    wakesMs = next;
    timer = timers.start(Math.max(0, next - now), wake);
  };
  yield* Effect.addFinalizer(() => Effect.sync(() => timer?.stop()));
  return { turn, core } satisfies Steps<C> as Steps<C>;
});
