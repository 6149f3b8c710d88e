/** The Node-IDs of each user of the enrolment server, in the store. Without a store they are lost at a restart. */
import { Effect, Semaphore } from "effect";
import { decodeEnrolled, encodeEnrolled } from "../../codecs/enrol/mod.ts";
import { utf8 } from "../../codecs/shared/mod.ts";
import { ENROLLED_USERS_MAX, type Enrolled } from "../../machines/enrol/mod.ts";
import { eachPage } from "../kit/mod.ts";
import { type Row, StoreFailed, type StoreShape } from "../ports/mod.ts";

const TABLE = "enrolled";

export interface UserRegistry {
  readonly enrolled: ReadonlyArray<Enrolled>;
  /** Durable when it succeeds. Writes reach the disk in the order of the calls. */
  readonly keep: (one: Enrolled) => Effect.Effect<void, StoreFailed>;
}

export const openUserRegistry = Effect.fn("enrol.users")(function* (
  store: StoreShape | undefined,
): Effect.fn.Return<UserRegistry, StoreFailed> {
  if (store === undefined) return { enrolled: [], keep: () => Effect.void };
  const enrolled: Array<Enrolled> = [];
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const isEnough = () => enrolled.length >= ENROLLED_USERS_MAX;
  const take = Effect.fnUntraced(function* (rows: ReadonlyArray<Row>) {
    for (const { key, value } of rows) {
      const read = decodeEnrolled(value);
      // Without it the user would get other Node-IDs, and could no longer change the values that it has stored.
      if (!read.ok) return yield* new StoreFailed({ reason: "corrupt", why: `a record of ${TABLE} is unreadable` });
      enrolled.push({ user: text.decode(key), nodeIds: read.value.nodeIds });
    }
  });
  yield* eachPage(store, TABLE, { isEnough }, take);
  const inTurn = yield* Semaphore.make(1);
  return {
    enrolled,
    keep: ({ user, nodeIds }) =>
      inTurn.withPermits(1)(
        store.write([{ type: "put", table: TABLE, key: utf8(user), value: encodeEnrolled(nodeIds) }]),
      ),
  };
});
