/**
 * Virtual time. Whoever sleeps is written down; when nothing else is left to do, time jumps to the earliest waker.
 *
 *   run every ready task --> let promises settle --> nothing ready? --> jump to the next sleeper --> again
 *
 * A program that waits for nothing and for nobody is reported instead of hanging. DECISIONS.md D-006.
 */
import { Cause, Clock, type Duration, Effect, Exit, Scheduler } from "effect";
import { worksOutside } from "../outside.ts";

/** 2011-04-01T00:00:00Z, the month of the seed document: any fixed hour will do. */
const START_MS = 1_301_616_000_000;
/** Turns of the real event loop with nothing to do and nobody asleep, before we call it a deadlock. */
const IDLE_TURNS_MAX = 1_000;
/** A program that sleeps again and again for what never comes would go on for ever: half a minute of a processor's time. */
const JUMPS_MAX = 5_000_000;

interface Sleeper {
  readonly atMs: number;
  readonly order: number;
  readonly wake: () => void;
}

class VirtualClock implements Clock.Clock {
  nowMs: number;
  private readonly startMs: number;
  private sleepers: Array<Sleeper> = [];
  private count = 0;
  constructor(startMs: number) {
    this.nowMs = startMs;
    this.startMs = startMs;
  }
  currentTimeMillisUnsafe = (): number => this.nowMs;
  currentTimeNanosUnsafe = (): bigint => BigInt(Math.round(this.nowMs)) * 1_000_000n;
  /** Since the start, so that a double holds it to the nanosecond. */
  monotonicTimeNanosUnsafe = (): bigint => BigInt(Math.round((this.nowMs - this.startMs) * 1e6));
  readonly currentTimeMillis = Effect.sync(this.currentTimeMillisUnsafe);
  readonly currentTimeNanos = Effect.sync(this.currentTimeNanosUnsafe);
  readonly monotonicTimeNanos = Effect.sync(this.monotonicTimeNanosUnsafe);

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const ms = Math.max(0, Number(toMs(duration)));
      const sleeper = { atMs: this.nowMs + ms, order: this.count++, wake: () => resume(Effect.void) };
      if (Number.isFinite(ms)) this.insert(sleeper);
      return Effect.sync(() => {
        const at = this.sleepers.indexOf(sleeper);
        if (at >= 0) this.sleepers.splice(at, 1);
      });
    });
  }

  /** False when nobody sleeps. */
  jump(): boolean {
    const next = this.sleepers.pop();
    if (next === undefined) return false;
    this.nowMs = Math.max(this.nowMs, next.atMs);
    next.wake();
    return true;
  }

  /** Latest first, so that `pop` gives the earliest; of two at one instant, whoever lay down first wakes first. */
  private insert(sleeper: Sleeper): void {
    let low = 0;
    let high = this.sleepers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.sleepers[middle]!.atMs > sleeper.atMs) low = middle + 1;
      else high = middle;
    }
    this.sleepers.splice(low, 0, sleeper);
  }
}

const toMs = (duration: Duration.Duration): number => {
  const value = (duration as any).value;
  if (value._tag === "Millis") return value.millis;
  if (value._tag === "Nanos") return Number(value.nanos) / 1e6;
  return Number.POSITIVE_INFINITY;
};

/** Runs a program on virtual time. Rejects with its failure, or when it can never go on. */
export const runVirtual = async <A, E>(
  program: Effect.Effect<A, E>,
  startMs: number = START_MS,
  jumpsMax: number = JUMPS_MAX,
): Promise<A> => {
  const clock = new VirtualClock(startMs);
  const ready: Array<() => void> = [];
  const scheduler = new Scheduler.MixedScheduler("async", (task) => {
    ready.push(task);
    return () => {
      const at = ready.indexOf(task);
      if (at >= 0) ready.splice(at, 1);
    };
  });
  let exit: Exit.Exit<A, E> | undefined;
  const fiber = Effect.runFork(Effect.provideService(program, Clock.Clock, clock), { scheduler });
  fiber.addObserver((found) => {
    exit = found;
  });
  let idleTurns = 0;
  let jumps = 0;
  while (exit === undefined) {
    while (ready.length > 0) ready.shift()!();
    await new Promise<void>((next) => setImmediate(next));
    if (ready.length > 0 || exit !== undefined || worksOutside() > 0) idleTurns = 0;
    else if (clock.jump()) {
      idleTurns = 0;
      if (++jumps > jumpsMax) throw new Error("virtual time: too many waits, and no end");
    } else if (++idleTurns > IDLE_TURNS_MAX) throw new Error("virtual time: nothing to do, and nobody sleeps");
  }
  if (Exit.isSuccess(exit)) return exit.value;
  throw Cause.squash(exit.cause);
};
