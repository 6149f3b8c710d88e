/**
 * Serves the call agents of a ViPR server.
 *
 *   Listener -> a connection's bytes -> cut, checkRequest -> the session it belongs to (session.ts) -> handlers.ts
 *                                                               '-> answers, one write a turn (connection.ts)
 *
 * A connection begins with a session of its own; a Register with the handle of another moves it there. All of it happens in the
 * turn in which the bytes come: a fiber runs for what takes time, and none for a message. DECISIONS.md D-211.
 */

import { Clock, Deferred, Effect, FiberSet, type Scope } from "effect";
import type { VServiceId } from "../../codecs/shared/mod.ts";
import {
  checkRequest,
  hasIntegrity,
  type MakeMac,
  macsOf,
  type ValInfo,
  type VapMessage,
  type Verdict,
  valueIn,
  vapKey,
} from "../../codecs/vap/mod.ts";
import {
  type ByteStreamShape,
  type Credentials,
  directOf,
  type Entropy,
  Listener,
  type ListenFailed,
  Macs,
} from "../ports/mod.ts";
import { openVapCapture } from "./capture.ts";
import { openConnection, type VapConnection } from "./connection.ts";
import { InsecureVap } from "./errors.ts";
import type { VapClosed, VapEvent } from "./events.ts";
import { messageReader } from "./exchange.ts";
import { freshConnections, UNREGISTERED_MAX } from "./fresh.ts";
import { type VapHandlers, vapOrders } from "./handlers.ts";
import { forgetfulRoutes, type KeptRoutes } from "./kept-routes.ts";
import { vapLog } from "./log.ts";
import { type Owners, openOwners } from "./owners.ts";
import type { VapSession } from "./session.ts";
import { type VapGroups, vapSessions } from "./sessions.ts";

/** Where it listens, as whom, whose passwords it knows, and its times and limits. */
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
  /** Connections of registered clients at once. Default 4096. Those that have not registered are UNREGISTERED_MAX beside. */
  readonly connectionsMax?: number;
  /** Receives every event; must not fail or take long. Default: the log (log.ts). */
  readonly watch?: (event: VapEvent) => Effect.Effect<void>;
  /** Companies that share the server. Default: it is one's. */
  readonly groups?: VapGroups;
}

/** A server of VAP that listens, until the scope closes. */
export interface VapServer {
  readonly host: string;
  readonly port: number;
  /** Sends a Notify to every client subscribed to that VService; gives their number. */
  readonly notify: (vservice: VServiceId, info: ValInfo) => Effect.Effect<number>;
  /** The overlay is lost: what is published is withdrawn, and each client is told so by PublishRevoke. */
  readonly revoke: (why: string) => Effect.Effect<void>;
  /** As they are at the moment. */
  readonly counters: Effect.Effect<VapCounters>;
}
/** How many there are, and how many there were since the start. */
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
  /** Connections closed because the client did not read, or because too many others had not registered. */
  readonly notReading: number;
  readonly crowded: number;
}

const KEEPALIVE_MS = 30_000;
const GREETING_MS = 10_000;
/** The draft's: how long a client that unregistered may take to close. */
const LINGER_MS = 30_000;
const CONNECTIONS_MAX = 4_096;
/** How long the last answers may take to leave before a connection is closed. */
const FLUSH_MS_MAX = 10_000;

