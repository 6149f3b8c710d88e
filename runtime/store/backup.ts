/**
 * A store as it was at one moment, taken while its owner writes on; and an empty store filled again.
 *
 *   SQLite:     a reader of the file in one transaction      a new file beside it, renamed when it is whole and on disk
 *   PostgreSQL: one transaction, repeatable read             one transaction, by who has the ownership meanwhile
 */

import { randomBytes } from "node:crypto";
import { existsSync, renameSync, rmSync } from "node:fs";
import { Effect, type Scope } from "effect";
import { type ReadableStore, STORE_ROWS_MAX, StoreFailed } from "../../actors/ports/mod.ts";
import type { BackupRow } from "../../codecs/vipr/mod.ts";
import { flushFolderOf, readBackup, type Written, writeBackup } from "./backup-file.ts";
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

export const backupStore = (place: StorePlace, file: string): Effect.Effect<Written, StoreFailed> =>
  Effect.scoped(place.type === "file" ? backupSqlite(place.file, file) : backupPostgres(place, file));

/** Refuses a store that has rows, or an owner. Nothing is written before the whole backup has been found good. */
export const restoreStore = (place: StorePlace, file: string): Effect.Effect<Written, StoreFailed> =>
  Effect.andThen(
    readBackup(file, () => Effect.void),
    Effect.scoped(place.type === "file" ? restoreSqlite(place.file, file) : restorePostgres(place, file)),
  );

const notEmpty = (where: string) =>
  new StoreFailed({ reason: "notEmpty", why: `${where}: this store is not empty; a backup goes into an empty one` });

/** Every row of these tables, page by page. */
const eachRow =
  (tables: ReadonlyArray<string>, store: ReadableStore) =>
  (use: (rows: ReadonlyArray<BackupRow>) => Effect.Effect<void, StoreFailed>): Effect.Effect<void, StoreFailed> =>
    Effect.forEach(
      tables,
      Effect.fnUntraced(function* (table: string): Effect.fn.Return<void, StoreFailed> {
        let after: Uint8Array | undefined;
        while (true) {
          const rows: ReadonlyArray<Omit<BackupRow, "table">> = yield* store.scan(
            table,
            after === undefined ? {} : { after },
          );
          if (rows.length > 0) yield* use(rows.map((row) => ({ table, ...row })));
          if (rows.length < STORE_ROWS_MAX) return;
          after = rows.at(-1)!.key;
        }
      }),
      { discard: true },
    );

const backupSqlite = Effect.fnUntraced(function* (
  from: string,
  file: string,
): Effect.fn.Return<Written, StoreFailed, Scope.Scope> {
  const db = yield* Effect.acquireRelease(openToRead(from), closing);
  const [tables, names] = yield* Effect.try({
    try: () => {
      db.exec("BEGIN");
      const listed = db.prepare("SELECT name FROM tables ORDER BY name").all();
      return [tablesOf(db), listed.map(({ name }) => String(name))] as const;
    },
    catch: faultOf,
  });
  return yield* writeBackup(
    file,
    eachRow(
      names,
      readsOf(tables, () => false),
    ),
  );
});

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
): Effect.fn.Return<Written, StoreFailed, Scope.Scope> {
  const { schema, shown } = place.address;
  const { together } = yield* openSession(optionsOf(place));
  return yield* together("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ({ query }) =>
    Effect.gen(function* () {
      if ((yield* versionOf(query, schema, shown)) === undefined)
        return yield* new StoreFailed({ reason: "malformed", why: `${shown}: there is no store` });
      const names = (yield* query(`SELECT DISTINCT name FROM ${schema}.rows ORDER BY name`, [])).map(([name]) =>
        String(name),
      );
      return yield* writeBackup(
        file,
        eachRow(
          names,
          postgresReads(schema, query, () => false),
        ),
      );
    }),
  );
});

const restoreSqlite = Effect.fnUntraced(function* (
  to: string,
  file: string,
): Effect.fn.Return<Written, StoreFailed, Scope.Scope> {
  yield* ownStore(to);
  if (existsSync(to) && (yield* Effect.scoped(hasTables(to)))) return yield* notEmpty(to);
  const fresh = `${to}.restoring`;
  const clear = Effect.sync(() => {
    for (const end of ["", "-wal", "-shm", "-lock"]) rmSync(`${fresh}${end}`, { force: true });
  });
  yield* clear;
  yield* Effect.addFinalizer(() => clear);
  const written = yield* Effect.scoped(
    Effect.flatMap(openSqlite({ file: fresh }), (store) =>
      readBackup(file, (rows) => store.write(rows.map((row) => putOf(row)))),
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
  return written;
});

const hasTables = (file: string) =>
  Effect.flatMap(Effect.acquireRelease(openToRead(file), closing), (db) =>
    Effect.try({ try: () => db.prepare("SELECT 1 FROM tables LIMIT 1").get() !== undefined, catch: faultOf }),
  );

const restorePostgres = Effect.fnUntraced(function* (
  place: Postgres,
  file: string,
): Effect.fn.Return<Written, StoreFailed, Scope.Scope> {
  const { schema, shown } = place.address;
  const options = optionsOf(place);
  const session = yield* openSession(options);
  const { owner, batch } = yield* takeOwnership(session, options, undefined);
  return yield* session.together("BEGIN", ({ commit, query }) =>
    Effect.gen(function* () {
      if ((yield* query(`SELECT 1 FROM ${schema}.rows LIMIT 1`, [])).length > 0) return yield* notEmpty(shown);
      let number = batch;
      return yield* readBackup(file, (rows) => Effect.asVoid(commit(++number, owner, rows.map(putOf))));
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
