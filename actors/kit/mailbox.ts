/**
 * What a hosted machine is told: events in a bounded queue, answers to its own orders before them, and its timers.
 *
 *   tell, tellNow, timers --> ring (bounded) --+
 *   tellWhen, answer: there at once -----------+--> nextNow, by one reader
 *
 * Whoever tells a full mailbox waits: pressure travels back to the socket. `perform` therefore never tells its own box;
 * what it has to say it says by `tellWhen` or `answer`.
 */
import { Clock, Context, Effect, Exit, Scheduler, Scope } from "effect";
import { EventQueue } from "./event-queue.ts";
import { type Firing, RoleTimers } from "./role-timers.ts";
import { timersOf } from "./timers.ts";

/**
 * The events that wait for one machine, in their order, and its timers. It has a limit: who tells waits while it is full.
 */
export interface Mailbox<Ev> {
  readonly next: Effect.Effect<Ev>;
  /** Waits while the mailbox is full. */
  readonly tell: (event: Ev) => Effect.Effect<void>;
  /** Tells now, or not at all: false when the mailbox is full. */
  readonly tellNow: (event: Ev) => boolean;
  /**
   * For `perform`, and nobody else: begins what answers an order, and waits for nothing. An answer that is there at once is
   * the next event; a later one is told like any other. One that never comes ends with the mailbox.
   */
  tellWhen(event: Effect.Effect<Ev>): Effect.Effect<void>;
  /** A new start of the same timer replaces the old one. */
  startTimer(timer: string, ms: number, fired: Firing<Ev>): Effect.Effect<void>;
  stopTimer(timer: string): Effect.Effect<void>;
  /** The same two for a `perform` in plain JavaScript. */
  readonly timers: Pick<RoleTimers<Ev>, "start" | "stop">;
  /**
   * For the host, and for a `perform` in plain JavaScript: `answer` gives an answer that is there already, `nextNow` the
   * next event or undefined. `whenReady` has a reader called, outside of any fiber, when events came after it found none,
   * and each time until it is taken back with undefined; `wake` has it called again after whoever is ready to run.
   */
  readonly events: Pick<EventQueue<Ev>, "answer" | "nextNow" | "whenReady" | "wake">;
}

/** `tell` and `tellNow` may be handed on alone, so they are bound; the rest is shared, which an idle role's heap shows. */
class Box<Ev> implements Mailbox<Ev> {
  readonly events: EventQueue<Ev>;
  readonly timers: RoleTimers<Ev>;
  private readonly scope: Scope.Scope;

  constructor(events: EventQueue<Ev>, timers: RoleTimers<Ev>, scope: Scope.Scope) {
    this.events = events;
    this.timers = timers;
    this.scope = scope;
  }

  get next(): Effect.Effect<Ev> {
    return this.events.next;
  }
  readonly tell = (event: Ev): Effect.Effect<void> => this.events.tell(event);
  readonly tellNow = (event: Ev): boolean => this.events.put(event);
  startTimer(timer: string, ms: number, firing: Firing<Ev>): Effect.Effect<void> {
    return Effect.sync(() => this.timers.start(timer, ms, firing));
  }
  stopTimer(timer: string): Effect.Effect<void> {
    return Effect.sync(() => this.timers.stop(timer));
  }
  tellWhen(event: Effect.Effect<Ev>): Effect.Effect<void> {
    if (Exit.isExit(event) && Exit.isSuccess(event)) return Effect.sync(() => this.events.answer(event.value as Ev));
    return Effect.suspend(() => {
      let isAtOnce = true;
      const told = Effect.flatMap(event, (value) => {
        if (!isAtOnce) return this.tell(value);
        this.events.answer(value);
        return Effect.void;
      });
      return Effect.map(Effect.forkIn(told, this.scope, { startImmediately: true }), () => {
        isAtOnce = false;
      });
    });
  }
}

/** Its timers, and answers that have not come, end with the scope. */
export const mailbox = <Ev>(capacity: number): Effect.Effect<Mailbox<Ev>, never, Scope.Scope> =>
  Effect.withFiber((fiber) => {
    const { context } = fiber;
    const scope = Context.get(context as Context.Context<Scope.Scope>, Scope.Scope);
    const clock = fiber.getRef(Clock.Clock);
    const events = new EventQueue<Ev>(capacity, fiber.currentDispatcher);
    const timers = new RoleTimers(events, clock, timersOf(clock, fiber.getRef(Scheduler.Scheduler)), context);
    const box = new Box(events, timers, scope);
    const stopAll = Effect.sync(() => timers.stopAll());
    return Effect.as(Scope.addFinalizer(scope, stopAll), box);
  });
