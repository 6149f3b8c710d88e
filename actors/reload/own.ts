/**
 * What this node has stored in the overlay itself: how much, until when, and at what storage time. With a store it is
 * known again after a restart, and storage times go on from where they were.
 */

import { Clock, Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { decodeOwnEntry, encodeOwnEntry, nodePrefix, type OwnEntry, ownKey } from "../../codecs/reload/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import { allRows } from "../kit/mod.ts";
import type { Change, StoreFailed, StoreShape } from "../ports/mod.ts";

const OWN_TABLE = "own";

export type OwnName = Pick<OwnEntry, "kind" | "resource" | "place">;

export interface Own {
  /**
   * A storage time for this entry, later than any before: "greater than that of any values which would be replaced", RFC
   * 6940 §7.4.1.1, whatever the clock does. It is on disk before it is given.
   */
  readonly begin: (name: OwnName, lifetimeS: number, exists: boolean) => Effect.Effect<bigint, StoreFailed>;
  /** The overlay has taken it, or has refused it. */
  readonly settle: (name: OwnName, isStored: boolean) => Effect.Effect<void>;
  /** Entries in the overlay whose time is not over. */
  readonly used: Effect.Effect<number>;
  /** When an entry ends, in milliseconds since 1970; undefined when it is not in the overlay. */
  readonly endOf: (name: OwnName) => number | undefined;
}

export const openOwn = Effect.fn("reload.own")(function* (
  self: NodeId,
  store: StoreShape | undefined,
): Effect.fn.Return<Own, StoreFailed> {
  /** By resource, Kind and place. No longer than the quota is, as all else is refused. */
  const entries = new Map<string, OwnEntry>();
  const begun = new Map<string, OwnEntry>();
  let lastTime = 0n;
  const keyOf = (name: OwnName) => hexOf(ownKey(self, name));
  const write = (change: Change) => (store === undefined ? Effect.void : store.write([change]));
  const put = (entry: OwnEntry) =>
    write({ type: "put", table: OWN_TABLE, key: ownKey(self, entry), value: encodeOwnEntry(entry) });
  if (store !== undefined)
    for (const entry of yield* restoreOwn(store, self)) {
      entries.set(keyOf(entry), entry);
      if (entry.storageTime > lastTime) lastTime = entry.storageTime;
    }

  const used = Effect.map(Clock.currentTimeMillis, (nowMs) => {
    let count = 0;
    for (const [key, { endMs, exists }] of entries)
      if (endMs <= nowMs) entries.delete(key);
      else if (exists) count++;
    return count;
  });

  return {
    begin: Effect.fnUntraced(function* (name, lifetimeS, exists) {
      const nowMs = yield* Clock.currentTimeMillis;
      lastTime = BigInt(nowMs) > lastTime ? BigInt(nowMs) : lastTime + 1n;
      const entry = { ...name, storageTime: lastTime, endMs: BigInt(nowMs + lifetimeS * 1_000), exists };
      begun.set(keyOf(name), entry);
      yield* put(entry);
      return entry.storageTime;
    }),
    settle: (name, isStored) =>
      Effect.suspend(() => {
        const key = keyOf(name);
        const [before, entry] = [entries.get(key), begun.get(key)];
        if (entry === undefined) return Effect.void;
        begun.delete(key);
        if (isStored) entries.set(key, entry);
        if (isStored) return Effect.void;
        // Its time stays used; what it was to replace is there still.
        const left = { ...entry, endMs: before?.endMs ?? 0n, exists: before?.exists ?? false };
        return Effect.ignore(put(left));
      }),
    used,
    endOf: (name) => {
      const entry = entries.get(keyOf(name));
      return entry?.exists === true ? Number(entry.endMs) : undefined;
    },
  };
});

/** Rows whose time is over are taken off the disk, but for the latest: storage times go on after it. */
const restoreOwn = Effect.fnUntraced(function* (store: StoreShape, self: NodeId) {
  const nowMs = BigInt(yield* Clock.currentTimeMillis);
  const found: Array<OwnEntry> = [];
  const ended: Array<OwnEntry> = [];
  for (const { value } of yield* allRows(store, OWN_TABLE, { prefix: nodePrefix(self) })) {
    const entry = decodeOwnEntry(value);
    if (entry.ok) (entry.value.endMs > nowMs ? found : ended).push(entry.value);
  }
  const latest = [...found, ...ended].reduce((last, { storageTime }) => (storageTime > last ? storageTime : last), 0n);
  const gone = ended.filter(({ storageTime }) => storageTime < latest);
  for (let i = 0; i < gone.length; i += 1_000)
    yield* store.write(
      gone
        .slice(i, i + 1_000)
        .map((entry) => ({ type: "remove", table: OWN_TABLE, key: ownKey(self, entry) }) as const),
    );
  return [...found, ...ended.filter(({ storageTime }) => storageTime === latest)];
});
