/** The table of millions against a plain list, and what it costs when it grows. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { addEntry, buckets, removeEntries, slotsUnder } from "../../machines/validation/buckets.ts";
import { runs, test } from "../kit/harness.ts";
import { counting } from "../kit/timing.ts";

// Few low bits, so that keys meet in a bucket, and high ones, so that buckets split.
const hashes = fc.tuple(fc.nat(3), fc.nat(7)).map(([low, high]) => ((high << 29) | low) >>> 0);
const ALL = 1_000_000;
const keys = fc.array(fc.tuple(hashes, fc.nat(2)), { maxLength: 4 });

test("buckets: what was put under a key is found there, what was taken away nowhere", () =>
  fc.assert(
    fc.property(fc.array(fc.tuple(keys, fc.boolean()), { maxLength: 60 }), (given) => {
      const table = buckets();
      const model = new Map<
        number,
        { readonly keys: ReadonlyArray<readonly [number, number]>; readonly last: number }
      >();
      given.forEach(([slotKeys, removes], i) => {
        const distinct = slotKeys.filter(
          ([hash, tag], at) => slotKeys.findIndex(([h, t]) => h === hash && t === tag) === at,
        );
        let last = 0;
        for (const [hash, tag] of distinct) last = addEntry(table, hash, tag, i + 1, last);
        model.set(i + 1, { keys: distinct, last });
        const [first] = model.keys();
        if (removes && first !== undefined) {
          removeEntries(table, model.get(first)!.last);
          model.delete(first);
        }
        for (const [hash, tag] of [...distinct, ...(model.get(i)?.keys ?? [])]) {
          const under = [...model].filter(([, { keys: own }]) => own.some(([h, t]) => h === hash && t === tag));
          same(
            [...slotsUnder(table, hash, tag, ALL)].sort((a, b) => a - b),
            under.map(([slot]) => slot),
          );
        }
      });
      for (const { last } of model.values()) removeEntries(table, last);
      same(table.size, 0);
      same(
        given.flatMap(([slotKeys]) => slotKeys.flatMap(([hash, tag]) => slotsUnder(table, hash, tag, ALL))),
        [],
      );
    }),
    { numRuns: runs },
  ));

test("buckets: chains stay short however many there are", () => {
  const table = buckets();
  for (let i = 1; i <= 50_000; i++) addEntry(table, Math.imul(i, 0x9e37_79b1) >>> 0, i, i, 0);
  same([table.size, table.count], [50_000, 50_000]);
  for (let i = 1; i <= 50_000; i += 997) same(slotsUnder(table, Math.imul(i, 0x9e37_79b1) >>> 0, i, ALL), [i]);
});

/** Of the table, for taking out one entry or finding one. */
const STEP_READS_MAX = 64;

test("buckets: a key takes any number of slots, gives as many as are asked for, and does not slow the other keys of its bucket", () => {
  const table = buckets();
  const entries = Array.from({ length: 200_000 }, (_, i) => addEntry(table, 1, 7, i + 1, 0));
  addEntry(table, 1, 8, 300_000, 0); // the same hash: it will always be in one bucket with them
  same(slotsUnder(table, 1, 7, 4), [1, 200_000, 199_999, 199_998]);
  same(new Set(slotsUnder(table, 1, 7, ALL)).size, 200_000);
  // A walk along the key for each of these would be 2 * 10^10 steps.
  const { counted, reads } = counting(table);
  for (const entry of entries.slice(0, -1)) removeEntries(counted, entry);
  for (let i = 0; i < 200_000; i++) same(slotsUnder(counted, 1, 8, 1).length, 1);
  ok(reads() < 200_000 * 2 * STEP_READS_MAX, `${reads()} reads`);
  same([slotsUnder(table, 1, 7, ALL), table.size], [[200_000], 2]);
});

test("buckets: entries that were given back are used again", () => {
  const table = buckets();
  for (let round = 0; round < 5; round++) {
    let chain = 0;
    for (let i = 0; i < 64; i++) chain = addEntry(table, i % 3, 9, 70_000, chain);
    removeEntries(table, chain);
  }
  same([table.size, table.end], [0, 65]);
});
