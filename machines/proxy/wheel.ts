/**
 * The timers of one flow: slots of `SLOT_MS` in a ring, as many as make a little more than a minute.
 *
 *   start --> slot [ now | +20 ms | +40 ms | ... ]      due(now): the slots up to now are emptied; a timer of a later round stays
 *
 * Nearly all timers of SIP are stopped, or last 32 seconds and do nothing: a start and a stop cost one write each, and a
 * stopped timer goes when its slot comes. A timer fires at most one slot late and never early; one of `LONG_MS` and more fires
 * at most `LONG_SLOT_MS` late, so that the ends of many calls wake the program together: timers K and I are of 5 seconds.
 */
export const SLOT_MS = 20;
/** A whole number of slots. */
export const LONG_SLOT_MS = 500;
export const LONG_MS = 5_000;
const SLOTS = 4_096;

export class Timer<T> {
  readonly dueMs: number;
  /** Undefined: it was stopped, and holds on to nothing until its slot comes. */
  what: T | undefined;
  readonly name: string;
  /** Another timer of the same owner. */
  next: Timer<T> | undefined = undefined;
  constructor(dueMs: number, what: T, name: string) {
    this.dueMs = dueMs;
    this.what = what;
    this.name = name;
  }
  stop(): void {
    this.what = undefined;
  }
}

export class Wheel<T> {
  private readonly slots: Array<Array<Timer<T>> | undefined> = new Array(SLOTS).fill(undefined);
  /** All slots before this are empty. */
  private slot = 0;
  private held = 0;
  /** No slot between `slot` and this has a timer. */
  private first = 0;

  constructor(nowMs: number) {
    this.slot = Math.floor(nowMs / SLOT_MS);
    this.first = this.slot;
  }

  start(nowMs: number, ms: number, what: T, name: string): Timer<T> {
    const dueMs = nowMs + ms;
    const timer = new Timer(ms < LONG_MS ? dueMs : Math.ceil(dueMs / LONG_SLOT_MS) * LONG_SLOT_MS, what, name);
    this.put(timer);
    return timer;
  }

  private put(timer: Timer<T>): void {
    // Rounded up: what lies in a slot is due when the slot is over.
    const at = Math.max(this.slot, Math.ceil(timer.dueMs / SLOT_MS));
    const index = at % SLOTS;
    const slot = this.slots[index];
    if (slot === undefined) this.slots[index] = [timer];
    else slot.push(timer);
    if (this.held === 0 || at < this.first) this.first = at;
    this.held++;
  }

  /** Calls `fire` for each timer that is due and was not stopped, the earlier slot first. */
  due(nowMs: number, fire: (what: T, name: string) => void): void {
    const until = Math.floor(nowMs / SLOT_MS);
    if (this.held === 0) {
      this.slot = Math.max(this.slot, until + 1);
      this.first = this.slot;
      return;
    }
    // Once around empties all slots, however long nobody looked.
    const from = Math.max(this.slot, Math.min(this.first, until + 1));
    const last = Math.min(until, from + SLOTS - 1);
    this.slot = until + 1;
    for (let at = from; at <= last; at++) this.empty(at % SLOTS, nowMs, fire);
    if (this.first <= until) this.first = this.slot;
  }

  private empty(index: number, nowMs: number, fire: (what: T, name: string) => void): void {
    const slot = this.slots[index];
    if (slot === undefined) return;
    this.slots[index] = undefined;
    this.held -= slot.length;
    for (const timer of slot) {
      if (timer.what === undefined) continue;
      if (timer.dueMs > nowMs) this.put(timer);
      else fire(timer.what, timer.name);
    }
  }

  /** When `due` is to be called next; undefined: nothing waits. Nobody is woken for timers that were all stopped. */
  nextMs(): number | undefined {
    while (this.held > 0) {
      const index = this.first % SLOTS;
      const slot = this.slots[index];
      if (slot?.some(isRunning)) return this.first * SLOT_MS;
      if (slot !== undefined) {
        this.slots[index] = undefined;
        this.held -= slot.length;
      }
      this.first++;
    }
    return undefined;
  }
}

const isRunning = ({ what }: Timer<unknown>): boolean => what !== undefined;
