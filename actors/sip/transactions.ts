/**
 * The transaction layer: finds, for each message, whose it is. RFC 3261 §17.1.3 and §17.2.3.
 *
 *   response -- branch, method --> client transaction --> whoever asked
 *   request  -- peer, branch, sent-by --> server transaction, or `request`, or `ack` when nobody waits for it
 */
import { Effect } from "effect";
import { responseTo, type SipMessage, type SipRequest, type Unreadable } from "../../codecs/sip/mod.ts";
import { clientKeyOf, serverKeyOf } from "../../machines/sip/mod.ts";
import { type Ask, askWith } from "./client-transaction.ts";
import type { Flow } from "./flow.ts";
import { type LiveTransactions, OUR_BORDER } from "./live.ts";
import { type Serve, serveWith } from "./server-transaction.ts";

/** RFC 3261 §17.1.1.1. */
export const T1_MS = 500;

/** What transactions do not settle among themselves. */
export interface TransactionUser {
  readonly request: (flow: Flow, request: SipRequest) => Effect.Effect<void>;
  /** The ACK of a 2xx: it has no transaction. */
  readonly ack: (flow: Flow, ack: SipRequest) => Effect.Effect<void>;
  /** What is no SIP, in a stream that goes on. */
  readonly unreadable: (flow: Flow, found: Unreadable) => Effect.Effect<void>;
}

export interface Transactions {
  readonly ask: Ask;
  readonly serve: Serve;
  readonly receive: (flow: Flow, message: SipMessage, user: TransactionUser) => Effect.Effect<void>;
  readonly lost: (flow: Flow, why: string) => Effect.Effect<void>;
}

export const openTransactions = Effect.fn("sip.transactions")(function* (t1Ms: number = T1_MS) {
  const live: LiveTransactions = { scope: yield* Effect.scope, t1Ms, clients: new Map(), servers: new Map() };
  const lost: Transactions["lost"] = (flow, why) =>
    Effect.forEach(
      [...live.clients.values(), ...live.servers.values()].filter((one) => one.flow === flow),
      ({ box }) => box.tell({ type: "lost", why }),
      { discard: true },
    );
  const receive: Transactions["receive"] = (flow, message, user) => receiveWith(live, flow, message, user);
  return { ask: askWith(live), serve: serveWith(live), receive, lost } satisfies Transactions as Transactions;
});

const receiveWith = (
  { clients, servers }: LiveTransactions,
  flow: Flow,
  message: SipMessage,
  user: TransactionUser,
) => {
  if (message.type === "response") {
    const client = clients.get(clientKeyOf(message));
    if (client === undefined) return Effect.logDebug("sip.strayResponse", message.status);
    return client.box.tell({ type: "received", response: message });
  }
  const { method } = message;
  const same = servers.get(serverKeyOf(OUR_BORDER, message, method));
  if (same !== undefined) return same.box.tell({ type: "repeated" });
  const invite = servers.get(serverKeyOf(OUR_BORDER, message, "INVITE"));
  if (method === "ACK") return invite === undefined ? user.ack(flow, message) : invite.box.tell({ type: "acked" });
  if (method !== "CANCEL" || invite === undefined) return user.request(flow, message);
  return Effect.andThen(flow.send(responseTo(message, 200)), invite.box.tell({ type: "cancelled" }));
};
