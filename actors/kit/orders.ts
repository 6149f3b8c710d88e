/** The orders that most machines give, performed in one place: timers, and notes of what was unexpected. */
import { Effect } from "effect";
import type { Perform } from "./host.ts";
import type { Mailbox } from "./mailbox.ts";
import { type Firing, fired } from "./role-timers.ts";

/** Each is one of a machine's orders under the same name. */
export type CommonOrder =
  | {
      readonly type: "startTimer";
      readonly timer: string;
      readonly ms: number;
      /** Drawn from 0 to this, and added. */
      readonly spreadMs?: number;
    }
  | { readonly type: "startTimer"; readonly timer: string; readonly betweenMs: readonly [min: number, max: number] }
  | { readonly type: "stopTimer"; readonly timer: string }
  | { readonly type: "note"; readonly unexpected: string };

/** The orders of a machine that are its own. */
export type OwnOrder<A> = Exclude<A, { readonly type: CommonOrder["type"] }>;

/** How the orders that all machines share are performed: timers, and notes of the unexpected. */
export interface CommonOptions<Ev> {
  /** The name in the log of what a machine did not expect. */
  readonly unexpected: string;
  /** Entropy's, for timers whose time is drawn. */
  readonly between?: (min: number, max: number) => Effect.Effect<number>;
  /** What a timer tells when it fires; `fired` by default. */
  readonly firing?: (timer: string) => Firing<Ev>;
}

/** Performs the common orders on that mailbox, and the machine's own ones by `own`. */
export const performing = <A extends { readonly type: string }, Ev, E = never, R = never>(
  box: Mailbox<Ev>,
  { unexpected, between, firing = fired as (timer: string) => Firing<Ev> }: CommonOptions<Ev>,
  own: Perform<A, E, R>,
): Perform<A | CommonOrder, E, R> => {
  const start = (timer: string, ms: number): void => box.timers.start(timer, ms, firing(timer));
  const startDrawn = (timer: string, leastMs: number, min: number, max: number): Effect.Effect<void> => {
    if (between === undefined) throw new Error(`the time of ${timer} is to be drawn: give performing a 'between'`);
    return Effect.map(between(min, max), (ms) => start(timer, leastMs + ms));
  };
  return (action) => {
    const order = action as CommonOrder;
    switch (order.type) {
      case "startTimer": {
        if ("betweenMs" in order)
          return startDrawn(order.timer, 0, Math.ceil(order.betweenMs[0]), Math.ceil(order.betweenMs[1]));
        const spreadMs = Math.floor(order.spreadMs ?? 0);
        return spreadMs > 0 ? startDrawn(order.timer, order.ms, 0, spreadMs) : start(order.timer, order.ms);
      }
      case "stopTimer":
        return box.timers.stop(order.timer);
      case "note":
        return Effect.logDebug(unexpected, order.unexpected);
      default:
        return own(action as A);
    }
  };
};
