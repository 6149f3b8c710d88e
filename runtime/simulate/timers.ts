/** The timers of one simulated node by their names: a new start replaces the old. */
import type { Agenda, Due } from "./agenda.ts";

export interface Timers {
  readonly start: (timer: string, ms: number, fired: () => void) => void;
  readonly stop: (timer: string) => void;
  readonly stopAll: () => void;
}

export const makeTimers = (agenda: Agenda): Timers => {
  const running = new Map<string, Due>();
  const stop = (timer: string) => {
    const due = running.get(timer);
    if (due !== undefined) due.run = undefined;
    running.delete(timer);
  };
  return {
    start: (timer, ms, fired) => {
      stop(timer);
      const due = agenda.after(ms, () => {
        running.delete(timer);
        fired();
      });
      running.set(timer, due);
    },
    stop,
    stopAll: () => {
      for (const timer of [...running.keys()]) stop(timer);
    },
  };
};
