/** The rows that storage orders to be saved, and what is read back: disk and memory agree, whatever happens. */

import * as assert from "node:assert/strict";
import { Effect } from "effect";
import fc from "fast-check";
import { restoreValues } from "../../actors/reload/restore.ts";
import { VALUES_TABLE } from "../../actors/reload/values-disk.ts";
import {
  encodeEntryRow,
  entryKey,
  generationKey,
  nodeIdFrom,
  nodePrefix,
  readStoredRow,
} from "../../codecs/reload/mod.ts";
import { bytesOfBig, hexOf, vserviceId } from "../../codecs/shared/mod.ts";
import {
  LIFETIME_S_MAX,
  type Restored,
  type RingView,
  resourcesOf,
  restoredFrom,
  rowsOfSave,
  type ValueStorageAction,
  type ValueStorageContext,
  type ValueStorageEvent,
} from "../../machines/reload/mod.ts";
import { memoryStore, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";
import { alone, SELF, storageOf, storing } from "./storage-talk.ts";

type Disk = Map<string, Uint8Array>;
const bytesOf = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

const apply = (disk: Disk, actions: ReadonlyArray<ValueStorageAction>): void => {
  for (const action of actions)
    if (action.type === "save")
      for (const row of rowsOfSave(SELF, action))
        if (row.type === "remove") disk.delete(hexOf(row.key));
        else disk.set(hexOf(row.key), row.value);
};
const readBack = (disk: Disk, atMs: number): ReadonlyArray<Restored> =>
  [...disk].flatMap(([key, value]) => restoredFrom(bytesOf(key), value, atMs) ?? []);

/** The keys of all rows that a disk has to have, and of no other. */
const keysFor = ({ valueTable }: ValueStorageContext): ReadonlyArray<string> =>
  [...resourcesOf(valueTable)]
    .flatMap(([, { id, kinds }]) =>
      Object.entries(kinds).flatMap(([kind, { entries }]) => [
        generationKey(SELF, id, Number(kind)),
        ...Object.keys(entries).map((place) => entryKey(SELF, id, Number(kind), place)),
      ]),
    )
    .map(hexOf)
    .sort();

/** The stored values as text: all that must survive, and nothing else. */
const shown = ({ valueTable }: ValueStorageContext) =>
  [...resourcesOf(valueTable)]
    .map(([key, { kinds }]) => [
      key,
      Object.entries(kinds).map(([kind, { generation, entries }]) => [
        kind,
        generation,
        Object.entries(entries)
          .map(([place, { data, signer, storedMs }]) => [place, data, signer, storedMs] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      ]),
    ])
    .sort(([a], [b]) => (a! < b! ? -1 : 1));

const [A, B, C] = [nodeIdFrom(SELF + 10n), nodeIdFrom(SELF + 20n), nodeIdFrom(SELF - 10n)];
const anyView = fc.constantFrom<RingView>(
  alone,
  { ...alone, predecessors: [C, B, A], successors: [A, B, C], linked: [A, B, C] },
  { ...alone, predecessors: [A, B, C], successors: [C, B, A], linked: [A, B, C] },
);
const anyStore = fc
  .record({
    resource: fc.constantFrom(SELF, SELF - 5n, SELF - 20n, SELF + 15n),
    node: fc.constantFrom(1n, 2n, 3n),
    vservice: fc.constantFrom(0n, 1n).map(vserviceId),
    storageTime: fc.bigInt({ min: 1n, max: 5n }),
    exists: fc.boolean(),
    lifetimeS: fc.integer({ min: 1, max: 40 }),
    replica: fc.nat(1),
  })
  .map(
    ({ replica, ...given }) =>
      (atMs: number): ValueStorageEvent =>
        storing(given, replica === 0 ? { atMs } : { by: C, signer: given.node, replica, generation: 7n, atMs }),
  );
const anyMoment = fc.oneof(
  { weight: 5, arbitrary: anyStore },
  anyView.map(
    (view) =>
      (atMs: number): ValueStorageEvent => ({ type: "ring", view, change: "joined", atMs }),
  ),
  fc.constantFrom("expire" as const, "repair" as const).map(
    (timer) =>
      (atMs: number): ValueStorageEvent => ({ type: "timerFired", timer, atMs }),
  ),
);

test("whatever happens, the disk holds the stored values: entries, signers, times and generations", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyMoment, fc.nat(6_000)), { maxLength: 30 }), (moments) => {
      const storage = storageOf();
      const disk: Disk = new Map();
      let atMs = 0;
      for (const [eventAt, afterMs] of moments) {
        atMs += afterMs;
        apply(disk, storage.tell(eventAt(atMs)));
      }
      // What has had its time is on neither after the next look.
      apply(disk, storage.tell({ type: "timerFired", timer: "expire", atMs }));
      const again = storageOf({}, { ...alone, joined: false });
      again.tell({ type: "restored", values: readBack(disk, atMs), atMs });
      assert.deepEqual(shown(again.context()), shown(storage.context()));
      assert.deepEqual([...disk.keys()].sort(), keysFor(storage.context()), "no row is forgotten on the disk");
      for (const key of disk.keys()) assert.ok(key.startsWith(hexOf(nodePrefix(SELF))));
    }),
    { numRuns: runs },
  );
});

