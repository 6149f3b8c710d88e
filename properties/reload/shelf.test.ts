/** The shelf is a map by Resource-ID that nobody changes in place, whatever is put on it and taken off. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { bytesOfBig } from "../../codecs/shared/mod.ts";
import type { Kept, Resource } from "../../machines/reload/keeper-types.ts";
import {
  changedResources,
  emptyShelf,
  keyOf,
  mapShelf,
  resourceAtKey,
  resourcesOf,
  type Shelf,
  withResource,
} from "../../machines/reload/shelf.ts";
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
      entries: Object.fromEntries(Array.from({ length: places }, (_, i) => [String(i), {} as Kept])),
    },
  },
});
const puts = fc.array(fc.record({ id: anId, places: fc.integer({ min: 0, max: 2 }) }), { maxLength: 60 });

const modelOf = (list: ReadonlyArray<{ readonly id: Uint8Array; readonly places: number }>) => {
  let shelf: Shelf = emptyShelf;
  const model = new Map<string, Resource>();
  for (const { id, places } of list) {
    const resource = holding(id, places);
    shelf = withResource(shelf, keyOf(id), resource);
    if (places === 0) model.delete(keyOf(id));
    else model.set(keyOf(id), resource);
  }
  return { shelf, model };
};
const asMap = (shelf: Shelf) => new Map(resourcesOf(shelf));
const sorted = <V>(map: ReadonlyMap<string, V>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

test("shelf: it holds what was put on it last, counts it, and finds it by its key", () =>
  fc.assert(
    fc.property(puts, (list) => {
      const { shelf, model } = modelOf(list);
      same(sorted(asMap(shelf)), sorted(model));
      same(shelf.resources, model.size);
      for (const { id } of list) ok(resourceAtKey(shelf, keyOf(id)) === model.get(keyOf(id)));
    }),
    { numRuns: runs },
  ));

test("shelf: the same shelf where nothing changes; else what changed, and only that, is told apart from before", () =>
  fc.assert(
    fc.property(puts, puts, fc.integer({ min: 1, max: 5 }), (first, second, part) => {
      const { shelf, model } = modelOf(first);
      ok(mapShelf(shelf, (resource) => resource) === shelf);
      const isTouched = (key: string) => BigInt(`0x${key}`) % BigInt(part + 1) === 0n;
      const changed = mapShelf(shelf, (resource, key) => (isTouched(key) ? holding(resource.id, part % 3) : resource));
      const left = [...model].filter(([key]) => !(isTouched(key) && part % 3 === 0));
      same(changed.resources, left.length);
      const touched = [...model.keys()].filter(isTouched).sort();
      const told = [...changedResources(shelf, changed)].map(([was, is]) => keyOf((was ?? is)!.id)).sort();
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

test("shelf: one store among many leaves all but one drawer in sixteen as it was, four times over", () => {
  let shelf: Shelf = emptyShelf;
  for (let i = 0; i < 4_096; i++) {
    const id = bytesOfBig(BigInt(i) << 116n, 16);
    shelf = withResource(shelf, keyOf(id), holding(id, 1));
  }
  const id = bytesOfBig(5n << 116n, 16);
  const after = withResource(shelf, keyOf(id), holding(id, 2));
  const isOther = (name: string) => was[name] !== is[name];
  let was = shelf.root;
  let is = after.root;
  for (const digit of keyOf(id).slice(0, 4)) {
    same(Object.keys(is).filter(isOther), [digit]);
    was = was[digit] as typeof was;
    is = is[digit] as typeof is;
  }
});
