/**
 * The sessions of a ViPR server: each is a machine in a fiber of its own, found by its handle.
 *
 *   received, lost, settled, learned --> mailbox --> step --> send, close ----> connections
 *                                                         --> publish, upload -> handlers, each in a fiber -> settled
 *                                                         --> subscribed, taken -> the routes that no agent has yet (kept-routes.ts)
 */

import { Deferred, Effect, FiberSet } from "effect";
import type { VServiceId } from "../../codecs/shared/mod.ts";
import {
  protect,
  readValInfo,
  TRANSACTION_ID_BYTES,
  unprotected,
  type ValInfo,
  writeValInfo,
} from "../../codecs/vap/mod.ts";
import {
  type Notification,
  type VapServerAction,
  type VapServerEvent,
  type VapServerInput,
  vapServer,
} from "../../machines/vap/mod.ts";
import { drive, mailbox, type OwnOrder, performing, Replies } from "../kit/mod.ts";
import { Entropy } from "../ports/mod.ts";
import type { VapConnection } from "./connection.ts";
import type { VapOrders } from "./handlers.ts";
import type { KeptRoutes } from "./kept-routes.ts";

const MAILBOX_EVENTS_MAX = 64;
const HANDLE_MAX = 0xffff_ffff;
/** Kept routes that one session is told before it has answered all of them. */
const TOLD_AT_ONCE_MAX = 256;

export interface VapSession {
  readonly handle: number;
  /** Empty before Register. */
  readonly username: () => string;
  /** Waits while the mailbox is full. An event for a session that is over is dropped. */
  readonly tell: (event: VapServerEvent) => Effect.Effect<void>;
  readonly over: Effect.Effect<void>;
}
export interface VapSessionsOptions {
  readonly times: Pick<VapServerInput, "keepaliveMs" | "greetingMs" | "lingerMs">;
  readonly keyOf: (username: string) => Uint8Array | undefined;
  readonly connections: ReadonlyMap<number, VapConnection>;
  readonly routes: KeptRoutes;
}
export interface VapSessions<R> {
  /** The session of a new connection. */
  readonly open: (connection: number) => Effect.Effect<VapSession, never, R>;
  /** The session with this handle, if it is this user's. */
  readonly resumable: (handle: number | undefined, username: string) => VapSession | undefined;
  readonly notify: (vservice: VServiceId, info: ValInfo) => Effect.Effect<number>;
  readonly count: () => number;
}

/** Kept routes that a session was told and has not answered, by VService. */
type Unanswered = Map<VServiceId, number>;

