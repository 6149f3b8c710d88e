/**
 * The timers of all roles that share a clock: a heap by due time, and one fiber that sleeps until the earliest.
 *
 *   start, stop --> heap --> earliest --> Clock.sleep --> fire, fire, ... --> earliest --> ...
 *
 * A fiber and a sleep for each timer would cost some 3 KiB of heap. A start or stop here is an insertion or a removal; the
 * sleeping fiber is replaced only where a timer becomes due before the one that it sleeps for, and ends with the last timer.
 * DECISIONS.md D-003.
 */
import { Clock, Context, Duration, Effect, type Fiber, Scheduler } from "effect";

/** Nanoseconds of a monotonic clock do not add up exactly as milliseconds: what is due within a microsecond is due. */
const DUE_MS = 0.001;

export class Timer {
  /** By the clock's monotonic time, in ms. */
  readonly dueMs: number;
  /** Of timers due at one instant the one started first fires first. */
  readonly order: number;
  readonly fire: () => void;
  readonly timers: Timers;
  /** Its place in the heap; -1 when it is not in it. */
  at = -1;

  constructor(timers: Timers, dueMs: number, order: number, fire: () => void) {
    this.timers = timers;
    this.dueMs = dueMs;
    this.order = order;
    this.fire = fire;
  }

  stop(): void {
    this.timers.remove(this);
  }
}

const isBefore = (a: Timer, b: Timer): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);

export class Timers {
  private readonly heap: Array<Timer> = [];
  private readonly clock: Clock.Clock;
  private readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>;
  private sleeper: Fiber.Fiber<void> | undefined;
  private sleepsUntilMs = 0;
  private started = 0;
  /** Another number for each sleep, so that one that has been replaced wakes nobody. */
  private sleep = 0;

  constructor(clock: Clock.Clock, scheduler: Scheduler.Scheduler) {
    this.clock = clock;
    const context = Context.add(Context.make(Clock.Clock, clock), Scheduler.Scheduler, scheduler);
    this.fork = Effect.runForkWith(context);
  }

  /** `fire` is called once, outside of any fiber, and must not throw. A time without end never comes. */
  start(ms: number, fire: () => void): Timer {
    const timer = new Timer(this, this.nowMs() + Math.max(0, ms), this.started++, fire);
    if (timer.dueMs === Number.POSITIVE_INFINITY) return timer;
    this.heap.push(timer);
    this.up(this.heap.length - 1, timer);
    this.arm();
    return timer;
  }

  /** Nothing happens where it has fired or been stopped before. */
  remove(timer: Timer): void {
    const { at } = timer;
    if (at < 0) return;
    timer.at = -1;
    const last = this.heap.pop()!;
    if (last !== timer) {
      const parent = (at - 1) >> 1;
      if (at > 0 && isBefore(last, this.heap[parent]!)) this.up(at, last);
      else this.down(at, last);
    }
    if (this.heap.length === 0) this.disarm();
  }

  private nowMs(): number {
    return Number(this.clock.monotonicTimeNanosUnsafe()) / 1e6;
  }

  /** Sees to it that somebody sleeps until the earliest, or wakes before. */
  private arm(): void {
    const first = this.heap[0];
    if (first === undefined || (this.sleeper !== undefined && this.sleepsUntilMs <= first.dueMs)) return;
    this.disarm();
    const sleep = this.sleep;
    this.sleepsUntilMs = first.dueMs;
    const rest = this.clock.sleep(Duration.millis(Math.max(0, first.dueMs - this.nowMs())));
    const sleeper = this.fork(
      Effect.andThen(
        rest,
        Effect.sync(() => this.wake(sleep)),
      ),
    );
    if (sleep === this.sleep) this.sleeper = sleeper; // else it has woken already, and armed the next
  }

  private disarm(): void {
    this.sleep++;
    this.sleeper?.interruptUnsafe();
    this.sleeper = undefined;
  }

  private wake(sleep: number): void {
    if (sleep !== this.sleep) return;
    this.sleep++;
    this.sleeper = undefined;
    const untilMs = this.nowMs() + DUE_MS;
    for (let first = this.heap[0]; first !== undefined && first.dueMs <= untilMs; first = this.heap[0]) {
      this.remove(first);
      first.fire();
    }
    this.arm();
  }

  /** Puts a timer at its place on the way from `at` to the root. */
  private up(from: number, timer: Timer): void {
    let at = from;
    while (at > 0) {
      const parent = this.heap[(at - 1) >> 1]!;
      if (!isBefore(timer, parent)) break;
      this.put(at, parent);
      at = (at - 1) >> 1;
    }
    this.put(at, timer);
  }

  /** The same on the way from `at` to a leaf. */
  private down(from: number, timer: Timer): void {
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.heap.length) break;
      if (child + 1 < this.heap.length && isBefore(this.heap[child + 1]!, this.heap[child]!)) child++;
      if (!isBefore(this.heap[child]!, timer)) break;
      this.put(at, this.heap[child]!);
      at = child;
    }
    this.put(at, timer);
  }

  private put(at: number, timer: Timer): void {
    this.heap[at] = timer;
    timer.at = at;
  }
}

const byClock = new WeakMap<Clock.Clock, Timers>();

/** The timers of a clock: one for each program, and for each test that brings a clock of its own. */
export const timersOf = (clock: Clock.Clock, scheduler: Scheduler.Scheduler): Timers => {
  const known = byClock.get(clock);
  if (known !== undefined) return known;
  const made = new Timers(clock, scheduler);
  byClock.set(clock, made);
  return made;
};
