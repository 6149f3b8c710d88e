/**
 * The route cache of a call agent: Notify fills it, each call asks it, and with a store it outlives the process.
 *
 *   VapClient.learned --> readRoute --> learnRoute --> memory --> to(number)
 *                                           +--> store, a row for each number, due when its ticket expires
 *   start --> all rows --> memory
 *
 * A store that fails costs no call: the route is used. But `keep` says so, and the server sends the Notify again, so that no
 * route which the server believes to be stored is missing after a restart.
 */
import { Clock, Effect, Queue, type Scope } from "effect";
import { type E164, maskE164, utf8 } from "../../codecs/shared/mod.ts";
import { readValInfo, type ValInfo, writeValInfo } from "../../codecs/vap/mod.ts";
import {
  dropExpired,
  type LearnedRoute,
  type LearnRefusal,
  learnRoute,
  readRoute,
  refusalOf,
  routeCache,
  routeTo,
} from "../../machines/agent/mod.ts";
import { allRows, removePages } from "../kit/mod.ts";
import type { Change, StoreFailed, StoreShape } from "../ports/mod.ts";

/** A row for each number: its key the number, its value the document of the Notify. */
const TABLE = "routes";
/** Rows are removed some time after they expire; `to` gives none of them from the moment they do. */
const EXPIRE_EVERY_MS = 3_600_000;

export interface RoutesOptions {
  /** Default: routes last as long as the process. */
  readonly store?: StoreShape;
  /** Default ROUTES_MAX. */
  readonly routesMax?: number;
}

export interface Routes {
  /** Takes a validated route into the cache, and into the store. Undefined: learned. */
  readonly learn: (info: ValInfo) => Effect.Effect<LearnRefusal | "notStored" | undefined>;
  /** As `learn`, for VapClientOptions: false when the store has it not, so that it must be sent again. */
  readonly keep: (info: ValInfo) => Effect.Effect<boolean>;
  /** Learns whatever a call agent's session receives, until the scope closes. */
  readonly learnFrom: (learned: Queue.Dequeue<ValInfo>) => Effect.Effect<void, never, Scope.Scope>;
  /** The route to a number, as long as its ticket is valid. */
  readonly to: (number: E164, atMs: number) => LearnedRoute | undefined;
  readonly all: () => ReadonlyArray<LearnedRoute>;
  /** Whether there was one. Fails when the store has it still. */
  readonly forget: (number: E164) => Effect.Effect<boolean, string>;
}

/** Until the scope closes. Fails when the store cannot be read. */
export const openRouteCache = Effect.fn("agent.routes")(function* ({
  store,
  routesMax,
}: RoutesOptions = {}): Effect.fn.Return<Routes, StoreFailed, Scope.Scope> {
  const cache = routeCache(routesMax);
  for (const info of store === undefined ? [] : yield* restored(store)) {
    const read = readRoute(info);
    if (read.ok) learnRoute(cache, read.route, yield* Clock.currentTimeMillis);
  }
  const write = (changes: ReadonlyArray<Change>) =>
    store === undefined ? Effect.succeed(true) : logged(store.write(changes));

  const learn: Routes["learn"] = Effect.fn("agent.learn")(function* (info) {
    const read = readRoute(info);
    const nowMs = yield* Clock.currentTimeMillis;
    const refused = read.ok ? refusalOf(cache, read.route, nowMs) : read.reason;
    if (!read.ok || refused !== undefined) {
      yield* Effect.logInfo("agent.route.refused", maskE164(info.number), refused);
      return refused;
    }
    // On disk first: what is answered from memory is there after a restart, too.
    const put = { type: "put", table: TABLE, key: utf8(info.number), value: writeValInfo(info) } as const;
    const isStored = yield* write([{ ...put, dueMs: read.route.expiresMs }]);
    const { removed } = learnRoute(cache, read.route, nowMs);
    if (removed.length > 0) yield* write(removed.map(removalOf));
    return isStored ? undefined : "notStored";
  });
  const expire = Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis;
    dropExpired(cache, nowMs);
    if (store !== undefined) yield* logged(removePages(store, TABLE, store.due(TABLE, nowMs)));
  });
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(EXPIRE_EVERY_MS), expire)));
  return {
    learn,
    keep: (info) => Effect.map(learn(info), (refusal) => refusal !== "notStored"),
    learnFrom: (learned) =>
      Effect.asVoid(Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(learned), learn)))),
    to: (number, atMs) => routeTo(cache, number, atMs),
    all: () => [...cache.routes.values()],
    forget: Effect.fnUntraced(function* (number) {
      if (!cache.routes.has(number)) return false;
      if (!(yield* write([removalOf(number)]))) return yield* Effect.fail("the store cannot be written");
      cache.routes.delete(number);
      return true;
    }),
  } satisfies Routes as Routes;
});

const removalOf = (number: E164): Change => ({ type: "remove", table: TABLE, key: utf8(number) });
/** Whether it was done. */
const logged = (work: Effect.Effect<unknown, StoreFailed>): Effect.Effect<boolean> =>
  Effect.catch(Effect.as(work, true), ({ reason, why }) =>
    Effect.as(Effect.logWarning("agent.routes", `${reason}: ${why}`), false),
  );

/** The documents of all rows, the one that expires first in front: it is the first to go for want of room. */
const restored = (store: StoreShape) =>
  Effect.map(allRows(store, TABLE), (rows) =>
    [...rows]
      .sort((a, b) => (a.dueMs ?? 0) - (b.dueMs ?? 0))
      .flatMap(({ value }) => {
        const read = readValInfo(value);
        return read.ok ? [read.value] : [];
      }),
  );
