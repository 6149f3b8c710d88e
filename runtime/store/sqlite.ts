/**
 * The store in one SQLite file, by `node:sqlite`, which Node, Deno and Bun all have.
 *
 *   write --+
 *   write --+--> waiting --> one transaction --> one flush, beside the loop --> each writer is told
 *   write --+
 *
 * A write-ahead log, flushed after every commit (`flush.ts`): what was told as written survives a kill and a loss of power.
 * What is read may be younger than that. The file belongs to one process: a second one is refused when it opens.
 * DECISIONS.md D-061, D-117.
 */
import type { DatabaseSync } from "node:sqlite";
import { Deferred, Effect, Layer, type Scope } from "effect";
import { type Change, STORE_WAITING_MAX, Store, StoreFailed, type StoreShape } from "../../actors/ports/mod.ts";
import { faultOf } from "./faults.ts";
import { closing, isFlushedByUs, openFile, type SqliteOptions } from "./file.ts";
import { openFlusher } from "./flush.ts";
import { CLOSED, readsOf } from "./reads.ts";
import { changesFault } from "./rules.ts";
import { type Tables, tablesOf } from "./tables.ts";

export type { SqliteOptions } from "./file.ts";

interface Waiting {
  readonly changes: ReadonlyArray<Change>;
  readonly told: Deferred.Deferred<void, StoreFailed>;
}

export const sqliteStoreLayer = (options: SqliteOptions): Layer.Layer<Store, StoreFailed> =>
  Layer.effect(Store, openSqlite(options));

/** Open until the scope closes. */
export const openSqlite = Effect.fn("store.sqlite")(function* (
  options: SqliteOptions,
): Effect.fn.Return<StoreShape, StoreFailed, Scope.Scope> {
  const db = yield* Effect.acquireRelease(openFile(options), closing);
  const flusher = yield* openFlusher(options.file);
  const isOurs = isFlushedByUs(db);
  const tables = tablesOf(db);
  let waiting: Array<Waiting> = [];
  /** Writers whose changes are committed and not flushed yet. */
  let unflushed = 0;
  let isFlushing = false;
  let isClosed = false;

  /** All that waits, in one transaction; where that fails, each for itself, so that one bad write spoils no other. */
  const flush = Effect.gen(function* () {
    const batch = waiting;
    waiting = [];
    isFlushing = false;
    if (batch.length === 0) return; // closed meanwhile: they have been told
    const fault = commit(
      db,
      tables,
      batch.flatMap(({ changes }) => changes),
    );
    const written: Array<Waiting> = [];
    for (const one of batch) {
      const own = fault === undefined || batch.length === 1 ? fault : commit(db, tables, one.changes);
      if (own === undefined) written.push(one);
      else yield* Deferred.fail(one.told, own);
    }
    if (written.length === 0) return;
    unflushed += written.length;
    const done = (fault: StoreFailed | undefined) => {
      unflushed -= written.length;
      for (const { told } of written) Deferred.doneUnsafe(told, fault === undefined ? Effect.void : Effect.fail(fault));
    };
    if (isOurs) flusher.flush(done);
    else done(undefined);
  });
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      isClosed = true;
      return Effect.forEach(waiting.splice(0), ({ told }) => Deferred.fail(told, CLOSED));
    }),
  );

  return {
    write: Effect.fnUntraced(function* (changes) {
      const fault = changesFault(changes);
      if (fault !== undefined) return yield* fault;
      if (isClosed) return yield* CLOSED;
      if (waiting.length + unflushed >= STORE_WAITING_MAX)
        return yield* new StoreFailed({ reason: "busy", why: `${STORE_WAITING_MAX} writes wait for the disk` });
      const told = yield* Deferred.make<void, StoreFailed>();
      waiting.push({ changes, told });
      if (!isFlushing) {
        isFlushing = true;
        // Whoever is ready to run may write before this does: their writes share its fsync. In no scope: who writes while
        // its scope closes, before us, is told as well.
        yield* Effect.forkDetach(Effect.andThen(Effect.yieldNow, flush));
      }
      return yield* Deferred.await(told);
    }),
    ...readsOf(tables, () => isClosed),
  };
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
