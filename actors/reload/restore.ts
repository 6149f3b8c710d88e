/** Reads from disk what a node stored before it was stopped, before it joins the ring again. */

import { Clock, Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { nodePrefix } from "../../codecs/reload/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import { type Restored, restoredFrom, sharingCertificates } from "../../machines/reload/mod.ts";
import { eachPage } from "../kit/mod.ts";
import type { Row, StoreFailed, StoreShape } from "../ports/mod.ts";
import { VALUES_TABLE } from "./values-disk.ts";

/** Rows that are read, and given to the machine, at once. */
const ROWS_AT_ONCE_MAX = 500;

/**
 * `tell` receives whole resources, some hundred rows at once: a generation without its entries would be forgotten. Rows that
 * cannot be read or have expired, and generations that are left without an entry, are removed from disk.
 */
export const restoreValues = Effect.fn("reload.restore")(function* (
  store: StoreShape,
  self: NodeId,
  tell: (values: ReadonlyArray<Restored>, atMs: number) => Effect.Effect<void>,
): Effect.fn.Return<{ readonly restored: number; readonly dropped: number }, StoreFailed> {
  const prefix = nodePrefix(self);
  const certificates = new Map<string, Uint8Array>();
  let [restored, dropped] = [0, 0];
  /** The resource whose rows are being read: they stand together, its generations before their entries. */
  let reading = noRows;
  let values: Array<Restored> = [];
  let removed: Array<Uint8Array> = [];
  const finish = (next: RowsOfResource): void => {
    const entries = reading.values.filter(({ type }) => type === "entry").length;
    if (entries > 0) values.push(...reading.values);
    else removed.push(...reading.generations);
    restored += entries;
    reading = next;
  };
  const read = ({ key, value }: Row, atMs: number): void => {
    const item = restoredFrom(key, value, atMs);
    if (item === undefined) {
      removed.push(key);
      return;
    }
    const name = hexOf(item.resource);
    if (name !== reading.name) finish({ name, values: [], generations: [] });
    reading.values.push(sharingCertificates(certificates, item));
    if (item.type === "generation") reading.generations.push(key);
  };
  const give = Effect.fnUntraced(function* (atMs: number) {
    dropped += removed.length;
    if (values.length > 0) yield* tell(values, atMs);
    if (removed.length > 0) yield* store.write(removed.map((key) => ({ type: "remove", table: VALUES_TABLE, key })));
    [values, removed] = [[], []];
  });
  const take = Effect.fnUntraced(function* (rows: ReadonlyArray<Row>) {
    const atMs = yield* Clock.currentTimeMillis;
    for (const row of rows) read(row, atMs);
    yield* give(atMs);
  });
  yield* eachPage(store, VALUES_TABLE, { prefix, rowsMax: ROWS_AT_ONCE_MAX }, take);
  finish(noRows);
  yield* give(yield* Clock.currentTimeMillis);
  return { restored, dropped };
});

interface RowsOfResource {
  readonly name: string;
  readonly values: Array<Restored>;
  /** The keys of its generations' rows. */
  readonly generations: Array<Uint8Array>;
}
const noRows: RowsOfResource = { name: "", values: [], generations: [] };
