/**
 * A hash table for millions of entries that grows by one bucket at a time, so that no insertion has to rehash all: linear
 * hashing, in pages of plain numbers, without objects that a garbage collector would have to visit.
 *
 *   heads[bucket] --> first of a key --link--> first of another key --> 0      an entry: hash, tag, slot, link, same, sibling
 *                         | same                                               sibling: of the same slot, under another key
 *                         v
 *                     the next of that key, whose link leads back up --> ... --> 0
 *
 * A key is a hash and a tag, 64 bits; the caller compares what is in the slot. However many slots a key has, adding and
 * removing one cost the same, and the other keys of its bucket are reached past one entry. Owned by one store, changed in
 * place. DECISIONS.md D-051.
 */
export interface Buckets {
  readonly heads: Array<Uint32Array>;
  readonly entries: Array<Uint32Array>;
  /** Buckets in use. */
  count: number;
  /** Entries in use. */
  size: number;
  /** The first entry never used, and the first of the free list. Entries are counted from 1: 0 is none. */
  end: number;
  free: number;
}

const PAGE_BITS = 12;
const PAGE = 1 << PAGE_BITS;
const MASK = PAGE - 1;
const WORDS = 6;
const [HASH, TAG, SLOT, LINK, SAME, SIBLING] = [0, 1, 2, 3, 4, 5];
/** A flag in the word of the slot: this entry is the first of its key. Slots are below 2^24. */
const FIRST = 0x8000_0000;
const SLOT_MASK = 0x7fff_ffff;

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

/** The greatest power of two that is not above `count`. */
const floorOf = (count: number): number => 1 << (31 - Math.clz32(count));

const bucketOf = ({ count }: Buckets, hash: number): number => {
  const low = floorOf(count);
  const wide = hash & (2 * low - 1);
  return wide < count ? wide : hash & (low - 1);
};

/** The first entry of a key; 0: none. */
const firstOf = (table: Buckets, hash: number, tag: number): number => {
  let at = head(table, bucketOf(table, hash));
  while (at !== 0 && (word(table, at, HASH) !== hash || word(table, at, TAG) !== tag)) at = word(table, at, LINK);
  return at;
};

/** Adds a slot to a key. `sibling`: another entry of the same slot. Returns the entry. */
export const addEntry = (table: Buckets, hash: number, tag: number, slot: number, sibling: number): number => {
  const first = firstOf(table, hash, tag);
  const entry = newEntry(table);
  setWord(table, entry, HASH, hash);
  setWord(table, entry, TAG, tag);
  setWord(table, entry, SLOT, slot);
  setWord(table, entry, SIBLING, sibling);
  if (first === 0) putFirst(table, entry, 0);
  else putSecond(table, entry, first);
  table.size += 1;
  if (table.size > table.count) split(table);
  return entry;
};

/** Adds the entry to its bucket, as the first of its key. */
const putFirst = (table: Buckets, entry: number, same: number): void => {
  const bucket = bucketOf(table, word(table, entry, HASH));
  setWord(table, entry, SLOT, (word(table, entry, SLOT) | FIRST) >>> 0);
  setWord(table, entry, LINK, head(table, bucket));
  setWord(table, entry, SAME, same);
  if (same !== 0) setWord(table, same, LINK, entry);
  setHead(table, bucket, entry);
};

const putSecond = (table: Buckets, entry: number, first: number): void => {
  const next = word(table, first, SAME);
  setWord(table, entry, LINK, first);
  setWord(table, entry, SAME, next);
  if (next !== 0) setWord(table, next, LINK, entry);
  setWord(table, first, SAME, entry);
};

const newEntry = (table: Buckets): number => {
  const reused = table.free;
  if (reused !== 0) {
    table.free = word(table, reused, LINK);
    return reused;
  }
  const entry = table.end++;
  if (entry >> PAGE_BITS >= table.entries.length) table.entries.push(new Uint32Array(PAGE * WORDS));
  return entry;
};

/** Adds a bucket: the keys of an older one are divided between the two. */
const split = (table: Buckets): void => {
  const bucket = table.count++;
  if (bucket >> PAGE_BITS >= table.heads.length) table.heads.push(new Uint32Array(PAGE));
  const low = floorOf(bucket);
  const from = bucket - low;
  let at = head(table, from);
  setHead(table, from, 0);
  while (at !== 0) {
    const next = word(table, at, LINK);
    const to = (word(table, at, HASH) & low) === 0 ? from : bucket;
    setWord(table, at, LINK, head(table, to));
    setHead(table, to, at);
    at = next;
  }
};

/** Removes all entries of a slot. `last`: the one that was added last. */
export const removeEntries = (table: Buckets, last: number): void => {
  for (let entry = last; entry !== 0; ) {
    const sibling = word(table, entry, SIBLING);
    unlink(table, entry);
    setWord(table, entry, LINK, table.free);
    table.free = entry;
    table.size -= 1;
    entry = sibling;
  }
};

const unlink = (table: Buckets, entry: number): void => {
  const [link, same] = [word(table, entry, LINK), word(table, entry, SAME)];
  if ((word(table, entry, SLOT) & FIRST) === 0) {
    setWord(table, link, SAME, same);
    if (same !== 0) setWord(table, same, LINK, link);
    return;
  }
  leaveBucket(table, entry);
  if (same !== 0) putFirst(table, same, word(table, same, SAME));
};

const leaveBucket = (table: Buckets, entry: number): void => {
  const bucket = bucketOf(table, word(table, entry, HASH));
  const next = word(table, entry, LINK);
  let at = head(table, bucket);
  if (at === entry) {
    setHead(table, bucket, next);
    return;
  }
  while (word(table, at, LINK) !== entry) at = word(table, at, LINK);
  setWord(table, at, LINK, next);
};

/** Slots of a key, at most `most`: the oldest, then the newest first. */
export const slotsUnder = (table: Buckets, hash: number, tag: number, most: number): ReadonlyArray<number> => {
  const slots: Array<number> = [];
  for (let at = firstOf(table, hash, tag); at !== 0 && slots.length < most; at = word(table, at, SAME))
    slots.push(word(table, at, SLOT) & SLOT_MASK);
  return slots;
};
