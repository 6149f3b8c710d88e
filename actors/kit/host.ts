/**
 * Runs one machine in one fiber: take an event, step, perform every action in order, take the next.
 *
 *   tell, timers --> mailbox (bounded) --+
 *   tellWhen, there at once -------------+--> step --> perform, perform, ... --> next event
 *
 * Whoever tells a full mailbox waits: pressure travels back to the socket. `perform` therefore never tells its own box;
 * what it has to say it says by `tellWhen`. DECISIONS.md D-003.
 */
import { Cause, Clock, Context, Effect, type Fiber, Queue, type Scope } from "effect";
import type { Machine, Snapshot, Step } from "../../machines/kit/mod.ts";

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
  readonly tellWhen: (event: Effect.Effect<Ev>) => Effect.Effect<void>;
  /** A new start of the same timer replaces the old one. */
  readonly startTimer: (timer: string, ms: number, fired: Effect.Effect<Ev> | Ev) => Effect.Effect<void>;
  readonly stopTimer: (timer: string) => Effect.Effect<void>;
}

/** What a timer tells when it fires, with the hour. */
export const fired = <T extends string>(
  timer: T,
): Effect.Effect<{ readonly type: "timerFired"; readonly timer: T; readonly atMs: number }> =>
  Effect.map(Clock.currentTimeMillis, (atMs) => ({ type: "timerFired", timer, atMs }));

/**
 * Sees every step of every hosted machine: for traces, for the simulator's checkers. Costs nothing when unset.
 * `run` is another number for each `drive` of this process: several machines of one name run at once.
 */
export interface Watcher {
  readonly saw: (machine: string, instance: string, event: unknown, step: Step<unknown, unknown>, run: number) => void;
}
let lastRun = 0;
export const Watch: Context.Reference<Watcher | undefined> = Context.Reference<Watcher | undefined>(
  "vipr/actors/kit/Watch",
  { defaultValue: () => undefined },
);

/** Its timers, and answers that have not come, end with the scope. */
export const mailbox = <Ev>(capacity: number): Effect.Effect<Mailbox<Ev>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const queue = yield* Queue.bounded<Ev>(capacity);
    const scope = yield* Effect.scope;
    const answers: Array<Ev> = []; // of the orders of one step, so that there are no more than those
    const sleeping = new Map<string, Fiber.Fiber<void>>();
    const tell = (event: Ev) => Effect.asVoid(Queue.offer(queue, event));
    const startNow = (what: Effect.Effect<void>) => Effect.forkIn(what, scope, { startImmediately: true });
    const stop = (timer: string): void => {
      sleeping.get(timer)?.interruptUnsafe();
      sleeping.delete(timer);
    };
    return {
      next: Effect.suspend(() => (answers.length > 0 ? Effect.succeed(answers.shift()!) : Queue.take(queue))),
      tell,
      tellNow: (event) => Queue.offerUnsafe(queue, event),
      tellWhen: (event) =>
        Effect.suspend(() => {
          let isAtOnce = true;
          const told = Effect.flatMap(event, (value) => {
            if (!isAtOnce) return tell(value);
            answers.push(value);
            return Effect.void;
          });
          return Effect.map(startNow(told), () => {
            isAtOnce = false;
          });
        }),
      startTimer: (timer, ms, fired) =>
        Effect.suspend(() => {
          stop(timer);
          const rings = Effect.isEffect(fired) ? Effect.flatMap(fired as Effect.Effect<Ev>, tell) : tell(fired as Ev);
          return Effect.map(startNow(Effect.andThen(Effect.sleep(ms), rings)), (fiber) => {
            sleeping.set(timer, fiber);
            fiber.addObserver(() => {
              if (sleeping.get(timer) === fiber) sleeping.delete(timer);
            });
          });
        }),
      stopTimer: (timer) => Effect.sync(() => stop(timer)),
    };
  });

/**
 * Drives a machine from `start` to its final state and gives its last snapshot. A defect in a step, which is always our
 * own fault, kills the fiber and is reported; whoever waits for that fiber sees it, and no other machine is touched.
 */
export const drive = <I, Ev, A, C, E, R>(
  machine: Machine<I, Ev, A, C>,
  input: I,
  box: Pick<Mailbox<Ev>, "next">,
  perform: (action: A) => Effect.Effect<void, E, R>,
  instance = "",
): Effect.Effect<Snapshot<C>, E, R> =>
  Effect.gen(function* () {
    const watcher = yield* Watch;
    const run = ++lastRun;
    let now = machine.start(input);
    watcher?.saw(machine.id, instance, { type: "(start)", input }, now, run);
    while (true) {
      for (const action of now.actions) yield* perform(action);
      if (machine.isDone(now.snapshot)) return now.snapshot;
      const event = yield* box.next;
      now = machine.step(now.snapshot, event);
      watcher?.saw(machine.id, instance, event, now, run);
    }
  }).pipe(
    Effect.tapCause((cause) =>
      Cause.hasDies(cause) ? Effect.logError("machine.died", `${machine.id} ${instance}`, cause) : Effect.void,
    ),
  );
