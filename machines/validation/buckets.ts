/**
 * Places found by hash, millions of them: a table that grows by one bucket at a time, so that no insertion pays for all.
 * Linear hashing, in pages of plain numbers: nothing of it is an object that a garbage collector would have to visit.
 *
 *   heads[bucket] --> entry --> entry --> 0        an entry: hash, tag, slot, next of the bucket, next of the slot
 *
 * A key is a hash and a tag, 64 bits; whoever looks up checks what lies in the slot. Owned by one store, changed in place.
 */
export interface Buckets {
  readonly heads: Array<Uint32Array>;
  readonly entries: Array<Uint32Array>;
  /** Buckets in use. */
  count: number;
  /** Entries in use. */
  size: number;
  /** The end of what was ever used, and the first that was given back. Entries are counted from 1: 0 is none. */
  end: number;
  free: number;
}

const PAGE_BITS = 12;
const PAGE = 1 << PAGE_BITS;
const MASK = PAGE - 1;
const WORDS = 5;
const [HASH, TAG, SLOT, NEXT, SIBLING] = [0, 1, 2, 3, 4];
/** Slots under one key; more would be ambiguous anyway. */
export const SAME_KEY_MAX = 64;

export const buckets = (): Buckets => ({
  heads: [new Uint32Array(PAGE)],
  entries: [],
  count: 1,
  size: 0,
  end: 1,
  free: 0,
});

const word = ({ entries }: Buckets, entry: number, field: number): number =>
  entries[entry >> PAGE_BITS]![(entry & MASK) * WORDS + field]!;
const setWord = ({ entries }: Buckets, entry: number, field: number, value: number): void => {
  entries[entry >> PAGE_BITS]![(entry & MASK) * WORDS + field] = value;
};
const head = ({ heads }: Buckets, bucket: number): number => heads[bucket >> PAGE_BITS]![bucket & MASK]!;
const setHead = ({ heads }: Buckets, bucket: number, entry: number): void => {
  heads[bucket >> PAGE_BITS]![bucket & MASK] = entry;
};

/** The greatest power of two that is not above it. */
const floorOf = (count: number): number => 1 << (31 - Math.clz32(count));

const bucketOf = ({ count }: Buckets, hash: number): number => {
  const low = floorOf(count);
  const wide = hash & (2 * low - 1);
  return wide < count ? wide : hash & (low - 1);
};

/** Puts a slot under a key. `sibling`: another entry of the same slot. Gives the entry; `sibling` when the key is full. */
export const addEntry = (table: Buckets, hash: number, tag: number, slot: number, sibling: number): number => {
  const bucket = bucketOf(table, hash);
  let same = 0;
  for (let at = head(table, bucket); at !== 0; at = word(table, at, NEXT))
    if (word(table, at, HASH) === hash && word(table, at, TAG) === tag) same += 1;
  if (same >= SAME_KEY_MAX) return sibling;
  const entry = newEntry(table);
  setWord(table, entry, HASH, hash);
  setWord(table, entry, TAG, tag);
  setWord(table, entry, SLOT, slot);
  setWord(table, entry, NEXT, head(table, bucket));
  setWord(table, entry, SIBLING, sibling);
  setHead(table, bucket, entry);
  table.size += 1;
  if (table.size > table.count) split(table);
  return entry;
};

const newEntry = (table: Buckets): number => {
  const given = table.free;
  if (given !== 0) {
    table.free = word(table, given, NEXT);
    return given;
  }
  const entry = table.end++;
  if (entry >> PAGE_BITS >= table.entries.length) table.entries.push(new Uint32Array(PAGE * WORDS));
  return entry;
};

/** One bucket more: it takes its share of the one whose hashes it had been put with. */
const split = (table: Buckets): void => {
  const bucket = table.count++;
  if (bucket >> PAGE_BITS >= table.heads.length) table.heads.push(new Uint32Array(PAGE));
  const low = floorOf(bucket);
  const from = bucket - low;
  let at = head(table, from);
  setHead(table, from, 0);
  while (at !== 0) {
    const next = word(table, at, NEXT);
    const to = (word(table, at, HASH) & low) === 0 ? from : bucket;
    setWord(table, at, NEXT, head(table, to));
    setHead(table, to, at);
    at = next;
  }
};

/** Takes away every entry of a slot, given the last that was added for it. */
export const removeEntries = (table: Buckets, last: number): void => {
  for (let entry = last; entry !== 0; ) {
    const sibling = word(table, entry, SIBLING);
    unlink(table, entry);
    setWord(table, entry, NEXT, table.free);
    table.free = entry;
    table.size -= 1;
    entry = sibling;
  }
};

const unlink = (table: Buckets, entry: number): void => {
  const bucket = bucketOf(table, word(table, entry, HASH));
  const next = word(table, entry, NEXT);
  let at = head(table, bucket);
  if (at === entry) {
    setHead(table, bucket, next);
    return;
  }
  while (word(table, at, NEXT) !== entry) at = word(table, at, NEXT);
  setWord(table, at, NEXT, next);
};

/** The slots under a key, in no order. */
export const slotsUnder = (table: Buckets, hash: number, tag: number): ReadonlyArray<number> => {
  const slots: Array<number> = [];
  for (let at = head(table, bucketOf(table, hash)); at !== 0; at = word(table, at, NEXT))
    if (word(table, at, HASH) === hash && word(table, at, TAG) === tag) slots.push(word(table, at, SLOT));
  return slots;
};
