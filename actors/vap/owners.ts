/**
 * The owner of each VService: the user that published it here first, also after a restart, until that user is removed.
 *
 *   publish --> acquire (in memory) --> persist (in the store) --> acknowledged
 *                 |-- another user's -----------------> 481
 *   sweep -----> not published for OWNER_IDLE_MS: it has no owner any more
 *                 +-- no room: one that is not published goes, of a removed user, else the oldest of the user with most
 *
 * A VServiceID is public, since the overlay stores it with each number. Numbers stored and calls uploaded under it before its
 * present owner acquired it do not count for him: see `sinceMs`. DECISIONS.md D-005, D-076, D-213.
 */

import { Clock, Effect } from "effect";
import type { VServiceId } from "../../codecs/shared/mod.ts";
import {
  decodeOwner,
  decodeUse,
  encodeOwner,
  encodeUse,
  ownerKey,
  type ServiceIdentity,
  type StoredOwner,
} from "../../codecs/vap/mod.ts";
import { allRows } from "../kit/mod.ts";
import {
  type Change,
  type ReadableStore,
  type Row,
  type StoreFailed,
  type StoreShape,
  storeRefusal,
} from "../ports/mod.ts";

/** VServices with an owner: of all users, and of one, so that no user takes the room of others by publishing more. */
export const VSERVICES_MAX = 10_000;
/** VServices that one user may own. */
export const VSERVICES_OF_USER_MAX = 1_000;

/** Half a year: an agent that is still in use was there since. */
export const OWNER_IDLE_MS = 180 * 86_400_000;
/** How exactly the store knows when a VService was last published. */
const USED_EVERY_MS = 86_400_000;

const TABLE = "vserviceHolders";
const USED = "vserviceUsed";
/** Acquired, and not in the store yet. */
const NOT_STORED_MS = Number.POSITIVE_INFINITY;

/** Which user owns which VService, also while it is not published. */
export interface Owners {
  /** Whether another user owns it: one with a key, or one whose instances are not withdrawn yet. */
  readonly isOwnedByAnother: (vservice: VServiceId, username: string) => boolean;
  readonly isOwned: (vservice: VServiceId) => boolean;
  /** For a VService that no other user owns. False when there is no room for one more. */
  readonly acquire: (identity: Instance, username: string) => boolean;
  /** Durable when it succeeds. */
  readonly persist: (vservice: VServiceId) => Effect.Effect<void, { readonly why: string }>;
  /** That instance is no longer published. */
  readonly release: (identity: Instance) => void;
  /** It was acquired for a publication that was refused. Has no effect while another instance is published. */
  readonly forget: (vservice: VServiceId) => Effect.Effect<void>;
  /** When its owner acquired it, in milliseconds since 1970; undefined without an owner, or while that is not durable. */
  readonly sinceMs: (vservice: VServiceId) => number | undefined;
  /** Who owns it; undefined: nobody. */
  readonly ownerOf: (vservice: VServiceId) => string | undefined;
  /** Forgets the owners that have published nothing for OWNER_IDLE_MS. To be run when agents have had time to reconnect. */
  readonly sweep: Effect.Effect<void>;
  /**
   * A row that another server of a cluster has written. Of two users that published a VService at two servers in the same
   * moment the earlier one owns it, and in the same millisecond the one whose name comes first.
   */
  readonly follow: (row: Row & { readonly table: string }) => void;
}
type Instance = Pick<ServiceIdentity, "vservice" | "instance">;

interface Owner {
  readonly username: string;
  /** Published now. */
  readonly instances: Set<bigint>;
  sinceMs: number;
  /** When it was last published, as the store has it. */
  usedMs: number;
}

