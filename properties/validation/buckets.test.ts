/** The table of millions against a plain list, and what it costs when it grows. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { addEntry, buckets, removeEntries, SAME_KEY_MAX, slotsUnder } from "../../machines/validation/buckets.ts";
import { runs, test } from "../kit/harness.ts";

// Few low bits, so that keys meet in a bucket, and high ones, so that buckets split.
const hashes = fc.tuple(fc.nat(3), fc.nat(7)).map(([low, high]) => ((high << 29) | low) >>> 0);
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
            [...slotsUnder(table, hash, tag)].sort((a, b) => a - b),
            under.map(([slot]) => slot),
          );
        }
      });
      for (const { last } of model.values()) removeEntries(table, last);
      same(table.size, 0);
      same(
        given.flatMap(([slotKeys]) => slotKeys.flatMap(([hash, tag]) => slotsUnder(table, hash, tag))),
        [],
      );
    }),
    { numRuns: runs },
  ));

test("buckets: chains stay short however many there are, and a key takes so many slots and no more", () => {
  const table = buckets();
  for (let i = 1; i <= 50_000; i++) addEntry(table, Math.imul(i, 0x9e37_79b1) >>> 0, i, i, 0);
  same([table.size, table.count], [50_000, 50_000]);
  for (let i = 1; i <= 50_000; i += 997) same(slotsUnder(table, Math.imul(i, 0x9e37_79b1) >>> 0, i), [i]);
  let last = 0;
  for (let i = 0; i < 2 * SAME_KEY_MAX; i++) last = addEntry(table, 1, 7, 60_000 + i, last);
  same(slotsUnder(table, 1, 7).length, SAME_KEY_MAX);
  removeEntries(table, last);
  same(slotsUnder(table, 1, 7), []);
  const pages = table.entries.length;
  for (let round = 0; round < 3; round++) {
    let chain = 0;
    for (let i = 0; i < SAME_KEY_MAX; i++) chain = addEntry(table, i, 9, 70_000, chain);
    removeEntries(table, chain);
  }
  ok(table.entries.length === pages, "entries that were given back are used again");
});
