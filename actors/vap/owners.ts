/**
 * The owner of each VService: the user that published it here first, also after a restart, until that user is removed.
 *
 *   publish --> acquire (in memory) --> persist (in the store) --> acknowledged
 *                 |-- another user's -----------------> 481
 *                 +-- no room: one that is not published goes, of a removed user, else the oldest of the user with most
 *
 * A VServiceID is public, since the overlay stores it with each number. Numbers stored and calls uploaded under it before its
 * present owner acquired it do not count for him: see `sinceMs`. DECISIONS.md D-005, D-076.
 */

import { Clock, Effect } from "effect";
import type { VServiceId } from "../../codecs/shared/mod.ts";
import { decodeOwner, encodeOwner, ownerKey, type ServiceIdentity, type StoredOwner } from "../../codecs/vap/mod.ts";
import { allRows } from "../kit/mod.ts";
import type { Change, StoreFailed, StoreShape } from "../ports/mod.ts";

/** VServices with an owner: of all users, and of one, so that no user takes the room of others by publishing more. */
export const VSERVICES_MAX = 10_000;
export const VSERVICES_OF_USER_MAX = 1_000;

const TABLE = "vserviceHolders";
/** Acquired, and not in the store yet. */
const NOT_STORED_MS = Number.POSITIVE_INFINITY;

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
}
type Instance = Pick<ServiceIdentity, "vservice" | "instance">;

interface Owner {
  readonly username: string;
  /** Published now. */
  readonly instances: Set<bigint>;
  sinceMs: number;
}

/** Without a store owners last as long as the process. `isUser`: whether that user has a key. */
export const openOwners = Effect.fn("vap.owners")(function* (
  store: StoreShape | undefined,
  isUser: (username: string) => boolean,
): Effect.fn.Return<Owners, StoreFailed> {
  const owners = new Map<VServiceId, Owner>();
  const nowMs = yield* Clock.currentTimeMillis;
  // The clock may have been ahead when they were stored: what is uploaded from now on counts in any case.
  for (const { vservice, username, sinceMs } of store === undefined ? [] : yield* restored(store))
    owners.set(vservice, { username, sinceMs: Math.min(sinceMs, nowMs), instances: new Set() });
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

  const persist: Owners["persist"] = Effect.fnUntraced(function* (vservice) {
    const owner = owners.get(vservice);
    if (owner === undefined || owner.sinceMs !== NOT_STORED_MS) return;
    const sinceMs = yield* Clock.currentTimeMillis;
    const gone = [...evicted].filter((other) => other !== vservice);
    const value = encodeOwner({ username: owner.username, sinceMs });
    const put: Change = { type: "put", table: TABLE, key: ownerKey(vservice), value };
    yield* store?.write([...gone.map(removalOf), put]) ?? Effect.void;
    for (const other of [vservice, ...gone]) evicted.delete(other);
    owner.sinceMs = sinceMs;
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
        owners.set(vservice, { username, instances: new Set([instance]), sinceMs: NOT_STORED_MS });
      } else owner.instances.add(instance);
      return true;
    },
    persist,
    release: ({ vservice, instance }) => void owners.get(vservice)?.instances.delete(instance),
    forget: (vservice) =>
      Effect.suspend(() => {
        if ((owners.get(vservice)?.instances.size ?? 0) > 0) return Effect.void;
        owners.delete(vservice);
        return Effect.ignore(store?.write([removalOf(vservice)]) ?? Effect.void);
      }),
    sinceMs: (vservice) => {
      const sinceMs = owners.get(vservice)?.sinceMs;
      return sinceMs === NOT_STORED_MS ? undefined : sinceMs;
    },
  } satisfies Owners as Owners;
});

const removalOf = (vservice: VServiceId): Change => ({ type: "remove", table: TABLE, key: ownerKey(vservice) });

/** The oldest first. */
const restored = Effect.fnUntraced(function* (store: StoreShape): Effect.fn.Return<Array<StoredOwner>, StoreFailed> {
  const found = (yield* allRows(store, TABLE)).flatMap(({ key, value }) => decodeOwner(key, value) ?? []);
  return found.sort((a, b) => a.sinceMs - b.sinceMs);
});
