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
  /** The slot in which it is due, counted from the wheel's beginning: a small number, which costs no memory of its own. */
  readonly slot: number;
  /** Undefined: it was stopped, and holds on to nothing until its slot comes. */
  what: T | undefined;
  readonly name: string;
  /** Another timer of the same owner. */
  next: Timer<T> | undefined = undefined;
  constructor(slot: number, what: T, name: string) {
    this.slot = slot;
    this.what = what;
    this.name = name;
  }
  stop(): void {
    this.what = undefined;
  }
}

export class Wheel<T> {
  private readonly slots: Array<Array<Timer<T>> | undefined> = new Array(SLOTS).fill(undefined);
  /** The number of its first slot among those since time began. */
  private readonly begin: number;
  /** All slots before this are empty. */
  private slot = 0;
  private held = 0;
  /** No slot between `slot` and this has a timer. */
  private first = 0;

  constructor(nowMs: number) {
    this.begin = Math.floor(nowMs / SLOT_MS);
  }

  start(nowMs: number, ms: number, what: T, name: string): Timer<T> {
    const dueMs = ms < LONG_MS ? nowMs + ms : Math.ceil((nowMs + ms) / LONG_SLOT_MS) * LONG_SLOT_MS;
    // Rounded up: what lies in a slot is due when the slot is over.
    const slot = Math.max(this.slot, Math.ceil(dueMs / SLOT_MS) - this.begin);
    const timer = new Timer(slot, what, name);
    this.put(timer);
    return timer;
  }

  private put(timer: Timer<T>): void {
    const at = timer.slot;
    const index = at % SLOTS;
    const slot = this.slots[index];
    if (slot === undefined) this.slots[index] = [timer];
    else slot.push(timer);
    if (this.held === 0 || at < this.first) this.first = at;
    this.held++;
  }

  /** Calls `fire` for each timer that is due and was not stopped, the earlier slot first. */
  due(nowMs: number, fire: (what: T, name: string) => void): void {
    const until = Math.floor(nowMs / SLOT_MS) - this.begin;
    if (this.held === 0) {
      this.slot = Math.max(this.slot, until + 1);
      this.first = this.slot;
      return;
    }
    // Once around empties all slots, however long nobody looked.
    const from = Math.max(this.slot, Math.min(this.first, until + 1));
    const last = Math.min(until, from + SLOTS - 1);
    this.slot = until + 1;
    for (let at = from; at <= last; at++) this.empty(at % SLOTS, until, fire);
    if (this.first <= until) this.first = this.slot;
  }

  private empty(index: number, until: number, fire: (what: T, name: string) => void): void {
    const slot = this.slots[index];
    if (slot === undefined) return;
    this.slots[index] = undefined;
    this.held -= slot.length;
    for (const timer of slot) {
      if (timer.what === undefined) continue;
      if (timer.slot > until) this.put(timer);
      else fire(timer.what, timer.name);
    }
  }

  /** When `due` is to be called next; undefined: nothing waits. Nobody is woken for timers that were all stopped. */
  nextMs(): number | undefined {
    while (this.held > 0) {
      const index = this.first % SLOTS;
      const slot = this.slots[index];
      if (slot?.some(isRunning)) return (this.begin + this.first) * SLOT_MS;
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
