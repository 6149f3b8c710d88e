/** What a node's storage changes, written to its store. */
import { Effect } from "effect";
import type { NodeEvent, NodeOrder } from "../../machines/node/mod.ts";
import type { StoreShape } from "../ports/mod.ts";

/** The table of a node's stored values, see codecs/reload/stored-rows.ts. */
export const VALUES_TABLE = "values";

/** Writes the rows of one order; the event reports whether they are on disk. */
export const storeValues = (
  store: StoreShape,
  { changes }: NodeOrder & { readonly type: "store" },
): Effect.Effect<NodeEvent> =>
  store.write(changes.map((change) => ({ ...change, table: VALUES_TABLE }))).pipe(
    Effect.as(true),
    Effect.catchTag("StoreFailed", ({ reason, why }) =>
      Effect.as(Effect.logError("reload.store.failed", { reason, why, changes: changes.length }), false),
    ),
    Effect.map((isStored) => ({ type: "stored", isStored })),
  );
