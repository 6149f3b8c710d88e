/**
 * Validated routes until a call agent has them on its disk: a proof is given once, so that a route which is lost between
 * server and agent would be away until another call is proved.
 *
 *   validated --> keep (in the store) --> Notify --> its answer: taken, removed
 *                                           |-- no agent, no answer, a restart: told again after the next Subscribe
 *                                           +-- KEPT_MS passed, another owner, or the domain unwelcome by now: removed
 *
 * DECISIONS.md D-185.
 */
import { Clock, Effect } from "effect";
import { type E164, equalBytes, type VServiceId } from "../../codecs/shared/mod.ts";
import {
  decodeKeptRoute,
  encodeKeptRoute,
  type KeptRoute,
  keptRouteKey,
  readValInfo,
  type ValInfo,
  writeValInfo,
} from "../../codecs/vap/mod.ts";
import { allRows } from "../kit/mod.ts";
import type { Change, Row, StoreFailed, StoreShape } from "../ports/mod.ts";

/** Of one VService: the oldest goes for one more. And of all. */
export const KEPT_OF_VSERVICE_MAX = 10_000;
/** Routes kept of all VServices. */
export const KEPT_MAX = 100_000;
/** Half of a ticket's usual life. */
export const KEPT_MS = 30 * 86_400_000;

const TABLE = "keptRoutes";

/** Learned routes that no agent has taken yet. */
export interface KeptRoutes {
  /** Durable when it ends, unless the store refused: that is logged, and the route is told all the same. */
  readonly keep: (vservice: VServiceId, info: ValInfo) => Effect.Effect<void>;
  /** An agent has it, or nobody wants it. True: it was kept, and is no longer. A later route to the same number stays. */
  readonly taken: (vservice: VServiceId, number: E164, content: Uint8Array) => Effect.Effect<boolean>;
  /** The oldest first. What is older than that time, or wanted no more, is removed. */
  readonly of: (vservice: VServiceId, sinceMs: number, countMax: number) => Effect.Effect<ReadonlyArray<KeptRoute>>;
  /** A row that another server of a cluster has written; gives the route, which agents here are to be told as well. */
  readonly follow: (row: Row & { readonly table: string }) => KeptRoute | undefined;
}

/** Without a store: a route is told to the sessions of the moment, and to nobody later. */
export const forgetfulRoutes: KeptRoutes = {
  keep: () => Effect.void,
  taken: () => Effect.succeed(false),
  of: () => Effect.succeed([]),
  follow: () => undefined,
};

/** With what the store has of them; without a store, none are kept. Fails with StoreFailed. */
export const openKeptRoutes = Effect.fn("vap.keptRoutes")(function* (
  store: StoreShape | undefined,
  /** Whether the VService's list of domains still lets it be told. */
  isWanted: (vservice: VServiceId, info: ValInfo) => boolean = () => true,
): Effect.fn.Return<KeptRoutes, StoreFailed> {
  if (store === undefined) return forgetfulRoutes;
  const kept = new Map<VServiceId, Map<E164, KeptRoute>>();
  let count = 0;
  const add = (route: KeptRoute): void => {
    const own = kept.get(route.vservice) ?? new Map<E164, KeptRoute>();
    if (!own.delete(route.number)) count += 1; // the newest stands last
    kept.set(route.vservice, own.set(route.number, route));
  };
  const drop = ({ vservice, number }: KeptRoute): void => {
    const own = kept.get(vservice);
    if (own?.delete(number) !== true) return;
    count -= 1;
    if (own.size === 0) kept.delete(vservice);
  };
  const found = (yield* allRows(store, TABLE)).flatMap(({ key, value }) => decodeKeptRoute(key, value) ?? []);
  for (const route of [...found].sort((a, b) => a.sinceMs - b.sinceMs)) add(route);

  /** False: the store refused, and that is logged. */
  const written = (changes: ReadonlyArray<Change>): Effect.Effect<boolean> =>
    Effect.matchEffect(store.write(changes), {
      onSuccess: () => Effect.succeed(true),
      onFailure: ({ reason, why }) => Effect.as(Effect.logWarning("vap.routes.notKept", { reason, why }), false),
    });
  const remove = (routes: ReadonlyArray<KeptRoute>): Effect.Effect<boolean> =>
    Effect.tap(written(routes.map(removalOf)), (isWritten) =>
      Effect.sync(() => {
        if (isWritten) for (const route of routes) drop(route);
      }),
    );

  return {
    keep: Effect.fnUntraced(function* (vservice, info) {
      const { number } = info;
      const route = { vservice, number, sinceMs: yield* Clock.currentTimeMillis, content: writeValInfo(info) };
      const own = kept.get(vservice);
      const isFull = own?.has(number) !== true && (own?.size ?? 0) >= KEPT_OF_VSERVICE_MAX;
      const oldest = isFull ? own?.values().next().value : undefined;
      if (oldest === undefined && count >= KEPT_MAX) return yield* Effect.logWarning("vap.routes.full", KEPT_MAX);
      const put: Change = {
        type: "put",
        table: TABLE,
        key: keptRouteKey(route),
        value: encodeKeptRoute(route),
        isShared: true,
      };
      if (!(yield* written(oldest === undefined ? [put] : [removalOf(oldest), put]))) return;
      if (oldest !== undefined) drop(oldest);
      add(route);
    }),
    taken: (vservice, number, content) =>
      Effect.suspend(() => {
        const route = kept.get(vservice)?.get(number);
        return route !== undefined && equalBytes(route.content, content) ? remove([route]) : Effect.succeed(false);
      }),
    of: Effect.fnUntraced(function* (vservice, sinceMs, countMax) {
      const fromMs = Math.max(sinceMs, (yield* Clock.currentTimeMillis) - KEPT_MS);
      const all = [...(kept.get(vservice)?.values() ?? [])];
      const some: Array<KeptRoute> = [];
      const gone: Array<KeptRoute> = [];
      for (const route of all) {
        if (some.length >= countMax) break;
        const read = readValInfo(route.content);
        const isTold = route.sinceMs >= fromMs && read.ok && isWanted(vservice, read.value);
        (isTold ? some : gone).push(route);
      }
      if (gone.length > 0) yield* remove(gone);
      return some;
    }),
    follow: ({ table, key, value }) => {
      const route = table === TABLE ? decodeKeptRoute(key, value) : undefined;
      if (route === undefined || count >= KEPT_MAX) return undefined;
      add(route);
      return route;
    },
  } satisfies KeptRoutes as KeptRoutes;
});

const removalOf = (route: KeptRoute): Change => ({ type: "remove", table: TABLE, key: keptRouteKey(route) });
