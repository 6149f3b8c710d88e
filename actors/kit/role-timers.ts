/**
 * The named timers of one role: what they tell when they fire, and that a new start replaces the old one. One that is stopped
 * tells nothing, also where it has fired and its event was not taken yet.
 */
import type { Clock, Context } from "effect";
import { Effect } from "effect";
import type { EventQueue, Waiter } from "./event-queue.ts";
import type { Timers } from "./timers.ts";

/** What a timer tells when it fires: an event, or how to make it of the time, in Unix ms. */
export type Firing<Ev> = Effect.Effect<Ev> | ((atMs: number) => Ev) | Ev;

/** What a timer tells when it fires, with the time. */
export const fired =
  <T extends string>(
    timer: T,
  ): ((atMs: number) => { readonly type: "timerFired"; readonly timer: T; readonly atMs: number }) =>
  (atMs) => ({ type: "timerFired", timer, atMs });

interface Stoppable {
  readonly stop: () => void;
}

export class RoleTimers<Ev> {
  private readonly events: EventQueue<Ev>;
  private readonly clock: Clock.Clock;
  private readonly all: Timers;
  private readonly context: Context.Context<never>;
  /**
   * A timer that runs, or one that has fired: its event may wait in the queue while another one, which was due at the same
   * instant or before, is performed and stops it.
   */
  private running: Map<string, Stoppable> | undefined;

  constructor(events: EventQueue<Ev>, clock: Clock.Clock, all: Timers, context: Context.Context<never>) {
    this.events = events;
    this.clock = clock;
    this.all = all;
    this.context = context;
  }

  start(timer: string, ms: number, firing: Firing<Ev>): void {
    this.stop(timer);
    this.running ??= new Map();
    this.running.set(
      timer,
      this.all.start(ms, () => this.fire(timer, firing)),
    );
  }

  stop(timer: string): void {
    const what = this.running?.get(timer);
    if (what === undefined) return;
    this.running!.delete(timer);
    what.stop();
  }

  stopAll(): void {
    for (const what of this.running?.values() ?? []) what.stop();
    this.running = undefined;
  }

  private fire(timer: string, firing: Firing<Ev>): void {
    this.running?.delete(timer);
    if (Effect.isEffect(firing)) {
      this.fireEffect(timer, firing as Effect.Effect<Ev>);
      return;
    }
    const isMade = typeof firing === "function";
    const event = isMade ? (firing as (atMs: number) => Ev)(this.clock.currentTimeMillisUnsafe()) : firing;
    if (this.events.put(event)) {
      this.running?.set(timer, { stop: () => this.events.takeBack(event) });
      return;
    }
    // It finds no room: it waits as the timer's own, so that it can still be stopped.
    const waiter: Waiter<Ev> = this.events.waitForRoom(event, () => this.ended(timer, waiter));
    this.running?.set(timer, waiter);
  }

  private fireEffect(timer: string, firing: Effect.Effect<Ev>): void {
    const telling = Effect.runForkWith(this.context)(Effect.flatMap(firing, (event) => this.events.tell(event)));
    if (telling.pollUnsafe() !== undefined) return;
    const what = { stop: () => telling.interruptUnsafe() };
    this.running?.set(timer, what);
    telling.addObserver(() => this.ended(timer, what));
  }

  private ended(timer: string, what: Stoppable): void {
    if (this.running?.get(timer) === what) this.running.delete(timer);
  }
}
