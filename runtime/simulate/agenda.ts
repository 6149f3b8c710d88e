/**
 * Virtual time for a simulation of many machines: tasks by the millisecond they are due, without promise or fiber.
 *
 *   at(ms, task) --> the list of that millisecond --> run: the earliest list, its tasks in the order they were added
 *
 * A heap holds the milliseconds that have a list; most tasks find theirs there already and cost one push.
 */

/** A scheduled task. Setting `run` to undefined cancels it, and frees what the task refers to before its time. */
export interface Due {
  run: (() => void) | undefined;
}

export interface Agenda {
  /** Milliseconds since 1970: the `atMs` of the machines' events. */
  nowMs: number;
  /** Tasks run so far. */
  done: number;
  /** Whole milliseconds from now; 0 comes after all that is due now. */
  readonly after: (ms: number, task: () => void) => Due;
  /** Runs the next task. False when none is due by `untilMs`; the time is then `untilMs`. */
  readonly next: (untilMs: number) => boolean;
}

/** 2011-04-01T00:00:00Z, as runtime/memory/clock.ts has it. */
export const START_MS = 1_301_616_000_000;

const DONE: Due = { run: undefined };

export const makeAgenda = (): Agenda => {
  const lists = new Map<number, Array<Due>>();
  const heap: Array<number> = [];
  let current: Array<Due> = [];
  let at = 0;

  const push = (ms: number) => {
    let child = heap.length;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (heap[parent]! <= ms) break;
      heap[child] = heap[parent]!;
      child = parent;
    }
    heap[child] = ms;
  };
  const pop = () => {
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let parent = 0;
    while (true) {
      let child = 2 * parent + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= last) break;
      heap[parent] = heap[child]!;
      parent = child;
    }
    heap[parent] = last;
  };

  const agenda: Agenda = {
    nowMs: START_MS,
    done: 0,
    after: (ms, task) => {
      const due: Due = { run: task };
      if (ms <= 0) {
        current.push(due);
        return due;
      }
      const atMs = agenda.nowMs + Math.ceil(ms);
      const list = lists.get(atMs);
      if (list !== undefined) list.push(due);
      else {
        lists.set(atMs, [due]);
        push(atMs);
      }
      return due;
    },
    next: (untilMs) => {
      if (at >= current.length) {
        const due = heap[0];
        if (due === undefined || due > untilMs) {
          agenda.nowMs = Math.max(agenda.nowMs, untilMs);
          return false;
        }
        pop();
        agenda.nowMs = due;
        current = lists.get(due)!;
        lists.delete(due);
        at = 0;
      }
      agenda.done++;
      const task = current[at]!.run;
      current[at++] = DONE;
      task?.();
      return true;
    },
  };
  return agenda;
};
