/** The sorted map of contexts: whatever is put in and taken out, it is as a Map whose entries are sorted. machines/kit/sorted.ts. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import {
  entriesOf,
  firstOf,
  put,
  type Sorted,
  type SortedKey,
  sorted,
  valueAt,
  without,
} from "../../machines/kit/mod.ts";
import { runs, test } from "../kit/harness.ts";

type Change<K> = readonly ["put" | "without", K];
const byKey = <K extends SortedKey>([a]: readonly [K, unknown], [b]: readonly [K, unknown]) => (a < b ? -1 : 1);

const law = <K extends SortedKey>(keys: fc.Arbitrary<K>) =>
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom("put", "without"), keys), { size: "max", maxLength: 400 }),
      (changes) => {
        let map: Sorted<K, number> = sorted();
        const model = new Map<K, number>();
        const kept: Array<readonly [Sorted<K, number>, ReadonlyArray<readonly [K, number]>]> = [];
        const sortedModel = () => [...model].sort(byKey);
        for (const [i, [what, key]] of (changes as ReadonlyArray<Change<K>>).entries()) {
          if (i % 50 === 0) kept.push([map, sortedModel()]);
          const before = map;
          map = what === "put" ? put(map, key, i) : without(map, key);
          if (what === "without") same(before === map, !model.has(key), "what changes nothing gives the same map");
          if (what === "put") model.set(key, i);
          else model.delete(key);
          same([map.size, valueAt(map, key), firstOf(map)], [model.size, model.get(key), sortedModel()[0]]);
        }
        same([...entriesOf(map)], sortedModel());
        for (const [key, value] of model) same(valueAt(map, key), value);
        // Maps of before are as they were, and a copy is a map.
        for (const [one, entries] of kept) same([...entriesOf(one)], entries);
        same([...entriesOf(JSON.parse(JSON.stringify(map)) as typeof map)], sortedModel());
      },
    ),
    { numRuns: runs },
  );

test("a sorted map with few numbers for keys", () => law(fc.integer({ min: 0, max: 60 })));
test("a sorted map with many numbers for keys", () => law(fc.integer()));
test("a sorted map with texts for keys", () => law(fc.string({ maxLength: 6 })));

/** Nodes that one map has and the other has not. */
const nodesOf = (map: Sorted<number, number>): ReadonlySet<unknown> => {
  const all = new Set<unknown>();
  const walk = (node: unknown): void => {
    if (node === undefined) return;
    all.add(node);
    for (const child of (node as { readonly children?: ReadonlyArray<unknown> }).children ?? []) walk(child);
  };
  walk(map.root);
  return all;
};

test("of 200,000 entries a change makes a few nodes anew, and those put in order fill their nodes", () => {
  const COUNT = 200_000;
  let map: Sorted<number, number> = sorted();
  for (let i = 0; i < COUNT; i++) map = put(map, i, i);
  const before = nodesOf(map);
  ok(before.size < COUNT / 30, `${before.size} nodes`);
  for (const changed of [put(map, 77_777, 0), put(map, 77_777.5, 0), put(map, COUNT, 0), without(map, 77_777)]) {
    const made = [...nodesOf(changed)].filter((node) => !before.has(node)).length;
    ok(made <= 8, `${made} nodes are new`);
  }
  for (let i = 0; i < COUNT; i++) map = without(map, i);
  same(map, sorted());
});