/** Listens until the scope closes. */
export const serveVap = Effect.fn("vap.server")(function* <R>(
  options: VapServerOptions,
  handlers: VapHandlers<R>,
): Effect.fn.Return<VapServer, ListenFailed | InsecureVap, Listener | Entropy | Scope.Scope | R> {
  const { host, port, tls, users, keepaliveMs = KEEPALIVE_MS, greetingMs = GREETING_MS } = options;
  if (tls === undefined && options.insecureVap !== true && !isLoopback(host)) return yield* new InsecureVap({ host });
  const { listen } = yield* Listener;
  const clock = yield* Clock.Clock;
  const later = yield* endOfTurn;
  const keyOf = typeof users === "function" ? users : keysOf(users);
  const [macOf, capture] = [macsOf(yield* Macs), yield* openVapCapture];
  const watch = options.watch ?? vapLog(options.groups?.tenantOf);
  const connections = new Map<number, VapConnection>();
  const fresh = freshConnections();
  const forgetful = Effect.orDie(openOwners(undefined, (username) => keyOf(username) !== undefined));
  const orders = yield* vapOrders(handlers, options.owners ?? (yield* forgetful));
  const times = { keepaliveMs, greetingMs, lingerMs: LINGER_MS };
  const { routes = forgetfulRoutes } = options;
  const sessions = yield* vapSessions(
    {
      ...{ times, keyOf, macOf, connections, routes, watch, registered: fresh.registered },
      ...(options.groups === undefined ? {} : { groups: options.groups }),
    },
    orders,
  );
  const run = yield* FiberSet.makeRuntime<never>();
  const counts = { opened: 0, garbage: 0, distrusted: 0, notifies: 0, notReading: 0, crowded: 0 };

  /** What a message means to the session of its connection, or to the one that it resumes there. */
  const take = (id: number, session: VapSession, message: VapMessage, bytes: Uint8Array): VapSession => {
    const verdict = verdictOf(message, bytes, session.username, keyOf, macOf);
    if (verdict.type !== "genuine") counts.distrusted += 1;
    const isRegister = verdict.type === "genuine" && message.type.method === "register";
    const handle = isRegister ? valueIn(message, "clientHandle") : undefined;
    const resumed = isRegister ? sessions.resumable(handle, verdict.username) : undefined;
    if (resumed !== undefined && resumed !== session)
      session.tell({ type: "lost", connection: id, why: "resumes another session" });
    const to = resumed ?? session;
    const atMs = clock.currentTimeMillisUnsafe();
    const full = isRegister && to.username === "" ? sessions.fullFor(verdict.username) : undefined;
    to.tell({ type: "received", connection: id, message, verdict, atMs, ...(full === undefined ? {} : { full }) });
    if (resumed !== undefined) fresh.registered(id);
    return to;
  };

  const serve = Effect.fnUntraced(function* (stream: ByteStreamShape) {
    const id = ++counts.opened;
    const closedByUs = yield* Deferred.make<VapClosed>();
    const direct = yield* directOf(stream);
    let session: VapSession | undefined;
    const closed = (reason: VapClosed, why: string): void => {
      if (reason === "notReading" || reason === "crowded") counts[reason] += 1;
      connections.delete(id);
      run(watch({ type: "closed", reason, why, username: session?.username ?? "", host: connection.host }));
      Deferred.doneUnsafe(closedByUs, Effect.succeed(reason));
    };
    const sent = (bytes: Uint8Array) => capture.sent(bytes, stream.peer);
    const connection = openConnection(id, stream.peer.host, { direct, closed, later, sent });
    connections.set(id, connection);
    fresh.opened(connection);
    session = yield* sessions.open(id);
    const read = messageReader((message, bytes) => {
      capture.received(bytes, stream.peer);
      if (!connection.isClosed) session = take(id, session!, message, bytes);
    });
    const gone = Effect.sync(() => {
      connections.delete(id);
      fresh.registered(id);
      session?.tell({ type: "lost", connection: id, why: "closed" });
    });
    const reading = Effect.map(direct.each(read), (garbage) => {
      counts.garbage += 1;
      connection.close("garbage", garbage.why);
    });
    const closing = Effect.flatMap(Deferred.await(closedByUs), (reason) => {
      const flushed = reason === "notReading" ? Effect.void : (direct.flushed ?? Effect.void);
      return Effect.andThen(Effect.timeoutOption(flushed, FLUSH_MS_MAX), stream.close);
    });
    const end = Effect.raceFirst(Effect.ignore(Effect.andThen(reading, Effect.never)), closing);
    yield* Effect.ensuring(end, gone);
  }, Effect.scoped);

  const on = {
    host,
    port,
    streamsMax: (options.connectionsMax ?? CONNECTIONS_MAX) + UNREGISTERED_MAX,
    ...(tls === undefined ? {} : { tls, anyClient: true }),
  };
  const listening = capture.at(yield* listen(on, serve));
  return {
    ...listening,
    notify: (vservice, info) =>
      Effect.tap(sessions.notify(vservice, info), (reached) =>
        Effect.sync(() => {
          counts.notifies += reached;
        }),
      ),
    revoke: (why) => Effect.flatMap(sessions.revoke(why), (count) => watch({ type: "revoked", sessions: count, why })),
    counters: Effect.sync(() => {
      const { opened: _, ...others } = counts;
      return { connections: connections.size, sessions: sessions.count(), ...orders.counts(), ...others };
    }),
  };
});

const verdictOf = (
  message: VapMessage,
  bytes: Uint8Array,
  username: string,
  keyOf: (username: string) => Uint8Array | undefined,
  macOf: MakeMac,
): Verdict => {
  if (message.type.class === "request") return checkRequest(message, bytes, keyOf, macOf);
  const key = keyOf(username);
  return key !== undefined && hasIntegrity(message, bytes, key, macOf)
    ? { type: "genuine", username }
    : { type: "forged" };
};

/** Has something done when the turn of the loop is over. */
const endOfTurn = Effect.withFiber(({ currentDispatcher }) =>
  Effect.succeed((work: () => void) => currentDispatcher.scheduleTask(work, 0)),
);

const keysOf = (users: Readonly<Record<string, string>>) => {
  const keys = new Map(Object.entries(users).map(([name, password]) => [name, vapKey(name, password)]));
  return (name: string): Uint8Array | undefined => keys.get(name);
};

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127\./.test(host);
