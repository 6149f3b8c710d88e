/**
 * The sessions of a ViPR server, by their handles; and what each user may have of them.
 *
 *   Register --> room? --> a session, which outlives its connection by the Keepalive time
 *                  +-- the user has SESSIONS_OF_USER_MAX: the oldest whose client is away goes, else 486
 *                  +-- all together are SESSIONS_MAX: 508
 */
import { Effect, FiberSet } from "effect";
import type { VServiceId } from "../../codecs/shared/mod.ts";
import { type MakeMac, readValInfo, TRANSACTION_ID_BYTES, type ValInfo, writeValInfo } from "../../codecs/vap/mod.ts";
import type { Notification, VapServerInput } from "../../machines/vap/mod.ts";
import { stepperParts } from "../kit/mod.ts";
import { Entropy } from "../ports/mod.ts";
import type { VapConnection } from "./connection.ts";
import type { VapEvent } from "./events.ts";
import type { VapOrders } from "./handlers.ts";
import type { KeptRoutes } from "./kept-routes.ts";
import { type SessionParts, VapSession } from "./session.ts";

/** Including those without a connection. */
export const SESSIONS_MAX = 4_096;
/** Of one user: a cluster of call agents, and their restarts. */
export const SESSIONS_OF_USER_MAX = 256;
/** Of one session; the machine has no more. */
const INSTANCES_MAX = 16;
const HANDLE_MAX = 0xffff_ffff;
/** Kept routes that one session is told before it has answered all of them. */
const TOLD_AT_ONCE_MAX = 256;

export interface VapSessionsOptions {
  readonly times: Pick<VapServerInput, "keepaliveMs" | "greetingMs" | "lingerMs">;
  readonly keyOf: (username: string) => Uint8Array | undefined;
  readonly macOf: MakeMac;
  readonly connections: ReadonlyMap<number, VapConnection>;
  readonly routes: KeptRoutes;
  readonly watch: (event: VapEvent) => Effect.Effect<void>;
  /** That connection belongs to a registered session from now on. */
  readonly registered: (connection: number) => void;
  readonly groups?: VapGroups;
}
/** Companies that share a server, each with a part of its sessions, 0 to 1. */
export interface VapGroups {
  readonly tenantOf: (username: string) => string;
  readonly shareOf: (tenant: string) => number;
}
export interface VapSessions {
  /** The session of a new connection. */
  readonly open: (connection: number) => Effect.Effect<VapSession>;
  /** The session with this handle, if it is this user's. */
  readonly resumable: (handle: number | undefined, username: string) => VapSession | undefined;
  /** Whether that user may begin a session; one of its own whose client is away makes room. Undefined: it may. */
  readonly fullFor: (username: string) => "user" | "server" | undefined;
  readonly notify: (vservice: VServiceId, info: ValInfo) => Effect.Effect<number>;
  /** Tells every client that what it published is revoked; how many sessions there were. */
  readonly revoke: (why: string) => Effect.Effect<number>;
  readonly count: () => number;
}

