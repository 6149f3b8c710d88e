/**
 * A machine stepped in place, without a fiber or a mailbox: for machines of which there are thousands, and which are told of
 * every message of a stream.
 *
 *   tell --> step --> perform, perform, ... --> what was told meanwhile --> step ...
 *
 * `perform` returns at once; what takes longer it starts elsewhere, and that tells the outcome. One event is wholly performed
 * before the next is taken, also where `perform` itself leads to an event. DECISIONS.md D-211.
 */
import { Clock, Effect, Scheduler } from "effect";
import type { Machine, Snapshot, Step } from "../../machines/kit/mod.ts";
import { nextRun, Watch, type Watcher } from "./host.ts";
import type { CommonOrder, OwnOrder } from "./orders.ts";
import { type Timer, type Timers, timersOf } from "./timers.ts";

/** Of the fiber that opens steppers; they share it. */
export interface StepperParts {
  readonly clock: Clock.Clock;
  readonly timers: Timers;
  readonly watcher: Watcher | undefined;
}
export const stepperParts: Effect.Effect<StepperParts> = Effect.withFiber((fiber) => {
  const clock = fiber.getRef(Clock.Clock);
  const timers = timersOf(clock, fiber.getRef(Scheduler.Scheduler));
  return Effect.succeed({ clock, timers, watcher: fiber.getRef(Watch) });
});

export interface StepperOptions<Ev, A> {
  readonly instance: string;
  readonly perform: (action: OwnOrder<A>) => void;
  readonly fired: (timer: string, atMs: number) => Ev;
  /** Of what the machine did not expect, for the log. */
  readonly noted: (unexpected: string) => void;
  /** Once: the machine is done, or a step has thrown, which is always our own fault. It is told nothing more. */
  readonly over: (defect?: unknown) => void;
}

export class Stepper<I, Ev, A extends { readonly type: string }, C> {
  private readonly machine: Machine<I, Ev, A | CommonOrder, C>;
  private readonly parts: StepperParts;
  private readonly options: StepperOptions<Ev, A>;
  private readonly run = nextRun();
  private snapshot: Snapshot<C> | undefined;
  private running: Map<string, Timer> | undefined;
  /** Events of the step that is under way: no more than its orders lead to. */
  private told: Array<Ev> = [];
  private isStepping = false;
  private isOver = false;

  constructor(machine: Machine<I, Ev, A | CommonOrder, C>, parts: StepperParts, options: StepperOptions<Ev, A>) {
    this.machine = machine;
    this.parts = parts;
    this.options = options;
  }

  start(input: I): void {
    this.guarded(() => this.take({ type: "(start)", input }, this.machine.start(input)));
  }

  /** Dropped once the machine is over. */
  tell(event: Ev): void {
    if (this.isOver) return;
    this.told.push(event);
    if (!this.isStepping) this.guarded(() => {});
  }

  /** Stops its timers; it is told nothing more. */
  stop(): void {
    this.isOver = true;
    for (const timer of this.running?.values() ?? []) timer.stop();
    this.running = undefined;
  }

  private guarded(first: () => void): void {
    this.isStepping = true;
    try {
      first();
      for (let event = this.told.shift(); event !== undefined && !this.isOver; event = this.told.shift())
        this.take(event, this.machine.step(this.snapshot!, event));
    } catch (defect) {
      this.end(defect);
    } finally {
      this.isStepping = false;
    }
  }

  private take(event: unknown, step: Step<Snapshot<C>, A | CommonOrder>): void {
    this.snapshot = step.snapshot;
    this.parts.watcher?.saw(this.machine.id, this.options.instance, event, step, this.run);
    for (const action of step.actions) this.obey(action);
    if (this.machine.isDone(step.snapshot)) this.end();
  }

  private end(defect?: unknown): void {
    if (this.isOver) return;
    this.stop();
    this.options.over(defect);
  }

  private obey(action: A | CommonOrder): void {
    const order = action as CommonOrder;
    switch (order.type) {
      case "startTimer":
        if (!("ms" in order)) throw new Error(`the time of ${order.timer} is drawn: a fiber has to host this machine`);
        this.startTimer(order.timer, order.ms);
        break;
      case "stopTimer":
        this.running?.get(order.timer)?.stop();
        this.running?.delete(order.timer);
        break;
      case "note":
        this.options.noted(order.unexpected);
        break;
      default:
        this.options.perform(action as OwnOrder<A>);
    }
  }

  private startTimer(timer: string, ms: number): void {
    this.running ??= new Map();
    this.running.get(timer)?.stop();
    const fire = () => {
      this.running?.delete(timer);
      this.tell(this.options.fired(timer, this.parts.clock.currentTimeMillisUnsafe()));
    };
    this.running.set(timer, this.parts.timers.start(ms, fire));
  }
}
