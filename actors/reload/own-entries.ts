/**
 * The values that this node has stored in the overlay for itself: how many, until when, and with which storage time. With a
 * store they are remembered over a restart, and storage times continue to rise.
 * Requirements: RFC 6940 §7, §13.5.3.
 */

import { Clock, Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { decodeOwnEntry, encodeOwnEntry, nodePrefix, type OwnEntry, ownKey } from "../../codecs/reload/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import { allRows } from "../kit/mod.ts";
import type { Change, StoreFailed, StoreShape } from "../ports/mod.ts";
import { HeldEntries } from "./held-entries.ts";

const OWN_TABLE = "own";

export type OwnEntryName = Pick<OwnEntry, "kind" | "resource" | "place">;

/** Of a value in the overlay, in milliseconds since 1970: when it was last stored, by its storage time, and when it ends. */
export interface StoredLife {
  readonly fromMs: number;
  readonly endMs: number;
}

export interface OwnEntries {
  /**
   * A storage time for this entry, later than any before: "greater than that of any values which would be replaced", RFC
   * 6940 §7.4.1.1, whatever the clock does. It is on disk before it is given.
   */
  readonly begin: (name: OwnEntryName, lifetimeS: number, exists: boolean) => Effect.Effect<bigint, StoreFailed>;
  /** The overlay has stored it, or has refused it. */
  readonly settle: (name: OwnEntryName, isStored: boolean) => Effect.Effect<void>;
  /** Entries in the overlay whose lifetime has not ended. */
  readonly used: Effect.Effect<number>;
  /** Undefined when it is not in the overlay. */
  readonly lifeOf: (name: OwnEntryName) => StoredLife | undefined;
}

export const openOwnEntries = Effect.fn("reload.ownEntries")(function* (
  self: NodeId,
  store: StoreShape | undefined,
): Effect.fn.Return<OwnEntries, StoreFailed> {
  /** By resource, Kind and place. Bounded by the quota, as the overlay refuses more. */
  const entries = new HeldEntries();
  const begun = new Map<string, OwnEntry>();
  let lastTime = 0n;
  const keyOf = (name: OwnEntryName) => hexOf(ownKey(self, name));
  const write = (change: Change) => (store === undefined ? Effect.void : store.write([change]));
  const put = (entry: OwnEntry) =>
    write({ type: "put", table: OWN_TABLE, key: ownKey(self, entry), value: encodeOwnEntry(entry) });
  if (store !== undefined)
    for (const entry of yield* restoreOwn(store, self)) {
      entries.set(keyOf(entry), entry);
      if (entry.storageTime > lastTime) lastTime = entry.storageTime;
    }

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
        // Its storage time stays used up; the value it was to replace is still stored.
        const left = { ...entry, endMs: before?.endMs ?? 0n, exists: before?.exists ?? false };
        return Effect.ignore(put(left));
      }),
    used: Effect.map(Clock.currentTimeMillis, (nowMs) => entries.used(nowMs)),
    lifeOf: (name) => {
      const entry = entries.get(keyOf(name));
      return entry?.exists === true ? { fromMs: Number(entry.storageTime), endMs: Number(entry.endMs) } : undefined;
    },
  };
});

/** Expired rows are removed from disk, except the one with the latest storage time: later ones must exceed it. */
const restoreOwn = Effect.fnUntraced(function* (store: StoreShape, self: NodeId) {
  const nowMs = BigInt(yield* Clock.currentTimeMillis);
  const current: Array<OwnEntry> = [];
  const ended: Array<OwnEntry> = [];
  for (const { value } of yield* allRows(store, OWN_TABLE, { prefix: nodePrefix(self) })) {
    const entry = decodeOwnEntry(value);
    if (entry.ok) (entry.value.endMs > nowMs ? current : ended).push(entry.value);
  }
  const latest = [...current, ...ended].reduce(
    (last, { storageTime }) => (storageTime > last ? storageTime : last),
    0n,
  );
  const outdated = ended.filter(({ storageTime }) => storageTime < latest);
  for (let i = 0; i < outdated.length; i += 1_000)
    yield* store.write(
      outdated
        .slice(i, i + 1_000)
        .map((entry) => ({ type: "remove", table: OWN_TABLE, key: ownKey(self, entry) }) as const),
    );
  return [...current, ...ended.filter(({ storageTime }) => storageTime === latest)];
});
