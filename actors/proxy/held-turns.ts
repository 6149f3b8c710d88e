/**
 * What turns have held back until a call is on disk. DECISIONS.md D-114.
 *
 *   hold --> answers: 400 ms at the most --+--> released, by the write or by the one timer of all
 *        --> ends:    2 s at the most -----+
 *
 * Each line is in the order of its times. DECISIONS.md D-118. Nearly all are released by the write, long before; a timer for each would cost more
 * than the turn itself.
 */
import type { Timer, Timers } from "../kit/timers.ts";

/** Of what begins a call: less than T1, after which the called side sends its 200 again. RFC 3261 §13.3.1.4. */
export const ANSWER_HELD_MS_MAX = 400;
/** Of what ends one: nobody talks any more, and a BYE is sent again for 32 s. RFC 3261 §17.1.2.2. */
export const END_HELD_MS_MAX = 2_000;

interface Held {
  readonly untilMs: number;
  readonly release: () => void;
}

export interface HeldTurns {
  /** Gives the function that releases it; `then` is called once, by that or by the time. */
  readonly hold: (isEnd: boolean, then: () => void) => () => void;
  readonly releaseAll: () => void;
}

export const openHeldTurns = (timers: Timers, nowMs: () => number): HeldTurns => {
  const answers = new Set<Held>();
  const ends = new Set<Held>();
  let timer: Timer | undefined;
  let wakesMs = Number.POSITIVE_INFINITY;

  const arm = () => {
    const firstMs = Math.min(untilMsOf(answers), untilMsOf(ends));
    if (firstMs >= wakesMs) return;
    timer?.stop();
    wakesMs = firstMs;
    timer = timers.start(firstMs - nowMs(), wake);
  };
  const wake = () => {
    timer = undefined;
    wakesMs = Number.POSITIVE_INFINITY;
    const now = nowMs() + EARLY_MS;
    for (const line of [answers, ends])
      for (const held of line) {
        if (held.untilMs > now) break;
        held.release();
      }
    arm();
  };
  return {
    hold: (isEnd, then) => {
      const line = isEnd ? ends : answers;
      const release = () => {
        if (line.delete(held)) then();
      };
      const held: Held = { untilMs: nowMs() + (isEnd ? END_HELD_MS_MAX : ANSWER_HELD_MS_MAX), release };
      line.add(held);
      arm();
      return release;
    },
    releaseAll: () => {
      timer?.stop();
      for (const line of [answers, ends]) for (const held of line) held.release();
    },
  };
};

/** Milliseconds of a clock do not add up exactly: what is due within this is due. */
const EARLY_MS = 0.001;
const untilMsOf = (line: ReadonlySet<Held>): number => {
  for (const { untilMs } of line) return untilMs;
  return Number.POSITIVE_INFINITY;
};