export const vapSessions = Effect.fnUntraced(function* <R>(
  { times, keyOf, macOf, connections, routes, watch, registered, groups }: VapSessionsOptions,
  orders: VapOrders<R>,
) {
  const entropy = yield* Entropy;
  const steps = yield* stepperParts;
  const run = yield* FiberSet.makeRuntime<R>();
  const sessions = new Map<number, VapSession>();
  const byUser = new Map<string, Set<VapSession>>();
  const live = new Set<VapSession>();
  yield* Effect.addFinalizer(() => Effect.sync(() => live.forEach((session) => session.stop())));

  const learn = (session: VapSession, vservice: VServiceId, content: Uint8Array): Effect.Effect<number> =>
    Effect.map(entropy.bytes(TRANSACTION_ID_BYTES), (transactionId) => {
      session.reached = 0;
      session.tell({ type: "learned", ref: 0, vservice, content, transactionId });
      return session.reached;
    });

  /** Routes that no agent has taken yet; of many a part, and further ones once those are answered. */
  const tellKept = Effect.fnUntraced(function* (session: VapSession, vservice: VServiceId) {
    const sinceMs = orders.sinceMs(vservice);
    if (sinceMs === undefined || orders.isOwnedByAnother(vservice, session.username)) return;
    const some = yield* routes.of(vservice, sinceMs, TOLD_AT_ONCE_MAX);
    session.unanswered.set(vservice, some.length);
    yield* Effect.forEach(some, ({ content }) => learn(session, vservice, content), { discard: true });
  });

  const taken = Effect.fnUntraced(function* (
    session: VapSession,
    { vservice, content }: Pick<Notification, "vservice" | "content">,
  ) {
    const read = readValInfo(content);
    const isRemoved = read.ok && (yield* routes.taken(vservice, read.value.number, content));
    const left = (session.unanswered.get(vservice) ?? 0) - 1;
    session.unanswered.set(vservice, Math.max(0, left));
    // What the store does not let go of would be told for ever.
    if (left === 0 && isRemoved) yield* tellKept(session, vservice);
  });

  const parts: SessionParts = {
    steps,
    connections,
    keyOf,
    macOf,
    run: (effect) => {
      run(effect);
    },
    obey: (session, order) => {
      const work = orders.obey(session, order, (event) => session.tell(event));
      if (work !== undefined) run(work);
    },
    watch,
    registered: (session, connection) => {
      sessions.set(session.handle, session);
      const own = byUser.get(session.username) ?? new Set();
      byUser.set(session.username, own.add(session));
      registered(connection);
    },
    subscribed: tellKept,
    taken,
    over: (session) => {
      live.delete(session);
      if (sessions.get(session.handle) === session) sessions.delete(session.handle);
      const own = byUser.get(session.username);
      if (own?.delete(session) === true && own.size === 0) byUser.delete(session.username);
    },
  };

  /** The company's sessions together are as many as its part. */
  const isGroupFull = (username: string): boolean => {
    if (groups === undefined) return false;
    const tenant = groups.tenantOf(username);
    let count = 0;
    for (const [user, own] of byUser) if (groups.tenantOf(user) === tenant) count += own.size;
    return count >= Math.floor(SESSIONS_MAX * groups.shareOf(tenant));
  };

  const isTold = (vservice: VServiceId) => (username: string) =>
    keyOf(username) !== undefined && !orders.isOwnedByAnother(vservice, username);

  return {
    open: Effect.fnUntraced(function* (connection) {
      let handle = yield* entropy.between(1, HANDLE_MAX);
      while (sessions.has(handle)) handle = yield* entropy.between(1, HANDLE_MAX);
      const session = new VapSession(parts, handle, connection);
      live.add(session);
      session.start(times);
      return session;
    }),
    resumable: (handle, username) => {
      const session = handle === undefined ? undefined : sessions.get(handle);
      return session?.username === username ? session : undefined;
    },
    fullFor: (username) => {
      const own = byUser.get(username);
      if (own !== undefined && own.size >= SESSIONS_OF_USER_MAX)
        for (const session of own) {
          session.tell({ type: "displaced" }); // of one whose client is there nothing comes
          if (own.size < SESSIONS_OF_USER_MAX) break;
        }
      if ((byUser.get(username)?.size ?? 0) >= SESSIONS_OF_USER_MAX || isGroupFull(username)) return "user";
      return sessions.size >= SESSIONS_MAX ? "server" : undefined;
    },
    notify: Effect.fnUntraced(function* (vservice, info) {
      const content = writeValInfo(info);
      const isWanted = isTold(vservice);
      let count = 0;
      for (const session of [...sessions.values()])
        if (isWanted(session.username)) count += yield* learn(session, vservice, content);
      return count;
    }),
    revoke: Effect.fnUntraced(function* (why) {
      const all = [...sessions.values()];
      for (const session of all) {
        const bytes = yield* entropy.bytes(INSTANCES_MAX * TRANSACTION_ID_BYTES);
        const transactionIds = Array.from({ length: INSTANCES_MAX }, (_, i) =>
          bytes.subarray(i * TRANSACTION_ID_BYTES, (i + 1) * TRANSACTION_ID_BYTES),
        );
        session.tell({ type: "revoked", why, transactionIds });
      }
      return all.length;
    }),
    count: () => sessions.size,
  } satisfies VapSessions as VapSessions;
});