export const vapSessions = Effect.fnUntraced(function* <R>(
  { times, keyOf, connections, routes }: VapSessionsOptions,
  orders: VapOrders<R>,
) {
  const entropy = yield* Entropy;
  const fibers = yield* FiberSet.make<void>();
  const sessions = new Map<number, VapSession>();
  const told = new Replies<number, number>();

  const send = ({ connection, content, transactionId, username }: Extract<VapServerAction, { type: "send" }>) => {
    const key = username === undefined ? undefined : keyOf(username);
    // The user was removed, so that its message cannot be sealed: it is not sent.
    if (username !== undefined && key === undefined) return Effect.void;
    const bytes =
      username === undefined || key === undefined
        ? unprotected(content, transactionId)
        : protect(content, transactionId, { username, key });
    return connections.get(connection)?.send(bytes) ?? Effect.void;
  };

  const run = Effect.fnUntraced(function* (handle: number, connection: number, ready: Deferred.Deferred<VapSession>) {
    const box = yield* mailbox<VapServerEvent>(MAILBOX_EVENTS_MAX);
    const over = yield* Deferred.make<void>();
    let username = "";
    const unanswered = new Map<VServiceId, number>();
    const tell = (event: VapServerEvent) => Effect.raceFirst(box.tell(event), Deferred.await(over));
    const session: VapSession = { handle, username: () => username, tell, over: Deferred.await(over) };
    const perform = (action: OwnOrder<VapServerAction>): Effect.Effect<void, never, R> => {
      switch (action.type) {
        case "send":
          return send(action);
        case "close":
          return connections.get(action.connection)?.close(action.why) ?? Effect.void;
        case "opened":
          username = action.username;
          sessions.set(handle, session);
          return Effect.logInfo("vap.registered", action.username, action.name);
        case "told":
          return told.answer(action.ref, action.count);
        case "subscribed":
          return Effect.asVoid(FiberSet.run(fibers, tellKept(session, unanswered, action.vservice)));
        case "taken":
          return Effect.asVoid(FiberSet.run(fibers, taken(session, unanswered, action)));
        default:
          return Effect.asVoid(FiberSet.run(fibers, orders.obey({ handle, username }, action, tell)));
      }
    };
    yield* Deferred.succeed(ready, session);
    const ended = Effect.suspend(() => {
      if (sessions.get(handle) === session) sessions.delete(handle);
      return Deferred.succeed(over, undefined);
    });
    const all = performing(box, { unexpected: "vap.unexpected" }, perform);
    yield* Effect.ensuring(drive(vapServer, { handle, connection, ...times }, box, all, String(handle)), ended);
  }, Effect.scoped);

  const learn = Effect.fnUntraced(function* (session: VapSession, vservice: VServiceId, content: Uint8Array) {
    const transactionId = yield* entropy.bytes(TRANSACTION_ID_BYTES);
    const ref = told.nextRef();
    const learned = session.tell({ type: "learned", ref, vservice, content, transactionId });
    return yield* Effect.raceFirst(told.ask(ref, learned), Effect.as(session.over, 0));
  });

  /** Routes that no agent has taken yet; of many a part, and further ones once those are answered. */
  const tellKept = Effect.fnUntraced(function* (session: VapSession, unanswered: Unanswered, vservice: VServiceId) {
    const sinceMs = orders.sinceMs(vservice);
    if (sinceMs === undefined || orders.isOwnedByAnother(vservice, session.username())) return;
    const some = yield* routes.of(vservice, sinceMs, TOLD_AT_ONCE_MAX);
    unanswered.set(vservice, some.length);
    yield* Effect.forEach(some, ({ content }) => learn(session, vservice, content), { discard: true });
  });

  const taken = Effect.fnUntraced(function* (
    session: VapSession,
    unanswered: Unanswered,
    { vservice, content }: Pick<Notification, "vservice" | "content">,
  ) {
    const read = readValInfo(content);
    const isRemoved = read.ok && (yield* routes.taken(vservice, read.value.number, content));
    const left = (unanswered.get(vservice) ?? 0) - 1;
    unanswered.set(vservice, Math.max(0, left));
    // What the store does not let go of would be told for ever.
    if (left === 0 && isRemoved) yield* tellKept(session, unanswered, vservice);
  });

  const all: VapSessions<R> = {
    open: Effect.fnUntraced(function* (connection) {
      let handle = yield* entropy.between(1, HANDLE_MAX);
      while (sessions.has(handle)) handle = yield* entropy.between(1, HANDLE_MAX);
      const ready = yield* Deferred.make<VapSession>();
      yield* FiberSet.run(fibers, run(handle, connection, ready));
      return yield* Deferred.await(ready);
    }),
    resumable: (handle, username) => {
      const session = handle === undefined ? undefined : sessions.get(handle);
      return session?.username() === username ? session : undefined;
    },
    notify: Effect.fnUntraced(function* (vservice, info) {
      const content = writeValInfo(info);
      const tellOne = (session: VapSession) => learn(session, vservice, content);
      const isTold = (username: string) =>
        keyOf(username) !== undefined && !orders.isOwnedByAnother(vservice, username);
      const own = [...sessions.values()].filter((session) => isTold(session.username()));
      const counts = yield* Effect.forEach(own, tellOne, { concurrency: "unbounded" });
      return counts.reduce((sum, count) => sum + count, 0);
    }),
    count: () => sessions.size,
  };
  return all;
});
