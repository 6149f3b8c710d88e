/**
 * The store in one SQLite file, by `node:sqlite`, which Node, Deno and Bun all have.
 *
 *   writes --> group.ts --> one transaction --> one flush, beside the loop --> each writer is told
 *
 * A write-ahead log, flushed after every commit (`flush.ts`): what was told as written survives a kill and a loss of power.
 * What is read may be younger than that. The file belongs to one process: a second one is refused when it opens, but a
 * backup reads beside it (backup.ts).
 * DECISIONS.md D-061, D-117.
 */
import type { DatabaseSync } from "node:sqlite";
import { Effect, Layer, type Scope } from "effect";
import { type Change, Store, type StoreFailed, type StoreShape } from "../../actors/ports/mod.ts";
import { faultOf } from "./faults.ts";
import { closing, isFlushedByUs, openFile, ownStore, type SqliteOptions } from "./file.ts";
import { openFlusher } from "./flush.ts";
import { groupWrites } from "./group.ts";
import { readsOf } from "./reads.ts";
import { type Tables, tablesOf } from "./tables.ts";

export type { SqliteOptions } from "./file.ts";

/**
 * A store in one SQLite file, for one process at a time. Fails with StoreFailed: `locked` where another process has it
 * open, or what SQLite says of the file.
 */
export const sqliteStoreLayer = (options: SqliteOptions): Layer.Layer<Store, StoreFailed> =>
  Layer.effect(Store, openSqlite(options));

/** Open until the scope closes. */
export const openSqlite = Effect.fn("store.sqlite")(function* (
  options: SqliteOptions,
): Effect.fn.Return<StoreShape, StoreFailed, Scope.Scope> {
  yield* ownStore(options.file);
  const db = yield* Effect.acquireRelease(openFile(options), closing);
  const flusher = yield* openFlusher(options.file);
  const isOurs = isFlushedByUs(db);
  const tables = tablesOf(db);
  const { isClosed, write } = yield* groupWrites({
    commit: (changes) =>
      Effect.suspend(() => {
        const fault = commit(db, tables, changes);
        return fault === undefined ? Effect.void : Effect.fail(fault);
      }),
    flush: isOurs
      ? Effect.callback((resume) =>
          flusher.flush((fault) => resume(fault === undefined ? Effect.void : Effect.fail(fault))),
        )
      : Effect.void,
  });
  return { write, ...readsOf(tables, isClosed) };
});

/** Undefined when it is done. */
const commit = (db: DatabaseSync, tables: Tables, changes: ReadonlyArray<Change>): StoreFailed | undefined => {
  try {
    db.exec("BEGIN IMMEDIATE");
    for (const change of changes)
      if (change.type === "remove") tables.removing(change.table)?.run(change.key);
      else tables.putting(change.table).run(change.key, change.value, change.dueMs ?? null);
    db.exec("COMMIT");
    return undefined;
  } catch (cause) {
    const fault = faultOf(cause);
    try {
      db.exec("ROLLBACK");
    } catch {
      // It never began, or is gone already.
    }
    tables.forget();
    return fault;
  }
};
