/**
 * Stored call records: 64 bytes each, in pages, linked in the order in which they were added.
 *
 *   0 called   1 calling, 0 for none   2 start   3 stop   4 keep until   5 VServiceID   6 attempts | last entry
 *   7 before | after: the slots added before and after it
 *
 * The digits of a number are an integer below 10^15 without leading zeros: a float holds it exactly.
 * DECISIONS.md D-051.
 */
import { type CallTimes, type UnixMs, unixMs, type VServiceId, vserviceId } from "../../codecs/shared/mod.ts";
import type { Attempts } from "../../codecs/validation/mod.ts";

export interface Slots {
  readonly pages: Array<SlotPage>;
  size: number;
  /** The first slot never used, and the first of the free list. Slots are counted from 1: 0 is none. */
  end: number;
  free: number;
  oldest: number;
  newest: number;
}

interface SlotPage {
  readonly floats: Float64Array;
  readonly bigs: BigUint64Array;
  readonly words: Uint32Array;
}

export interface SlotRecord extends CallTimes {
  readonly called: number;
  readonly calling: number;
  readonly keepUntilMs: UnixMs;
  readonly vservice: VServiceId;
}

const PAGE_BITS = 12;
const PAGE = 1 << PAGE_BITS;
const MASK = PAGE - 1;
const [CALLED, CALLING, START, STOP, KEEP, VSERVICE] = [0, 1, 2, 3, 4, 5];
/** In words of 32 bits. The uses of a slot are counted: the name of a former use finds nothing. */
const [ATTEMPTS, ENTRY, BEFORE, AFTER] = [12, 13, 14, 15];
const USES_SHIFT = 8;
/** Four bits for each count of attempts: more than it takes to lock a call. */
const ATTEMPTS_SHIFT: Attempts = { caller: 0, times: 4 };
const ATTEMPTS_MASK = 0xf;
const USES_MAX = 2 ** 24;
/** A name is `use * SLOTS_MAX + slot`, an exact integer. */
export const SLOTS_MAX = 2 ** 24;

export const slots = (): Slots => ({ pages: [], size: 0, end: 1, free: 0, oldest: 0, newest: 0 });

const pageOf = ({ pages }: Slots, slot: number): SlotPage => pages[slot >> PAGE_BITS]!;
const wordOf = (all: Slots, slot: number, field: number): number =>
  pageOf(all, slot).words[(slot & MASK) * 16 + field]!;
const setWord = (all: Slots, slot: number, field: number, value: number): void => {
  pageOf(all, slot).words[(slot & MASK) * 16 + field] = value;
};

/** Adds a record as the newest; it has no entries and no attempts. */
export const takeSlot = (all: Slots, record: SlotRecord): number => {
  const slot = newSlot(all);
  const { floats, bigs } = pageOf(all, slot);
  const at = (slot & MASK) * 8;
  floats[at + CALLED] = record.called;
  floats[at + CALLING] = record.calling;
  floats[at + START] = record.startMs;
  floats[at + STOP] = record.stopMs;
  floats[at + KEEP] = record.keepUntilMs;
  bigs[at + VSERVICE] = record.vservice;
  const uses = ((wordOf(all, slot, ATTEMPTS) >>> USES_SHIFT) + 1) % USES_MAX;
  setWord(all, slot, ATTEMPTS, (uses << USES_SHIFT) >>> 0);
  setWord(all, slot, ENTRY, 0);
  setWord(all, slot, BEFORE, all.newest);
  setWord(all, slot, AFTER, 0);
  if (all.newest === 0) all.oldest = slot;
  else setWord(all, all.newest, AFTER, slot);
  all.newest = slot;
  all.size += 1;
  return slot;
};

const newSlot = (all: Slots): number => {
  const reused = all.free;
  if (reused !== 0) {
    all.free = wordOf(all, reused, AFTER);
    return reused;
  }
  const slot = all.end++;
  if (slot >> PAGE_BITS >= all.pages.length) {
    const bytes = new ArrayBuffer(PAGE * 64);
    all.pages.push({
      floats: new Float64Array(bytes),
      bigs: new BigUint64Array(bytes),
      words: new Uint32Array(bytes),
    });
  }
  return slot;
};

/** Frees a slot; its name finds nothing from now on. */
export const freeSlot = (all: Slots, slot: number): void => {
  const [before, after] = [wordOf(all, slot, BEFORE), wordOf(all, slot, AFTER)];
  if (before === 0) all.oldest = after;
  else setWord(all, before, AFTER, after);
  if (after === 0) all.newest = before;
  else setWord(all, after, BEFORE, before);
  // The next use of the slot gets another name.
  const uses = ((wordOf(all, slot, ATTEMPTS) >>> USES_SHIFT) + 1) % USES_MAX;
  setWord(all, slot, ATTEMPTS, (uses << USES_SHIFT) >>> 0);
  setWord(all, slot, AFTER, all.free);
  all.free = slot;
  all.size -= 1;
};

export const recordIn = (all: Slots, slot: number): SlotRecord => {
  const { floats, bigs } = pageOf(all, slot);
  const at = (slot & MASK) * 8;
  return {
    called: floats[at + CALLED]!,
    calling: floats[at + CALLING]!,
    startMs: unixMs(floats[at + START]!),
    stopMs: unixMs(floats[at + STOP]!),
    keepUntilMs: unixMs(floats[at + KEEP]!),
    vservice: vserviceId(bigs[at + VSERVICE]!),
  };
};

export const nameOfSlot = (all: Slots, slot: number): number =>
  (wordOf(all, slot, ATTEMPTS) >>> USES_SHIFT) * SLOTS_MAX + slot;
/** 0: that use of the slot has ended. */
export const slotNamed = (all: Slots, name: number): number => {
  const slot = name % SLOTS_MAX;
  return slot > 0 && slot < all.end && nameOfSlot(all, slot) === name ? slot : 0;
};

export const attemptsIn = (all: Slots, slot: number): Attempts => {
  const word = wordOf(all, slot, ATTEMPTS);
  const count = (way: keyof Attempts) => (word >>> ATTEMPTS_SHIFT[way]) & ATTEMPTS_MASK;
  return { caller: count("caller"), times: count("times") };
};
export const addAttempt = (all: Slots, slot: number, way: keyof Attempts): void => {
  if (attemptsIn(all, slot)[way] >= ATTEMPTS_MASK) return;
  setWord(all, slot, ATTEMPTS, wordOf(all, slot, ATTEMPTS) + (1 << ATTEMPTS_SHIFT[way]));
};

export const entryOf = (all: Slots, slot: number): number => wordOf(all, slot, ENTRY);
export const setEntry = (all: Slots, slot: number, entry: number): void => setWord(all, slot, ENTRY, entry);