test("an order to save comes before the answer and the copies that rest on it", () => {
  const storage = storageOf({}, { ...alone, predecessors: [C], successors: [A], linked: [A, C] });
  const types = storage
    .tell(storing({ resource: SELF, node: 1n, vservice: vserviceId(0n), storageTime: 1n }))
    .map(({ type }) => type);
  assert.deepEqual(types, ["save", "answer", "copy"]);
  const again = storage
    .tell(storing({ resource: SELF, node: 1n, vservice: vserviceId(0n), storageTime: 1n }))
    .map(({ type }) => type);
  assert.ok(!again.includes("save"), "the same once more changes nothing on disk");
});

test("what the disk did not take is undone: what was there before is there again", () => {
  const storage = storageOf();
  const first = { resource: SELF, node: 1n, vservice: vserviceId(0n), storageTime: 1n };
  storage.tell(storing(first));
  const before = shown(storage.context());
  const tallies = storage.context().primaries;
  const failed = storage
    .tell(storing({ ...first, storageTime: 2n }))
    .flatMap((action) => (action.type === "save" ? [{ id: action.id, resource: action.before }] : []));
  assert.notDeepEqual(shown(storage.context()), before);
  assert.deepEqual(storage.tell({ type: "unsaved", was: failed }), [{ type: "undone" }]);
  assert.deepEqual(shown(storage.context()), before);
  const other = storage.tell(storing({ ...first, resource: SELF - 9n, node: 2n }));
  const gone = other.flatMap((action) => (action.type === "save" ? [{ id: action.id, resource: action.before }] : []));
  storage.tell({ type: "unsaved", was: gone });
  assert.deepEqual(shown(storage.context()), before);
  assert.deepEqual(storage.context().primaries, tallies);
});

const onDisk = (storedMs: number, lifetimeS: number, storageTime = 5n) => {
  const disk: Disk = new Map();
  const given = { resource: SELF, node: 1n, vservice: vserviceId(0n), storageTime, lifetimeS };
  apply(disk, storageOf().tell(storing(given, { atMs: storedMs })));
  return disk;
};

test("a lifetime goes on while the process is down, and no clock that was set back makes it longer", () => {
  assert.equal(readBack(onDisk(1_000, 60), 60_999).filter(({ type }) => type === "entry").length, 1);
  assert.equal(readBack(onDisk(1_000, 60), 61_000).filter(({ type }) => type === "entry").length, 0);
  const storage = storageOf();
  storage.tell({ type: "restored", values: readBack(onDisk(100_000, 60), 40_000), atMs: 40_000 });
  assert.equal(storage.fetch(SELF, 99_000).length, 1);
  assert.equal(storage.fetch(SELF, 100_000).length, 0);
});

/** 846 rows, which are read 500 at once: the 500th is a generation, whose entries come with the next. */
const RESOURCES = 282;
const ENTRIES_MAX = 3;
const RESTARTS = 5;
const downForMs = fc.integer({ min: 1_000, max: 120_000 });
test("after a restart the disk has the rows of what is stored: what ended meanwhile is gone, with its generation; what did not has its own", () =>
  fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.integer({ min: 1, max: 100 })), downForMs, async (lifetimesS, downMs) => {
      const [storage, disk] = [storageOf({ quota: 10_000, storesPerSecond: 10_000 }), new Map<string, Uint8Array>()];
      for (let i = 0; i < RESOURCES; i++)
        for (let node = 1n; node <= 1n + BigInt(i % ENTRIES_MAX); node++) {
          const given = { resource: SELF - BigInt(i), node, vservice: vserviceId(0n), storageTime: 1n };
          apply(disk, storage.tell(storing({ ...given, lifetimeS: lifetimesS.next().value! })));
        }
      const store = memoryStore();
      const put = [...disk].map(
        ([key, value]) => ({ type: "put", table: VALUES_TABLE, key: bytesOf(key), value }) as const,
      );
      const again = storageOf({}, { ...alone, joined: false });
      const tell = (values: ReadonlyArray<Restored>, atMs: number) =>
        Effect.sync(() => void again.tell({ type: "restored", values, atMs }));
      const rows = await runVirtual(
        Effect.gen(function* () {
          yield* store.write(put);
          yield* restoreValues(store, SELF, tell);
          return yield* store.scan(VALUES_TABLE, { rowsMax: 10_000 });
        }),
        downMs,
      );
      storage.tell({ type: "timerFired", timer: "expire", atMs: downMs });
      assert.deepEqual(shown(again.context()), shown(storage.context()));
      assert.deepEqual(rows.map(({ key }) => hexOf(key)).sort(), keysFor(storage.context()));
    }),
    { numRuns: RESTARTS },
  ));