/** Without a store owners last as long as the process. `isUser`: whether that user has a key. */
export const openOwners = Effect.fn("vap.owners")(function* (
  store: StoreShape | undefined,
  isUser: (username: string) => boolean,
): Effect.fn.Return<Owners, StoreFailed> {
  const nowMs = yield* Clock.currentTimeMillis;
  const { owners, unknown } = store === undefined ? nobody() : yield* restoredAt(store, nowMs);
  /** Evicted in memory; the next write removes them from the store too. */
  const evicted = new Set<VServiceId>();

  const isActive = ({ username, instances }: Owner): boolean => instances.size > 0 || isUser(username);

  const countOf = (username: string): number => {
    let count = 0;
    for (const owner of owners.values()) if (owner.username === username) count += 1;
    return count;
  };
  /** The user with most VServices, counting the one that this user is about to get: users with few lose none to it. */
  const userWithMost = (username: string): string => {
    const counts = new Map([[username, countOf(username) + 1]]);
    for (const { username: of } of owners.values()) if (of !== username) counts.set(of, (counts.get(of) ?? 0) + 1);
    return [...counts].reduce((most, one) => (one[1] > most[1] ? one : most))[0];
  };
  const firstOf = (isWanted: (owner: Owner) => boolean): VServiceId | undefined => {
    for (const [vservice, owner] of owners) if (isWanted(owner)) return vservice;
    return undefined;
  };
  const idleOf = (username: string) => firstOf((owner) => owner.username === username && owner.instances.size === 0);

  const makeRoom = (username: string): boolean => {
    const isOwnFull = countOf(username) >= VSERVICES_OF_USER_MAX;
    if (!isOwnFull && owners.size < VSERVICES_MAX) return true;
    const idle = isOwnFull
      ? idleOf(username)
      : (firstOf((owner) => !isActive(owner)) ?? idleOf(userWithMost(username)));
    if (idle === undefined) return false;
    owners.delete(idle);
    evicted.add(idle);
    return true;
  };

  /** They are published now. Written once a day, and not waited for: who is published owns it in any case. */
  const used = Effect.fnUntraced(function* (vservices: ReadonlyArray<VServiceId>, nowMs: number) {
    const late = vservices.filter((vservice) => nowMs - (owners.get(vservice)?.usedMs ?? nowMs) >= USED_EVERY_MS);
    if (late.length === 0) return;
    const written = yield* Effect.exit(store?.write(late.map((vservice) => useOf(vservice, nowMs))) ?? Effect.void);
    if (written._tag === "Failure") return;
    for (const vservice of late) {
      const owner = owners.get(vservice);
      if (owner !== undefined) owner.usedMs = nowMs;
    }
  });

  const persisted = Effect.fnUntraced(function* (vservice: VServiceId) {
    const owner = owners.get(vservice);
    if (owner === undefined) return;
    const sinceMs = yield* Clock.currentTimeMillis;
    if (owner.sinceMs !== NOT_STORED_MS) return yield* used([vservice], sinceMs);
    const gone = [...evicted].filter((other) => other !== vservice);
    const value = encodeOwner({ username: owner.username, sinceMs });
    const put: Change = { type: "put", table: TABLE, key: ownerKey(vservice), value, isShared: true };
    yield* store?.write([...gone.flatMap(removalOf), put, useOf(vservice, sinceMs)]) ?? Effect.void;
    for (const other of [vservice, ...gone]) evicted.delete(other);
    owner.sinceMs = sinceMs;
    owner.usedMs = sinceMs;
  });
  const persist: Owners["persist"] = (vservice) =>
    Effect.mapError(persisted(vservice), ({ reason }) => ({ why: storeRefusal(reason) }));

  const sweep = Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis;
    const published = [...owners].flatMap(([vservice, { instances }]) => (instances.size > 0 ? [vservice] : []));
    yield* used(published, nowMs);
    const firstUses = [...unknown].flatMap((vservice) => {
      const owner = owners.get(vservice);
      return owner === undefined ? [] : [useOf(vservice, owner.usedMs)];
    });
    const idle = [...owners].flatMap(([vservice, { instances, usedMs }]) =>
      instances.size === 0 && nowMs - usedMs >= OWNER_IDLE_MS ? [vservice] : [],
    );
    // In the store first: what it does not let go of has its owner still, and goes at the next sweep.
    const written = yield* Effect.exit(store?.write([...firstUses, ...idle.flatMap(removalOf)]) ?? Effect.void);
    if (written._tag === "Failure") return;
    unknown.clear();
    for (const vservice of idle) if ((owners.get(vservice)?.instances.size ?? 1) === 0) owners.delete(vservice);
    if (idle.length > 0) yield* Effect.logInfo("vap.owners.idle", { forgotten: idle.length });
  });

  return {
    isOwnedByAnother: (vservice, username) => {
      const owner = owners.get(vservice);
      return owner !== undefined && owner.username !== username && isActive(owner);
    },
    isOwned: (vservice) => owners.has(vservice),
    acquire: ({ vservice, instance }, username) => {
      const owner = owners.get(vservice);
      if (owner?.username !== username) {
        owners.delete(vservice); // its user was removed
        if (!makeRoom(username)) return false;
        owners.set(vservice, { username, instances: new Set([instance]), sinceMs: NOT_STORED_MS, usedMs: 0 });
      } else owner.instances.add(instance);
      return true;
    },
    persist,
    release: ({ vservice, instance }) => void owners.get(vservice)?.instances.delete(instance),
    forget: (vservice) =>
      Effect.suspend(() => {
        if ((owners.get(vservice)?.instances.size ?? 0) > 0) return Effect.void;
        owners.delete(vservice);
        return Effect.ignore(store?.write(removalOf(vservice)) ?? Effect.void);
      }),
    sinceMs: (vservice) => {
      const sinceMs = owners.get(vservice)?.sinceMs;
      return sinceMs === NOT_STORED_MS ? undefined : sinceMs;
    },
    ownerOf: (vservice) => owners.get(vservice)?.username,
    sweep,
    follow: followed(owners),
  } satisfies Owners as Owners;
});

