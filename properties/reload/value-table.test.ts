/** The value table is a map by Resource-ID that is never changed in place, whatever is stored and removed. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { bytesOfBig } from "../../codecs/shared/mod.ts";
import type { Resource, StoredEntry } from "../../machines/reload/storage-types.ts";
import {
  changedResources,
  emptyValueTable,
  keyOf,
  mapResources,
  resourceAtKey,
  resourcesOf,
  type ValueTable,
  withResource,
} from "../../machines/reload/value-table.ts";
import { runs, test } from "../kit/harness.ts";

/** Ids that share their first digits, and ids that do not. */
const anId = fc.oneof(
  fc.integer({ min: 0, max: 40 }).map((n) => bytesOfBig(BigInt(n) << 108n, 16)),
  fc.integer({ min: 0, max: 9 }).map((n) => bytesOfBig(BigInt(n), 16)),
);
const KIND = 7;
const holding = (id: Uint8Array, places: number): Resource => ({
  id,
  kinds: {
    [KIND]: {
      generation: 1n,
      entries: Object.fromEntries(Array.from({ length: places }, (_, i) => [String(i), {} as StoredEntry])),
    },
  },
});
const puts = fc.array(fc.record({ id: anId, places: fc.integer({ min: 0, max: 2 }) }), { maxLength: 60 });

const modelOf = (list: ReadonlyArray<{ readonly id: Uint8Array; readonly places: number }>) => {
  let valueTable: ValueTable = emptyValueTable;
  const model = new Map<string, Resource>();
  for (const { id, places } of list) {
    const resource = holding(id, places);
    valueTable = withResource(valueTable, keyOf(id), resource);
    if (places === 0) model.delete(keyOf(id));
    else model.set(keyOf(id), resource);
  }
  return { valueTable, model };
};
const asMap = (valueTable: ValueTable) => new Map(resourcesOf(valueTable));
const sorted = <V>(map: ReadonlyMap<string, V>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

test("value table: it holds what was stored last, counts it, and finds it by its key", () =>
  fc.assert(
    fc.property(puts, (list) => {
      const { valueTable, model } = modelOf(list);
      same(sorted(asMap(valueTable)), sorted(model));
      same(valueTable.resources, model.size);
      for (const { id } of list) ok(resourceAtKey(valueTable, keyOf(id)) === model.get(keyOf(id)));
    }),
    { numRuns: runs },
  ));

test("value table: the same object where nothing changes; otherwise what changed, and only that, is listed", () =>
  fc.assert(
    fc.property(puts, puts, fc.integer({ min: 1, max: 5 }), (first, second, part) => {
      const { valueTable, model } = modelOf(first);
      ok(mapResources(valueTable, (resource) => resource) === valueTable);
      const isTouched = (key: string) => BigInt(`0x${key}`) % BigInt(part + 1) === 0n;
      const changed = mapResources(valueTable, (resource, key) =>
        isTouched(key) ? holding(resource.id, part % 3) : resource,
      );
      const left = [...model].filter(([key]) => !(isTouched(key) && part % 3 === 0));
      same(changed.resources, left.length);
      const touched = [...model.keys()].filter(isTouched).sort();
      const told = [...changedResources(valueTable, changed)].map(([was, is]) => keyOf((was ?? is)!.id)).sort();
      same(told, touched);
      const before = sorted(asMap(changed));
      let other = changed;
      for (const { id, places } of second) other = withResource(other, keyOf(id), holding(id, places));
      same(sorted(asMap(changed)), before);
      const named = new Set(second.map(({ id }) => keyOf(id)));
      for (const [was, is] of changedResources(changed, other)) ok(named.has(keyOf((was ?? is)!.id)));
    }),
    { numRuns: runs },
  ));

test("value table: one store among many shares all but one node in sixteen, on each of four levels", () => {
  let valueTable: ValueTable = emptyValueTable;
  for (let i = 0; i < 4_096; i++) {
    const id = bytesOfBig(BigInt(i) << 116n, 16);
    valueTable = withResource(valueTable, keyOf(id), holding(id, 1));
  }
  const id = bytesOfBig(5n << 116n, 16);
  const after = withResource(valueTable, keyOf(id), holding(id, 2));
  const isOther = (name: string) => was[name] !== is[name];
  let was = valueTable.root;
  let is = after.root;
  for (const digit of keyOf(id).slice(0, 4)) {
    same(Object.keys(is).filter(isOther), [digit]);
    was = was[digit] as typeof was;
    is = is[digit] as typeof is;
  }
});
