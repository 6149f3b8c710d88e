/** What a node kept before it ended, read from disk before it takes its place in the ring again. */

import { Clock, Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { nodePrefix } from "../../codecs/reload/mod.ts";
import { type Restored, restoredFrom, sharingCertificates } from "../../machines/reload/mod.ts";
import { eachPage } from "../kit/mod.ts";
import type { Change, Row, StoreFailed, StoreShape } from "../ports/mod.ts";
import { VALUES_TABLE } from "./durable.ts";

/** Rows read, told and looked at together. */
const ROWS_AT_ONCE_MAX = 500;

/** `tell` gets it piece by piece. What cannot be read, or has had its time, is taken off the disk. */
export const restoreValues = Effect.fn("reload.restore")(function* (
  store: StoreShape,
  self: NodeId,
  tell: (kept: ReadonlyArray<Restored>, atMs: number) => Effect.Effect<void>,
): Effect.fn.Return<{ readonly restored: number; readonly dropped: number }, StoreFailed> {
  const prefix = nodePrefix(self);
  const certificates = new Map<string, Uint8Array>();
  let [restored, dropped] = [0, 0];
  const take = Effect.fnUntraced(function* (rows: ReadonlyArray<Row>) {
    const atMs = yield* Clock.currentTimeMillis;
    const gone: Array<Change> = [];
    const kept: Array<Restored> = [];
    for (const { key, value } of rows) {
      const item = restoredFrom(key, value, atMs);
      if (item === undefined) gone.push({ type: "remove", table: VALUES_TABLE, key });
      else kept.push(sharingCertificates(certificates, item));
    }
    restored += kept.filter(({ type }) => type === "entry").length;
    dropped += gone.length;
    if (kept.length > 0) yield* tell(kept, atMs);
    if (gone.length > 0) yield* store.write(gone);
  });
  yield* eachPage(store, VALUES_TABLE, { prefix, rowsMax: ROWS_AT_ONCE_MAX }, take);
  return { restored, dropped };
});
