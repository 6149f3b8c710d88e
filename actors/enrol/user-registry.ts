/** The Node-IDs of each user of the enrolment server, in the store. Without a store they are lost at a restart. */
import { Effect, Semaphore } from "effect";
import { decodeEnrolled, encodeEnrolled } from "../../codecs/enrol/mod.ts";
import { bigOf, bytesOfBig, utf8 } from "../../codecs/shared/mod.ts";
import { ENROLLED_USERS_MAX, type Enrolled } from "../../machines/enrol/mod.ts";
import { eachPage } from "../kit/mod.ts";
import { type Row, StoreFailed, type StoreShape } from "../ports/mod.ts";

const TABLE = "enrolled";
/** When each user was last given a certificate, milliseconds since 1970 in eight bytes. */
const ISSUED = "issued";
const TIME_BYTES = 8;

export interface UserRegistry {
  readonly enrolled: ReadonlyArray<Enrolled>;
  /** Durable when it succeeds. Writes reach the disk in the order of the calls. */
  readonly keep: (one: Enrolled) => Effect.Effect<void, StoreFailed>;
  /** When this user was given a certificate before, and from now on `atMs`. Without a store, since the start. */
  readonly issued: (user: string, atMs: number) => Effect.Effect<number | undefined>;
}

export const openUserRegistry = Effect.fn("enrol.users")(function* (
  store: StoreShape | undefined,
): Effect.fn.Return<UserRegistry, StoreFailed> {
  const issued = openIssued(store);
  if (store === undefined) return { enrolled: [], keep: () => Effect.void, issued };
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
    issued,
  };
});

/** A time that cannot be read or kept costs a warning to come, and no enrolment. */
const openIssued = (store: StoreShape | undefined): UserRegistry["issued"] => {
  const seen = new Map<string, number>();
  return Effect.fnUntraced(function* (user, atMs) {
    const key = utf8(user);
    const stored = seen.has(user) || store === undefined ? undefined : yield* Effect.option(store.read(ISSUED, key));
    const value = stored?._tag === "Some" ? stored.value : undefined;
    const before = seen.get(user) ?? (value === undefined ? undefined : Number(bigOf(value)));
    if (seen.size < ENROLLED_USERS_MAX || seen.has(user)) seen.set(user, atMs);
    const put = { type: "put", table: ISSUED, key, value: bytesOfBig(BigInt(atMs), TIME_BYTES) } as const;
    if (store !== undefined) yield* Effect.ignore(store.write([put]));
    return before;
  });
};