test("a row of an unknown version, or a damaged one, is ignored", () => {
  for (const [key, value] of onDisk(0, 60)) {
    const newer = value.with(0, 2);
    assert.equal(restoredFrom(bytesOf(key), newer, 1), undefined);
    assert.equal(restoredFrom(bytesOf(key), value.slice(0, -1), 1), undefined);
    assert.equal(restoredFrom(bytesOf(key), new Uint8Array(), 1), undefined);
    assert.notEqual(restoredFrom(bytesOf(key), value, 1), undefined);
    const row = readStoredRow(bytesOf(key), value);
    if (row.type === "entry" && row.entry.ok) assert.deepEqual(encodeEntryRow(row.entry.value), value);
  }
});

// RFC 6940 §10.7.3
test("values from disk go to the responsible node once, and are removed only when it confirms that it has them", () => {
  const view: RingView = {
    ...alone,
    predecessors: [C, nodeIdFrom(C - 10n), nodeIdFrom(C - 20n), nodeIdFrom(C - 30n)],
    successors: [A, B],
    linked: [A, B, C],
  };
  const disk: Disk = new Map();
  const theirs = { resource: C - 25n, node: 1n, vservice: vserviceId(0n), storageTime: 1n }; // four peers back: not ours at all
  const replica = { ...theirs, resource: C - 5n }; // C's, a replica of it belongs here
  const before = storageOf({}, alone);
  for (const given of [theirs, replica]) apply(disk, before.tell(storing(given)));
  const storage = storageOf({}, { ...alone, joined: false });
  storage.tell({ type: "restored", values: readBack(disk, 10), atMs: 10 });
  const copies = storage
    .tell({ type: "ring", view, change: "joined", atMs: 20 })
    .flatMap((action) => (action.type === "copy" ? [action] : []));
  assert.deepEqual(
    copies.map(({ to, body }) => [to, hexOf(body.resource)]).sort(),
    [
      [undefined, hexOf(bytesOfBig(theirs.resource, 16))],
      [C, hexOf(bytesOfBig(replica.resource, 16))],
    ].sort(),
  );
  const expire = (atMs: number) => apply(disk, storage.tell({ type: "timerFired", timer: "expire", atMs }));
  expire(30);
  assert.equal([...resourcesOf(storage.context().valueTable)].length, 2, "nobody has said that it has them");
  for (const { to, versions } of copies)
    apply(disk, storage.tell({ type: "copied", to, versions, outcome: "stored", atMs: 40 }));
  expire(50);
  assert.deepEqual(
    [...resourcesOf(storage.context().valueTable)].map(([key]) => key),
    [hexOf(bytesOfBig(replica.resource, 16))],
  );
  assert.equal(readBack(disk, 60).filter(({ type }) => type === "entry").length, 1);
});

test("no entry outlives its signed storage time by more than 30 days, whatever lifetime is claimed", () => {
  const dayMs = 86_400_000;
  const storage = storageOf();
  const old = {
    resource: SELF,
    node: 1n,
    vservice: vserviceId(0n),
    storageTime: BigInt(dayMs),
    lifetimeS: 400 * 86_400,
  };
  storage.tell(storing(old, { atMs: 20 * dayMs, by: A, signer: 1n, replica: 1 }));
  const lastMs = dayMs + LIFETIME_S_MAX * 1_000;
  storage.tell(storing(old, { atMs: 20 * dayMs }));
  assert.equal(storage.fetch(SELF, lastMs - 1_000).length, 1);
  assert.equal(storage.fetch(SELF, lastMs).length, 0);
});
