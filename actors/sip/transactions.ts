/**
 * The transaction layer: hosts the four machines and finds, for each message, whose it is. RFC 3261 §17.1.3 and §17.2.3.
 *
 *   response -- branch, method --> client transaction --> tell
 *   request  -- peer, branch, sent-by --> server transaction, or `request`, or `ack` when nobody waits for it
 */
import { Effect, Exit, Scope } from "effect";
import {
  branchOf,
  cancelOf,
  cseqOf,
  listOf,
  parseVia,
  printHostPort,
  responseTo,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from "../../codecs/sip/mod.ts";
import type { Machine } from "../../machines/kit/mod.ts";
import {
  type ClientTransactionInput,
  type InviteClientAction,
  type InviteServerAction,
  inviteClient,
  inviteServer,
  nonInviteClient,
  nonInviteServer,
  type TransactionFailure,
} from "../../machines/sip/mod.ts";
import { drive, type Mailbox, mailbox } from "../kit/mod.ts";
import type { Flow } from "./flow.ts";

/** At once, of either kind. */
export const TRANSACTIONS_MAX = 20_000;
/** RFC 3261 §17.1.1.1. */
export const T1_MS = 500;

export type ClientTold =
  | { readonly type: "received"; readonly response: SipResponse }
  | { readonly type: "failed"; readonly why: TransactionFailure };
export type ServerTold = { readonly type: "cancelled" } | { readonly type: "upstreamLost" };

export interface ClientTransaction {
  /** Cancels an INVITE as soon as that is allowed; nothing for other requests. Does not wait. */
  readonly giveUp: Effect.Effect<void>;
}
export interface ServerTransaction {
  readonly respond: (response: SipResponse) => Effect.Effect<void>;
}

/** What transactions do not settle among themselves. */
export interface TransactionUser {
  readonly request: (flow: Flow, request: SipRequest) => Effect.Effect<void>;
  /** The ACK of a 2xx: it has no transaction. */
  readonly ack: (flow: Flow, ack: SipRequest) => Effect.Effect<void>;
}

export interface Transactions {
  readonly ask: (
    flow: Flow,
    request: SipRequest,
    tell: (told: ClientTold) => Effect.Effect<void>,
  ) => Effect.Effect<ClientTransaction>;
  readonly serve: (
    flow: Flow,
    request: SipRequest,
    tell: (told: ServerTold) => Effect.Effect<void>,
  ) => Effect.Effect<ServerTransaction>;
  readonly receive: (flow: Flow, message: SipMessage, user: TransactionUser) => Effect.Effect<void>;
  readonly lost: (flow: Flow, why: string) => Effect.Effect<void>;
}

interface Live {
  readonly flow: Flow;
  readonly box: Mailbox<any>;
}

export const openTransactions = Effect.fn("sip.transactions")(function* (t1Ms: number = T1_MS) {
  const layer = yield* Effect.scope;
  const clients = new Map<string, Live>();
  const servers = new Map<string, Live>();

  /** One machine, until it is done: then it is forgotten and its timers end. */
  const host = <A>(
    live: Map<string, Live>,
    key: string,
    flow: Flow,
    machine: Machine<ClientTransactionInput, any, A>,
    request: SipRequest,
    performWith: (box: Mailbox<any>) => (action: A) => Effect.Effect<void>,
  ) =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(layer);
      const box = yield* Scope.provide(mailbox<any>(MAILBOX), scope);
      const entry = { flow, box };
      live.set(key, entry);
      const forget = Effect.suspend(() => {
        if (live.get(key) === entry) live.delete(key);
        return Scope.close(scope, Exit.void);
      });
      yield* Effect.forkIn(
        Effect.ensuring(drive(machine, { request, t1Ms }, box, performWith(box), key), forget),
        layer,
      );
      return box;
    });

  const ask: Transactions["ask"] = (flow, request, tell) =>
    Effect.gen(function* () {
      if (clients.size >= TRANSACTIONS_MAX) {
        yield* tell({ type: "failed", why: "lost" });
        return { giveUp: Effect.void };
      }
      const isInvite = request.method === "INVITE";
      const machine = (isInvite ? inviteClient : nonInviteClient) as Machine<
        ClientTransactionInput,
        any,
        InviteClientAction
      >;
      const box = yield* host(clients, clientKeyOf(request), flow, machine, request, (box) => (action) => {
        switch (action.type) {
          case "send":
            return flow.send(action.message);
          case "cancel":
            return Effect.asVoid(ask(flow, cancelOf(request), () => Effect.void));
          case "startTimer":
            return box.startTimer(action.timer, action.ms, { type: "timerFired", timer: action.timer });
          case "stopTimer":
            return box.stopTimer(action.timer);
          case "pass":
            return tell({ type: "received", response: action.response });
          case "fail":
            return tell({ type: "failed", why: action.why });
          case "note":
            return Effect.logDebug("sip.unexpected", action.unexpected);
        }
      });
      if (!flow.isOpen()) yield* box.tell({ type: "lost", why: "closed before" });
      // Apart, so that two mailboxes never wait for each other.
      const giveUp = isInvite ? Effect.asVoid(Effect.forkIn(box.tell({ type: "giveUp" }), layer)) : Effect.void;
      return { giveUp };
    });

  const serve: Transactions["serve"] = (flow, request, tell) =>
    Effect.gen(function* () {
      if (servers.size >= TRANSACTIONS_MAX) {
        yield* flow.send(responseTo(request, 503));
        yield* tell({ type: "upstreamLost" });
        return { respond: () => Effect.void };
      }
      const isInvite = request.method === "INVITE";
      const machine = (isInvite ? inviteServer : nonInviteServer) as Machine<
        ClientTransactionInput,
        any,
        InviteServerAction
      >;
      const key = serverKeyOf(flow, request, request.method);
      const box = yield* host(servers, key, flow, machine, request, (box) => (action) => {
        switch (action.type) {
          case "send":
            return flow.send(action.message);
          case "startTimer":
            return box.startTimer(action.timer, action.ms, { type: "timerFired", timer: action.timer });
          case "stopTimer":
            return box.stopTimer(action.timer);
          case "tell":
            return tell({ type: action.what });
          case "fail":
            return tell({ type: "upstreamLost" });
          case "note":
            return Effect.logDebug("sip.unexpected", action.unexpected);
        }
      });
      const respond = (response: SipResponse) => {
        return servers.get(key)?.box === box ? box.tell({ type: "respond", response }) : Effect.void;
      };
      return { respond };
    });

  const receive: Transactions["receive"] = (flow, message, user) => {
    if (message.type === "response") {
      const client = clients.get(clientKeyOf(message));
      if (client === undefined) return Effect.logDebug("sip.strayResponse", message.status);
      return client.box.tell({ type: "received", response: message });
    }
    const same = servers.get(serverKeyOf(flow, message, message.method));
    if (same !== undefined) return same.box.tell({ type: "repeated" });
    const invite = servers.get(serverKeyOf(flow, message, "INVITE"));
    if (message.method === "ACK")
      return invite === undefined ? user.ack(flow, message) : invite.box.tell({ type: "acked" });
    if (message.method !== "CANCEL" || invite === undefined) return user.request(flow, message);
    return Effect.andThen(flow.send(responseTo(message, 200)), invite.box.tell({ type: "cancelled" }));
  };

  const lost: Transactions["lost"] = (flow, why) =>
    Effect.forEach(
      [...clients.values(), ...servers.values()].filter((live) => live.flow === flow),
      ({ box }) => box.tell({ type: "lost", why }),
      { discard: true },
    );
  return { ask, serve, receive, lost } satisfies Transactions as Transactions;
});

const MAILBOX = 16;

const clientKeyOf = (message: SipMessage): string => `${branchOf(message)} ${cseqOf(message).method}`;

const serverKeyOf = (flow: Flow, request: SipRequest, method: string): string => {
  const via = parseVia(listOf(request, "Via")[0] ?? "");
  const sentBy = via.ok ? printHostPort(via.value.host, via.value.port) : "";
  return `${flow.who} ${branchOf(request)} ${sentBy} ${method}`;
};
