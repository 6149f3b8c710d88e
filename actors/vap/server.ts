/**
 * Serves the call agents of a ViPR server.
 *
 *   Listener -> a connection's bytes -> cut, checkRequest -> the session it belongs to (sessions.ts) -> handlers.ts
 *
 * A connection begins with a session of its own; a Register with the handle of another moves it there.
 */

import { Clock, Effect, type Scope } from "effect";
import type { VServiceId } from "../../codecs/shared/mod.ts";
import {
  checkRequest,
  hasIntegrity,
  type ValInfo,
  type VapMessage,
  type Verdict,
  valueIn,
  vapKey,
} from "../../codecs/vap/mod.ts";
import { type ByteStreamShape, type Credentials, type Entropy, Listener, type ListenFailed } from "../ports/mod.ts";
import { openConnection, type VapConnection } from "./connection.ts";
import { InsecureVap } from "./errors.ts";
import { readMessages } from "./exchange.ts";
import { type VapHandlers, vapOrders } from "./handlers.ts";
import { forgetfulRoutes, type KeptRoutes } from "./kept-routes.ts";
import { type Owners, openOwners } from "./owners.ts";
import { type VapSession, vapSessions } from "./sessions.ts";

export interface VapServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The server's own; clients have no certificate, MESSAGE-INTEGRITY authenticates them. draft-jennings-vipr-vap-02. */
  readonly tls?: Credentials;
  /** Accepts plain TCP from other machines too. docs/protocol/vap.md#transport. */
  readonly insecureVap?: boolean;
  /** Passwords by user name; or a function that gives a user's key (`vapKey`), called for each message. */
  readonly users: Readonly<Record<string, string>> | ((username: string) => Uint8Array | undefined);
  /** The owners of VServices. Default: in memory, as long as this server runs. */
  readonly owners?: Owners;
  /** Routes that no agent has on its disk yet (`openKeptRoutes`). Default: none are kept for agents that come later. */
  readonly routes?: KeptRoutes;
  /** How long a session outlives its client's last message. Default 30 s. */
  readonly keepaliveMs?: number;
  /** How long a connection may stay without a Register. Default 10 s. */
  readonly greetingMs?: number;
  /** Connections at once. Default 1024. */
  readonly connectionsMax?: number;
}

export interface VapServer {
  readonly host: string;
  readonly port: number;
  /** Sends a Notify to every client subscribed to that VService; gives their number. */
  readonly notify: (vservice: VServiceId, info: ValInfo) => Effect.Effect<number>;
  /** As they are at the moment. */
  readonly counters: Effect.Effect<VapCounters>;
}
export interface VapCounters {
  readonly connections: number;
  readonly sessions: number;
  readonly vservices: number;
  /** Acknowledged since the start, as are the next two. */
  readonly numbers: number;
  readonly vcrs: number;
  readonly notifies: number;
  /** Connections closed because of bytes that are not VAP; requests of an unknown user or with a wrong seal. */
  readonly garbage: number;
  readonly distrusted: number;
}

const KEEPALIVE_MS = 30_000;
const GREETING_MS = 10_000;
/** The draft's: how long a client that unregistered may take to close. */
const LINGER_MS = 30_000;
const CONNECTIONS_MAX = 1_024;
/** Including sessions without a connection. */
const SESSIONS_MAX = 4_096;

/** Listens until the scope closes. */
export const serveVap = Effect.fn("vap.server")(function* <R>(
  options: VapServerOptions,
  handlers: VapHandlers<R>,
): Effect.fn.Return<VapServer, ListenFailed | InsecureVap, Listener | Entropy | Scope.Scope | R> {
  const { host, port, tls, users, keepaliveMs = KEEPALIVE_MS, greetingMs = GREETING_MS } = options;
  if (tls === undefined && options.insecureVap !== true && !isLoopback(host)) return yield* new InsecureVap({ host });
  const { listen } = yield* Listener;
  const keyOf = typeof users === "function" ? users : keysOf(users);
  const connections = new Map<number, VapConnection>();
  const forgetful = Effect.orDie(openOwners(undefined, (username) => keyOf(username) !== undefined));
  const orders = yield* vapOrders(handlers, options.owners ?? (yield* forgetful));
  const times = { keepaliveMs, greetingMs, lingerMs: LINGER_MS };
  const { routes = forgetfulRoutes } = options;
  const sessions = yield* vapSessions({ times, keyOf, connections, routes }, orders);
  const counts = { opened: 0, garbage: 0, distrusted: 0, notifies: 0 };

  const verdictOf = (message: VapMessage, bytes: Uint8Array, session: VapSession): Verdict => {
    if (message.type.class === "request") return checkRequest(message, bytes, keyOf);
    const key = keyOf(session.username());
    return key !== undefined && hasIntegrity(message, bytes, key)
      ? { type: "genuine", username: session.username() }
      : { type: "forged" };
  };
  const serve = Effect.fnUntraced(function* (stream: ByteStreamShape) {
    if (sessions.count() >= SESSIONS_MAX) return yield* Effect.logWarning("vap.full", `${SESSIONS_MAX} sessions`);
    const id = ++counts.opened;
    connections.set(id, yield* openConnection(id, stream));
    let session = yield* sessions.open(id);
    const take = Effect.fnUntraced(function* (message: VapMessage, bytes: Uint8Array) {
      const verdict = verdictOf(message, bytes, session);
      if (verdict.type !== "genuine") counts.distrusted += 1;
      const resumed =
        verdict.type === "genuine" && message.type.method === "register"
          ? sessions.resumable(valueIn(message, "clientHandle"), verdict.username)
          : undefined;
      if (resumed !== undefined && resumed !== session) {
        yield* session.tell({ type: "lost", connection: id, why: "resumes another session" });
        session = resumed;
      }
      const atMs = yield* Clock.currentTimeMillis;
      yield* session.tell({ type: "received", connection: id, message, verdict, atMs });
    });
    const gone = Effect.suspend(() => {
      connections.delete(id);
      return session.tell({ type: "lost", connection: id, why: "closed" });
    });
    const end = yield* Effect.ensuring(Effect.flip(readMessages(stream, take)), gone);
    if (end._tag !== "Garbage") return yield* Effect.logDebug("vap.closed", end.why);
    counts.garbage += 1;
    yield* Effect.logWarning("vap.garbage", end.why);
  }, Effect.scoped);

  const on = {
    host,
    port,
    streamsMax: options.connectionsMax ?? CONNECTIONS_MAX,
    ...(tls === undefined ? {} : { tls, anyClient: true }),
  };
  const listening = yield* listen(on, serve);
  return {
    ...listening,
    notify: (vservice, info) =>
      Effect.tap(sessions.notify(vservice, info), (reached) =>
        Effect.sync(() => {
          counts.notifies += reached;
        }),
      ),
    counters: Effect.sync(() => {
      const { garbage, distrusted, notifies } = counts;
      const live = { connections: connections.size, sessions: sessions.count() };
      return { ...live, ...orders.counts(), notifies, garbage, distrusted };
    }),
  };
});

const keysOf = (users: Readonly<Record<string, string>>) => {
  const keys = new Map(Object.entries(users).map(([name, password]) => [name, vapKey(name, password)]));
  return (name: string): Uint8Array | undefined => keys.get(name);
};

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127\./.test(host);
