/**
 * Whose a VService is: the user's who first published it here, also after a restart, until that user is removed.
 *
 *   publish --> hold (at once) --> keep (on disk) --> acknowledged
 *                 |-- another's -----------------> 481
 *                 +-- no room: an idle one goes, nobody's, else the longest known of the user who has most
 *
 * A VService's id is public, it lies in the overlay with each number. Numbers stored and received calls uploaded under it
 * before its user had it are not his: see `sinceMs`. DECISIONS.md D-005, D-076.
 */
import { Clock, Effect } from "effect";
import { decodeHolder, encodeHolder, holderKey, type KeptHolder, type ServiceIdentity } from "../../codecs/vap/mod.ts";
import { type Change, type Row, STORE_ROWS_MAX, type StoreFailed, type StoreShape } from "../ports/mod.ts";

/** VServices whose user is remembered: of all users, and of one, who takes nobody else's room by publishing more. */
export const VSERVICES_MAX = 10_000;
export const VSERVICES_OF_USER_MAX = 1_000;

const TABLE = "vserviceHolders";
/** Held, and not on disk yet. */
const NOT_YET_MS = Number.POSITIVE_INFINITY;

export interface Holders {
  /** Whether that VService is another user's: one with a key, or one whose instances are not withdrawn yet. */
  readonly isAnothers: (vservice: bigint, username: string) => boolean;
  readonly isHeld: (vservice: bigint) => boolean;
  /** For a VService that is not another's. False when there is no room for one more. */
  readonly hold: (identity: Instance, username: string) => boolean;
  /** On disk when it succeeds. */
  readonly keep: (vservice: bigint) => Effect.Effect<void, { readonly why: string }>;
  /** That instance is not published any more. */
  readonly release: (identity: Instance) => void;
  /** It was held for a publication that was refused; stays while another instance is published, or about to be. */
  readonly forget: (vservice: bigint) => Effect.Effect<void>;
  /** Since when its user has it, in milliseconds since 1970; undefined when it is nobody's, or not surely so yet. */
  readonly sinceMs: (vservice: bigint) => number | undefined;
}
type Instance = Pick<ServiceIdentity, "vservice" | "instance">;

interface Holder {
  readonly username: string;
  /** Published now. */
  readonly instances: Set<bigint>;
  sinceMs: number;
}

/** Without a store they live as long as the process. `isUser`: whether that user has a key. */
export const openHolders = Effect.fn("vap.holders")(function* (
  store: StoreShape | undefined,
  isUser: (username: string) => boolean,
): Effect.fn.Return<Holders, StoreFailed> {
  const holders = new Map<bigint, Holder>();
  const nowMs = yield* Clock.currentTimeMillis;
  // A clock that was ahead then shall not shut out what comes now.
  for (const { vservice, username, sinceMs } of store === undefined ? [] : yield* restored(store))
    holders.set(vservice, { username, sinceMs: Math.min(sinceMs, nowMs), instances: new Set() });
  /** Evicted in memory; they leave the disk with the next that comes. */
  const evicted = new Set<bigint>();

  const stands = ({ username, instances }: Holder): boolean => instances.size > 0 || isUser(username);

  const countOf = (username: string): number => {
    let count = 0;
    for (const holder of holders.values()) if (holder.username === username) count += 1;
    return count;
  };
  /** Somebody who has more than this user will have. Who has few loses nothing to who has many. */
  const whoHasMost = (username: string): string => {
    const counts = new Map([[username, countOf(username) + 1]]);
    for (const { username: of } of holders.values()) if (of !== username) counts.set(of, (counts.get(of) ?? 0) + 1);
    return [...counts].reduce((most, one) => (one[1] > most[1] ? one : most))[0];
  };
  const firstOf = (isIt: (holder: Holder) => boolean): bigint | undefined => {
    for (const [vservice, holder] of holders) if (isIt(holder)) return vservice;
    return undefined;
  };
  const idleOf = (username: string) => firstOf((holder) => holder.username === username && holder.instances.size === 0);

  const makeRoom = (username: string): boolean => {
    const isOwnFull = countOf(username) >= VSERVICES_OF_USER_MAX;
    if (!isOwnFull && holders.size < VSERVICES_MAX) return true;
    const idle = isOwnFull ? idleOf(username) : (firstOf((holder) => !stands(holder)) ?? idleOf(whoHasMost(username)));
    if (idle === undefined) return false;
    holders.delete(idle);
    evicted.add(idle);
    return true;
  };

  const keep: Holders["keep"] = Effect.fnUntraced(function* (vservice) {
    const holder = holders.get(vservice);
    if (holder === undefined || holder.sinceMs !== NOT_YET_MS) return;
    const sinceMs = yield* Clock.currentTimeMillis;
    const gone = [...evicted].filter((other) => other !== vservice);
    const value = encodeHolder({ username: holder.username, sinceMs });
    const put: Change = { type: "put", table: TABLE, key: holderKey(vservice), value };
    yield* store?.write([...gone.map(removalOf), put]) ?? Effect.void;
    for (const other of [vservice, ...gone]) evicted.delete(other);
    holder.sinceMs = sinceMs;
  });

  return {
    isAnothers: (vservice, username) => {
      const holder = holders.get(vservice);
      return holder !== undefined && holder.username !== username && stands(holder);
    },
    isHeld: (vservice) => holders.has(vservice),
    hold: ({ vservice, instance }, username) => {
      const known = holders.get(vservice);
      if (known?.username !== username) {
        holders.delete(vservice); // of a user who is no more
        if (!makeRoom(username)) return false;
        holders.set(vservice, { username, instances: new Set([instance]), sinceMs: NOT_YET_MS });
      } else known.instances.add(instance);
      return true;
    },
    keep,
    release: ({ vservice, instance }) => void holders.get(vservice)?.instances.delete(instance),
    forget: (vservice) =>
      Effect.suspend(() => {
        if ((holders.get(vservice)?.instances.size ?? 0) > 0) return Effect.void;
        holders.delete(vservice);
        return Effect.ignore(store?.write([removalOf(vservice)]) ?? Effect.void);
      }),
    sinceMs: (vservice) => {
      const sinceMs = holders.get(vservice)?.sinceMs;
      return sinceMs === NOT_YET_MS ? undefined : sinceMs;
    },
  } satisfies Holders as Holders;
});

const removalOf = (vservice: bigint): Change => ({ type: "remove", table: TABLE, key: holderKey(vservice) });

/** The longest known first. */
const restored = Effect.fnUntraced(function* (store: StoreShape): Effect.fn.Return<Array<KeptHolder>, StoreFailed> {
  const found: Array<KeptHolder> = [];
  let rows: ReadonlyArray<Row> = [];
  do {
    const after = rows.at(-1)?.key;
    rows = yield* store.scan(TABLE, after === undefined ? {} : { after });
    found.push(...rows.flatMap(({ key, value }) => decodeHolder(key, value) ?? []));
  } while (rows.length === STORE_ROWS_MAX);
  return found.sort((a, b) => a.sinceMs - b.sinceMs);
});