const followed =
  (owners: Map<VServiceId, Owner>): Owners["follow"] =>
  ({ table, key, value }) => {
    // Of one that is in use at another server nobody may think that it is idle.
    const use = table === USED ? decodeUse(key, value) : undefined;
    const used = use && owners.get(use[0]);
    if (used !== undefined) used.usedMs = Math.max(used.usedMs, use![1]);
    const found = table === TABLE ? decodeOwner(key, value) : undefined;
    if (found === undefined) return;
    const { vservice, username, sinceMs } = found;
    const own = owners.get(vservice);
    if (own?.username === username) {
      own.sinceMs = Math.min(own.sinceMs, sinceMs);
      return;
    }
    const isEarlier =
      own === undefined || sinceMs < own.sinceMs || (sinceMs === own.sinceMs && username < own.username);
    if (isEarlier) owners.set(vservice, { username, sinceMs, usedMs: sinceMs, instances: new Set() });
  };

interface Restored {
  readonly owners: Map<VServiceId, Owner>;
  /** Whose last use no version of this program has stored: it counts from now, and the first sweep stores that. */
  readonly unknown: Set<VServiceId>;
}
const nobody = (): Restored => ({ owners: new Map(), unknown: new Set() });

const restoredAt = Effect.fnUntraced(function* (
  store: StoreShape,
  nowMs: number,
): Effect.fn.Return<Restored, StoreFailed> {
  const { owners, unknown } = nobody();
  // The clock may have been ahead when they were stored: what is uploaded from now on counts in any case.
  for (const { vservice, username, sinceMs } of yield* storedOwners(store)) {
    owners.set(vservice, { username, sinceMs: Math.min(sinceMs, nowMs), usedMs: nowMs, instances: new Set() });
    unknown.add(vservice);
  }
  for (const [vservice, usedMs] of yield* restoredUses(store)) {
    const owner = owners.get(vservice);
    if (owner === undefined) continue;
    owner.usedMs = Math.min(usedMs, nowMs);
    unknown.delete(vservice);
  }
  return { owners, unknown };
});

const removalOf = (vservice: VServiceId): ReadonlyArray<Change> =>
  [TABLE, USED].map((table) => ({ type: "remove", table, key: ownerKey(vservice) }));
const useOf = (vservice: VServiceId, usedMs: number): Change => ({
  type: "put",
  table: USED,
  key: ownerKey(vservice),
  value: encodeUse(usedMs),
  isShared: true,
});

const restoredUses = (store: StoreShape) =>
  Effect.map(allRows(store, USED), (rows) =>
    rows.flatMap(({ key, value }) => {
      const use = decodeUse(key, value);
      return use === undefined ? [] : [use];
    }),
  );

/** The oldest first. */
export const storedOwners = Effect.fnUntraced(function* (
  store: ReadableStore,
): Effect.fn.Return<Array<StoredOwner>, StoreFailed> {
  const found = (yield* allRows(store, TABLE)).flatMap(({ key, value }) => decodeOwner(key, value) ?? []);
  return found.sort((a, b) => a.sinceMs - b.sinceMs);
});
