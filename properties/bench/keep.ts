/**
 * What it costs to keep: writes of the store alone and in groups beside bare SQLite with the same durability, the values
 * that a storage acknowledges once they are on disk beside those that it acknowledges without one, and the time to read
 * them back after a restart. Wall-clock time: most of it is the disk's.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { DatabaseSync } from "node:sqlite";
import { Deferred, Effect, Logger, type Scope } from "effect";
import type { StoreFailed, StoreShape } from "../../actors/ports/mod.ts";
import { openSqlite } from "../../runtime/store/sqlite.ts";
import { hostTestStorage } from "../reload/storage-host.ts";
import { type Contest, PeerMissing } from "./kit.ts";

const ALONE = 100;
const GROUPED = 4_000;
const STORES = 1_500;
const READ_BACK = 5_000;
/** Requests under way at once. */
const TOGETHER = 256;
const VALUE_BYTES = 600;

const path = mkdtempSync(join(tmpdir(), "vipr-keep-"));
process.on("exit", () => rmSync(path, { recursive: true, force: true }));
let files = 0;
const newFile = () => join(path, `${files++}.db`);

const run = <A>(work: Effect.Effect<A, StoreFailed, Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.provide(Effect.scoped(work), Logger.layer([])));
/** How many a second, by the wall clock. */
const perSecond = <A, E, R>(count: number, work: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.suspend(() => {
    const from = performance.now();
    return Effect.map(work, () => (1_000 * count) / (performance.now() - from));
  });
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const keyOf = (i: number) => Uint8Array.of(i >> 24, i >> 16, i >> 8, i);
const put = (i: number) => ({
  type: "put" as const,
  table: "bench",
  key: keyOf(i),
  value: new Uint8Array(VALUE_BYTES),
});

const writing = (count: number, concurrency: number) => () =>
  run(
    Effect.flatMap(openSqlite({ file: newFile() }), (store) =>
      perSecond(
        count,
        Effect.forEach(numbers(count), (i) => store.write([put(i)]), { concurrency, discard: true }),
      ),
    ),
  );

/** A table of the bench's own, with the settings of ours. */
const bare = async (): Promise<DatabaseSync> => {
  const sqlite = await import("node:sqlite").catch(() => {
    throw new PeerMissing("this runtime has no node:sqlite");
  });
  const db = new sqlite.DatabaseSync(newFile());
  db.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE bench (key BLOB PRIMARY KEY, value BLOB)");
  return db;
};
const writingBare = (count: number, each: number) => async () => {
  const db = await bare();
  const insert = db.prepare("INSERT OR REPLACE INTO bench VALUES (?, ?)");
  const from = performance.now();
  for (let i = 0; i < count; i += each) {
    db.exec("BEGIN IMMEDIATE");
    for (let j = i; j < i + each; j++) insert.run(keyOf(j), new Uint8Array(VALUE_BYTES));
    db.exec("COMMIT");
  }
  const rate = (1_000 * count) / (performance.now() - from);
  db.close();
  return rate;
};

/** Numbers spread over the ring, as SHA-1 would. */
const placeOf = (i: number): bigint => (BigInt(i) * 0x9e3779b97f4a7c15f39cc0605cedc835n) % (1n << 128n);
/** Gives the storage, which has them all. */
export const storing = (store: StoreShape | undefined, count: number) =>
  Effect.gen(function* () {
    const storage = yield* hostTestStorage(store);
    const { store: ask } = storage;
    const one = Effect.fnUntraced(function* (i: number) {
      const answered = yield* Deferred.make<void>();
      yield* ask({ resource: placeOf(i + 1), storageTime: 1n }, (said) =>
        said === "stored" ? Effect.asVoid(Deferred.succeed(answered, undefined)) : Effect.die(said),
      );
      yield* Deferred.await(answered);
    });
    yield* Effect.forEach(numbers(count), one, { concurrency: TOGETHER, discard: true });
    return storage;
  });

const readBack = async (): Promise<ReadonlyArray<Contest>> => {
  const file = newFile();
  await run(Effect.flatMap(openSqlite({ file }), (store) => storing(store, READ_BACK)));
  const db = await bare();
  const insert = db.prepare("INSERT INTO bench VALUES (?, ?)");
  for (let i = 0; i < READ_BACK; i++) insert.run(keyOf(i), new Uint8Array(VALUE_BYTES));
  const select = db.prepare("SELECT key, value FROM bench ORDER BY key");
  return [
    {
      name: "keep: values read back after a restart",
      unit: "1/s",
      peerName: "SQLite's SELECT alone",
      rounds: 5,
      ours: () => run(perSecond(READ_BACK, Effect.flatMap(openSqlite({ file }), hostTestStorage))),
      peer: () => {
        const from = performance.now();
        if (select.all().length !== READ_BACK) throw new Error("rows are missing");
        return (1_000 * READ_BACK) / (performance.now() - from);
      },
    },
  ];
};

export const contests = async (): Promise<ReadonlyArray<Contest>> => [
  {
    name: "keep: writes of 600 bytes, an fsync each",
    unit: "1/s",
    peerName: "bare SQLite, a commit each",
    ours: writing(ALONE, 1),
    peer: writingBare(ALONE, 1),
  },
  {
    name: "keep: the same by 256 writers at once",
    unit: "1/s",
    peerName: "bare SQLite, a commit each 256",
    ours: writing(GROUPED - (GROUPED % TOGETHER), TOGETHER),
    peer: writingBare(GROUPED - (GROUPED % TOGETHER), TOGETHER),
  },
  {
    name: "keep: values acknowledged once on disk",
    unit: "1/s",
    peerName: "the same without a disk",
    ours: () =>
      run(Effect.flatMap(openSqlite({ file: newFile() }), (store) => perSecond(STORES, storing(store, STORES)))),
    peer: () => run(perSecond(STORES, storing(undefined, STORES))),
  },
  ...(await readBack()),
];
