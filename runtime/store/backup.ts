/**
 * A store as it was at one moment, taken while its owner writes on; and an empty store filled again.
 *
 *   SQLite:     a reader of the file in one transaction      a new file beside it, renamed when it is whole and on disk
 *   PostgreSQL: one transaction, repeatable read             one transaction, by who has the ownership meanwhile
 */

import { randomBytes } from "node:crypto";
import { existsSync, renameSync, rmSync, statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { Effect, type Scope } from "effect";
import { type ReadableStore, STORE_ROWS_MAX, StoreFailed } from "../../actors/ports/mod.ts";
import type { BackupRow } from "../../codecs/vipr/mod.ts";
import { type BackupProgress, flushFolderOf, readBackup, type Written, writeBackup } from "./backup-file.ts";
import { faultOf } from "./faults.ts";
import { closing, openToRead, ownStore } from "./file.ts";
import { readsOf as postgresReads } from "./postgres.ts";
import { ANSWER_MS_MAX, openSession, type SessionOptions, takeOwnership, versionOf } from "./postgres-session.ts";
import type { PostgresAddress } from "./postgres-url.ts";
import { readsOf } from "./reads.ts";
import { openSqlite } from "./sqlite.ts";
import { tablesOf } from "./tables.ts";

/** A file of SQLite, or PostgreSQL. */
export type StorePlace =
  | { readonly type: "file"; readonly file: string }
  | { readonly type: "postgres"; readonly address: PostgresAddress; readonly passwordFile: string | undefined };

const untold: BackupProgress = () => {};

export const backupStore = (
  place: StorePlace,
  file: string,
  progress: BackupProgress = untold,
): Effect.Effect<Written, StoreFailed> =>
  Effect.scoped(
    place.type === "file" ? backupSqlite(place.file, file, progress) : backupPostgres(place, file, progress),
  );

/** Refuses a store that has rows, or an owner. Nothing is written before the whole backup has been found good. */
export const restoreStore = (
  place: StorePlace,
  file: string,
  progress: BackupProgress = untold,
): Effect.Effect<Written, StoreFailed> =>
  Effect.gen(function* () {
    const { rows: of } = yield* readBackup(file, (_, readBytes) =>
      Effect.sync(() => progress("checked", readBytes, sizeOf(file))),
    );
    let done = 0;
    const written = (rows: number): void => {
      done += rows;
      progress("written", done, of);
    };
    return yield* Effect.scoped(
      place.type === "file" ? restoreSqlite(place.file, file, written) : restorePostgres(place, file, written),
    );
  });

/** It may go while it is read. */
const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

const notEmpty = (where: string) =>
  new StoreFailed({ reason: "notEmpty", why: `${where}: this store is not empty; a backup goes into an empty one` });

/** Every row of these tables, page by page; the tables with how many rows each has. */
const eachRow =
  (tables: ReadonlyMap<string, number>, store: ReadableStore, progress: BackupProgress) =>
  (use: (rows: ReadonlyArray<BackupRow>) => Effect.Effect<void, StoreFailed>): Effect.Effect<void, StoreFailed> => {
    const of = [...tables.values()].reduce((all, count) => all + count, 0);
    let done = 0;
    return Effect.forEach(
      tables.keys(),
      Effect.fnUntraced(function* (table: string): Effect.fn.Return<void, StoreFailed> {
        let after: Uint8Array | undefined;
        while (true) {
          const rows: ReadonlyArray<Omit<BackupRow, "table">> = yield* store.scan(
            table,
            after === undefined ? {} : { after },
          );
          if (rows.length > 0) yield* use(rows.map((row) => ({ table, ...row })));
          done += rows.length;
          progress("written", done, of);
          if (rows.length < STORE_ROWS_MAX) return;
          after = rows.at(-1)!.key;
        }
      }),
      { discard: true },
    );
  };

const backupSqlite = Effect.fnUntraced(function* (
  from: string,
  file: string,
  progress: BackupProgress,
): Effect.fn.Return<Written, StoreFailed, Scope.Scope> {
  const db = yield* Effect.acquireRelease(openToRead(from), closing);
  const [tables, counts] = yield* Effect.try({
    try: () => {
      db.exec("BEGIN");
      const names = db.prepare("SELECT name FROM tables ORDER BY name").all();
      return [tablesOf(db), new Map(names.map(({ name }) => countIn(db, String(name))))] as const;
    },
    catch: faultOf,
  });
  const store = readsOf(tables, () => false);
  return yield* writeBackup(file, eachRow(counts, store, progress));
});

const countIn = (db: DatabaseSync, name: string): [string, number] => [
  name,
  Number(db.prepare(`SELECT count(*) AS rows FROM t_${name}`).get()?.rows),
];

type Postgres = Extract<StorePlace, { readonly type: "postgres" }>;
const optionsOf = ({ address, passwordFile }: Postgres): SessionOptions => ({
  address,
  passwordFile,
  name: `vipr ${randomBytes(6).toString("hex")}`,
  answerMs: ANSWER_MS_MAX,
});

const backupPostgres = Effect.fnUntraced(function* (
  place: Postgres,
  file: string,
  progress: BackupProgress,
): Effect.fn.Return<Written, StoreFailed, Scope.Scope> {
  const { schema, shown } = place.address;
  const { together } = yield* openSession(optionsOf(place));
  return yield* together("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ({ query }) =>
    Effect.gen(function* () {
      if ((yield* versionOf(query, schema, shown)) === undefined)
        return yield* new StoreFailed({ reason: "malformed", why: `${shown}: there is no store` });
      const counted = yield* query(`SELECT name, count(*) FROM ${schema}.rows GROUP BY name ORDER BY name`, []);
      const counts = new Map(counted.map(([name, rows]) => [String(name), Number(rows)]));
      const store = postgresReads(schema, query, () => false);
      return yield* writeBackup(file, eachRow(counts, store, progress));
    }),
  );
});

const restoreSqlite = Effect.fnUntraced(function* (
  to: string,
  file: string,
  written: (rows: number) => void,
): Effect.fn.Return<Written, StoreFailed, Scope.Scope> {
  yield* ownStore(to);
  if (existsSync(to) && (yield* Effect.scoped(hasTables(to)))) return yield* notEmpty(to);
  const fresh = `${to}.restoring`;
  const clear = Effect.sync(() => {
    for (const end of ["", "-wal", "-shm", "-lock"]) rmSync(`${fresh}${end}`, { force: true });
  });
  yield* clear;
  yield* Effect.addFinalizer(() => clear);
  const restored = yield* Effect.scoped(
    Effect.flatMap(openSqlite({ file: fresh }), (store) =>
      readBackup(file, (rows) =>
        Effect.tap(store.write(rows.map(putOf)), () => Effect.sync(() => written(rows.length))),
      ),
    ),
  );
  // Closed, it is one file, and flushed. The log of the empty one must not be taken for its own.
  yield* Effect.try({
    try: () => {
      for (const end of ["-wal", "-shm"]) rmSync(`${to}${end}`, { force: true });
      renameSync(fresh, to);
      flushFolderOf(to);
    },
    catch: faultOf,
  });
  return restored;
});

const hasTables = (file: string) =>
  Effect.flatMap(Effect.acquireRelease(openToRead(file), closing), (db) =>
    Effect.try({ try: () => db.prepare("SELECT 1 FROM tables LIMIT 1").get() !== undefined, catch: faultOf }),
  );

const restorePostgres = Effect.fnUntraced(function* (
  place: Postgres,
  file: string,
  written: (rows: number) => void,
): Effect.fn.Return<Written, StoreFailed, Scope.Scope> {
  const { schema, shown } = place.address;
  const options = optionsOf(place);
  const session = yield* openSession(options);
  const { owner, batch } = yield* takeOwnership(session, options, undefined);
  return yield* session.together("BEGIN", ({ commit, query }) =>
    Effect.gen(function* () {
      if ((yield* query(`SELECT 1 FROM ${schema}.rows LIMIT 1`, [])).length > 0) return yield* notEmpty(shown);
      let number = batch;
      return yield* readBackup(file, (rows) =>
        Effect.map(commit(++number, owner, rows.map(putOf)), () => written(rows.length)),
      );
    }),
  );
});

const putOf = ({ table, key, value, dueMs }: BackupRow) => ({
  type: "put" as const,
  table,
  key,
  value,
  ...(dueMs === undefined ? {} : { dueMs }),
});
