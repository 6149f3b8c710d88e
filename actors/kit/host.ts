/**
 * Runs one machine in one fiber: take an event, step, perform every action in order, take the next.
 *
 *   tell, timers --> mailbox (bounded) --> step --> perform, perform, ... --> next event
 *
 * Whoever tells a full mailbox waits: pressure travels back to the socket. `perform` therefore never tells its own box.
 */
import { Cause, Clock, Context, Effect, FiberMap, Queue, type Scope } from "effect";
import type { Machine, Snapshot, Step } from "../../machines/kit/mod.ts";

export interface Mailbox<Ev> {
  readonly next: Effect.Effect<Ev>;
  /** Waits while the mailbox is full. */
  readonly tell: (event: Ev) => Effect.Effect<void>;
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

export const mailbox = <Ev>(capacity: number): Effect.Effect<Mailbox<Ev>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const queue = yield* Queue.bounded<Ev>(capacity);
    const timers = yield* FiberMap.make<string>();
    const tell = (event: Ev) => Effect.asVoid(Queue.offer(queue, event));
    return {
      next: Queue.take(queue),
      tell,
      startTimer: (timer, ms, fired) =>
        Effect.asVoid(
          FiberMap.run(
            timers,
            timer,
            Effect.andThen(
              Effect.sleep(ms),
              Effect.isEffect(fired) ? Effect.flatMap(fired as Effect.Effect<Ev>, tell) : tell(fired as Ev),
            ),
          ),
        ),
      stopTimer: (timer) => FiberMap.remove(timers, timer),
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
