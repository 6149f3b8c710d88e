/** A queue in an array that wraps around: what a mailbox keeps its events in. Grows by doubling, up to its limit. */

const SLOTS_AT_FIRST = 4;

export class Ring<T> {
  private slots: Array<T | undefined> = [];
  private first = 0;
  private count = 0;
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** False when it is full. */
  push(value: T): boolean {
    if (this.count >= this.limit) return false;
    if (this.count === this.slots.length) this.grow();
    this.slots[(this.first + this.count) & (this.slots.length - 1)] = value;
    this.count++;
    return true;
  }

  /** The oldest; undefined when there is none. */
  shift(): T | undefined {
    if (this.count === 0) return undefined;
    const value = this.slots[this.first];
    this.slots[this.first] = undefined;
    this.first = (this.first + 1) & (this.slots.length - 1);
    this.count--;
    return value;
  }

  /** The first that is this very value; false where there is none. Reads the whole ring. */
  remove(value: T): boolean {
    const rest: Array<T> = [];
    for (let one = this.shift(); one !== undefined; one = this.shift()) rest.push(one);
    const at = rest.indexOf(value);
    if (at >= 0) rest.splice(at, 1);
    for (const one of rest) this.push(one);
    return at >= 0;
  }

  /** Twice as many slots, a power of two, so that an index wraps by a mask. */
  private grow(): void {
    const { slots, first } = this;
    const size = slots.length === 0 ? SLOTS_AT_FIRST : slots.length * 2;
    this.slots = [...slots.slice(first), ...slots.slice(0, first)];
    for (let i = slots.length; i < size; i++) this.slots.push(undefined);
    this.first = 0;
  }
}
