/**
 * Runs one machine in one fiber: take an event, step, perform every action in order, take the next.
 *
 *   mailbox --> step --> perform, perform, ... --> next event
 *
 * The fiber is asleep while nothing has to be waited for: events are then taken, stepped and performed in plain JavaScript,
 * on the fiber's own scheduler. It wakes for an order whose effect is not done when `perform` returns, for the end, and for
 * a defect. DECISIONS.md D-003.
 */
import { Cause, Context, Effect, Exit } from "effect";
import type { Machine, Snapshot, Step } from "../../machines/kit/mod.ts";
import type { Mailbox } from "./mailbox.ts";

/** After so many events others who are ready to run have their turn. */
const EVENTS_IN_A_ROW_MAX = 256;

/**
 * Sees every step of every hosted machine: for traces, for the simulator's checkers. Costs nothing when unset.
 * `run` is another number for each `drive` of this process: several machines of one name run at once.
 */
export interface Watcher {
  readonly saw: (machine: string, instance: string, event: unknown, step: Step<unknown, unknown>, run: number) => void;
}
let lastRun = 0;
/** The number of one more run. */
export const nextRun = (): number => ++lastRun;
/** Who sees each step of each hosted machine; undefined: nobody. */
export const Watch: Context.Reference<Watcher | undefined> = Context.Reference<Watcher | undefined>(
  "vipr/actors/kit/Watch",
  { defaultValue: () => undefined },
);

/** What a host reads; `mailbox` makes it. */
export type Inbox<Ev> = Pick<Mailbox<Ev>, "events">;

/** Gives the effect of an order, or nothing where it has done it already, which is the quick way. */
// biome-ignore lint/suspicious/noConfusingVoidType: a `perform` in plain JavaScript returns nothing
export type Perform<A, E, R> = (action: A) => Effect.Effect<unknown, E, R> | void;

/** One machine under way: its last step, and how many of that step's orders have been performed. */
class Hosted<I, Ev, A, C, E, R> {
  private readonly machine: Machine<I, Ev, A, C>;
  private readonly instance: string;
  private readonly events: Inbox<Ev>["events"];
  private readonly perform: Perform<A, E, R>;
  private readonly watcher: Watcher | undefined;
  private readonly run = nextRun();
  private now: Step<Snapshot<C>, A> | undefined;
  private performed = 0;
  /** Set while the fiber sleeps, and the machine runs without it. */
  private resume: ((next: Effect.Effect<Snapshot<C>, E, R>) => void) | undefined;

  constructor(
    machine: Machine<I, Ev, A, C>,
    instance: string,
    { events }: Inbox<Ev>,
    perform: Perform<A, E, R>,
    watcher: Watcher | undefined,
  ) {
    this.machine = machine;
    this.instance = instance;
    this.events = events;
    this.perform = perform;
    this.watcher = watcher;
  }

  start(input: I): Effect.Effect<Snapshot<C>, E, R> {
    return Effect.suspend(() => {
      this.saw({ type: "(start)", input }, this.machine.start(input));
      return this.goOn();
    });
  }

  private saw(event: unknown, step: Step<Snapshot<C>, A>): void {
    this.now = step;
    this.performed = 0;
    this.watcher?.saw(this.machine.id, this.instance, event, step, this.run);
  }

  private readonly goOn = (): Effect.Effect<Snapshot<C>, E, R> => this.advance() ?? this.wait;

  /** Goes on until there is something to wait for: an effect, or, where it gives undefined, an event. */
  private advance(): Effect.Effect<Snapshot<C>, E, R> | undefined {
    const sleeping = this.resume;
    for (let taken = 0; ; taken++) {
      const doing = this.performAll();
      if (doing !== undefined) return doing;
      if (this.resume !== sleeping) return undefined; // an order has interrupted this fiber
      const { snapshot } = this.now!;
      if (this.machine.isDone(snapshot)) return Effect.succeed(snapshot);
      if (taken >= EVENTS_IN_A_ROW_MAX) {
        this.events.wake();
        return undefined;
      }
      const event = this.events.nextNow();
      if (event === undefined) return undefined;
      this.saw(event, this.machine.step(snapshot, event));
      // A fiber that is awake hears of its interruption between two effects, and yields by itself.
      if (sleeping === undefined) return Effect.flatMap(Effect.void, this.goOn);
    }
  }

  /** Undefined when all orders of the last step are performed. */
  private performAll(): Effect.Effect<Snapshot<C>, E, R> | undefined {
    const { actions } = this.now!;
    while (this.performed < actions.length) {
      const doing = this.perform(actions[this.performed++]!);
      if (doing === undefined) continue;
      if (!Exit.isExit(doing)) return Effect.flatMap(doing, this.goOn);
      if (Exit.isFailure(doing)) return doing as Exit.Exit<never, E>;
    }
    return undefined;
  }

  private get wait(): Effect.Effect<Snapshot<C>, E, R> {
    return Effect.callback((resume) => {
      this.resume = resume;
      this.events.whenReady(() => this.goOnAsleep());
      return Effect.sync(() => this.stopSleeping());
    });
  }

  private goOnAsleep(): void {
    const { resume } = this;
    if (resume === undefined) return;
    let next: Effect.Effect<Snapshot<C>, E, R> | undefined;
    try {
      next = this.advance();
    } catch (defect) {
      next = Effect.die(defect);
    }
    if (next === undefined || this.resume !== resume) return;
    this.stopSleeping();
    resume(next);
  }

  private stopSleeping(): void {
    this.resume = undefined;
    this.events.whenReady(undefined);
  }
}

/**
 * Drives a machine from `start` to its final state and gives its last snapshot. A defect in a step, which is always our
 * own fault, kills the fiber and is reported; whoever waits for that fiber sees it, and no other machine is touched.
 */
export const drive = <I, Ev, A, C, E = never, R = never>(
  machine: Machine<I, Ev, A, C>,
  input: I,
  box: Inbox<Ev>,
  perform: Perform<A, E, R>,
  instance = "",
): Effect.Effect<Snapshot<C>, E, R> =>
  Effect.tapCause(
    Effect.withFiber((fiber) => new Hosted(machine, instance, box, perform, fiber.getRef(Watch)).start(input)),
    (cause) =>
      Cause.hasDies(cause) ? Effect.logError("machine.died", `${machine.id} ${instance}`, cause) : Effect.void,
  );
