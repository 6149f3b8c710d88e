/** Reads from disk what a node stored before it was stopped, before it joins the ring again. */

import { Clock, Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { nodePrefix } from "../../codecs/reload/mod.ts";
import { type Restored, restoredFrom, sharingCertificates } from "../../machines/reload/mod.ts";
import { eachPage } from "../kit/mod.ts";
import type { Change, Row, StoreFailed, StoreShape } from "../ports/mod.ts";
import { VALUES_TABLE } from "./values-disk.ts";

/** Rows that are read, and given to the machine, at once. */
const ROWS_AT_ONCE_MAX = 500;

/** `tell` receives the values page by page. Rows that cannot be read or have expired are removed from disk. */
export const restoreValues = Effect.fn("reload.restore")(function* (
  store: StoreShape,
  self: NodeId,
  tell: (values: ReadonlyArray<Restored>, atMs: number) => Effect.Effect<void>,
): Effect.fn.Return<{ readonly restored: number; readonly dropped: number }, StoreFailed> {
  const prefix = nodePrefix(self);
  const certificates = new Map<string, Uint8Array>();
  let [restored, dropped] = [0, 0];
  const take = Effect.fnUntraced(function* (rows: ReadonlyArray<Row>) {
    const atMs = yield* Clock.currentTimeMillis;
    const removed: Array<Change> = [];
    const values: Array<Restored> = [];
    for (const { key, value } of rows) {
      const item = restoredFrom(key, value, atMs);
      if (item === undefined) removed.push({ type: "remove", table: VALUES_TABLE, key });
      else values.push(sharingCertificates(certificates, item));
    }
    restored += values.filter(({ type }) => type === "entry").length;
    dropped += removed.length;
    if (values.length > 0) yield* tell(values, atMs);
    if (removed.length > 0) yield* store.write(removed);
  });
  yield* eachPage(store, VALUES_TABLE, { prefix, rowsMax: ROWS_AT_ONCE_MAX }, take);
  return { restored, dropped };
});
