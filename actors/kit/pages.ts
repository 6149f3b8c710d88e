/** A table of the store read from its first key to its last, page by page. */
import { Effect } from "effect";
import {
  type Change,
  type ReadableStore,
  type Row,
  STORE_ROWS_MAX,
  type StoreFailed,
  type StoreShape,
} from "../ports/mod.ts";

export interface PagesOf {
  /** Keys that begin so; all by default. */
  readonly prefix?: Uint8Array;
  /** Of one page. STORE_ROWS_MAX by default. */
  readonly rowsMax?: number;
  /** Asked before each page; true ends the reading. */
  readonly isEnough?: () => boolean;
}

/** `use` gets one page after another, and may remove what it has got. */
export const eachPage = Effect.fnUntraced(function* <E, R>(
  store: Pick<ReadableStore, "scan">,
  table: string,
  { prefix, rowsMax = STORE_ROWS_MAX, isEnough = () => false }: PagesOf,
  use: (rows: ReadonlyArray<Row>) => Effect.Effect<unknown, E, R>,
): Effect.fn.Return<void, StoreFailed | E, R> {
  const of = prefix === undefined ? { rowsMax } : { prefix, rowsMax };
  let after: Uint8Array | undefined;
  while (!isEnough()) {
    const rows: ReadonlyArray<Row> = yield* store.scan(table, after === undefined ? of : { ...of, after });
    if (rows.length > 0) yield* use(rows);
    if (rows.length < rowsMax) return;
    after = rows.at(-1)!.key;
  }
});

/** All rows at once, for tables that are held in memory anyway. */
export const allRows = (
  store: Pick<ReadableStore, "scan">,
  table: string,
  of: PagesOf = {},
): Effect.Effect<ReadonlyArray<Row>, StoreFailed> =>
  Effect.suspend(() => {
    const found: Array<Row> = [];
    const use = (rows: ReadonlyArray<Row>) => Effect.sync(() => found.push(...rows));
    return Effect.as(eachPage(store, table, of, use), found);
  });

/** Removes the rows that `next` finds, page by page, until it finds less than a page. */
export const removePages = Effect.fnUntraced(function* (
  store: Pick<StoreShape, "write">,
  table: string,
  next: Effect.Effect<ReadonlyArray<Row>, StoreFailed>,
): Effect.fn.Return<void, StoreFailed> {
  while (true) {
    const rows = yield* next;
    if (rows.length > 0) yield* store.write(rows.map(({ key }): Change => ({ type: "remove", table, key })));
    if (rows.length < STORE_ROWS_MAX) return;
  }
});
