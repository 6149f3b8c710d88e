/** What a SQLite store is asked, by its owner or, while it has none, by whoever only looks. */
import { Effect, type Scope } from "effect";
import type { ReadableStore, Row, StoreFailed } from "../../actors/ports/mod.ts";
import { faultOf } from "./faults.ts";
import { closing, lookAtStore, openToRead } from "./file.ts";
import { CLOSED } from "./group.ts";
import { boundsOf, rowsOf, tableFault } from "./rules.ts";
import { type Tables, tablesOf } from "./tables.ts";

/**
 * Nothing is written or made but what SQLite itself keeps beside a log, and it is closed with the scope: an owner that
 * starts meanwhile is refused. Fails as `locked` while there is an owner, as `readOnly` where there is no such file.
 */
export const readSqlite = Effect.fn("store.read")(function* (
  file: string,
): Effect.fn.Return<ReadableStore, StoreFailed, Scope.Scope> {
  const db = yield* Effect.acquireRelease(openToRead(file), closing);
  yield* lookAtStore(file);
  return readsOf(yield* Effect.try({ try: () => tablesOf(db), catch: faultOf }), () => false);
});

export const readsOf = (tables: Tables, isClosed: () => boolean): ReadableStore => {
  const guarded = <A>(table: string, give: () => A): Effect.Effect<A, StoreFailed> =>
    Effect.suspend(() => {
      const fault = isClosed() ? CLOSED : tableFault(table);
      return fault === undefined ? Effect.try({ try: give, catch: faultOf }) : Effect.fail(fault);
    });
  return {
    read: (table, key) => guarded(table, () => tables.reading(table)?.get(key)?.value as Uint8Array | undefined),
    scan: (table, of = {}) =>
      guarded(table, () => {
        const { isPast, from, end } = boundsOf(of);
        const found = tables.scanning(table, isPast, end !== undefined);
        const bounds = [from, ...(end === undefined ? [] : [end])];
        return (found?.all(...bounds, rowsOf(of.rowsMax)) ?? []).map(rowOf);
      }),
    due: (table, untilMs, rowsMax) =>
      guarded(table, () => (tables.dueing(table)?.all(untilMs, rowsOf(rowsMax)) ?? []).map(rowOf)),
  };
};

const rowOf = (row: Record<string, unknown>): Row => ({
  key: row.key as Uint8Array,
  value: row.value as Uint8Array,
  dueMs: (row.due as number | null) ?? undefined,
});
