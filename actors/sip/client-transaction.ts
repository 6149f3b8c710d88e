/** Hosts client transactions: a request goes out, responses come back to whoever asked. RFC 3261 §17.1. */
import { Effect } from "effect";
import { cancelOf, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";
import type { Machine } from "../../machines/kit/mod.ts";
import {
  type ClientTransactionInput,
  clientKeyOf,
  type InviteClientAction,
  inviteClient,
  nonInviteClient,
  type TransactionFailure,
} from "../../machines/sip/mod.ts";
import type { Mailbox } from "../kit/mod.ts";
import type { Flow } from "./flow.ts";
import { hostTransaction, type LiveTransactions, TRANSACTIONS_MAX } from "./live.ts";

export type ClientTold =
  | { readonly type: "received"; readonly response: SipResponse }
  | { readonly type: "failed"; readonly why: TransactionFailure };

export interface ClientTransaction {
  /** Cancels an INVITE as soon as that is allowed; nothing for other requests. Does not wait. */
  readonly giveUp: Effect.Effect<void>;
}

export type Ask = (
  flow: Flow,
  request: SipRequest,
  tell: (told: ClientTold) => Effect.Effect<void>,
) => Effect.Effect<ClientTransaction>;

export const askWith = (live: LiveTransactions): Ask => {
  const ask: Ask = (flow, request, tell) =>
    Effect.gen(function* () {
      if (live.clients.size >= TRANSACTIONS_MAX) {
        yield* tell({ type: "failed", why: "lost" });
        return { giveUp: Effect.void };
      }
      const performWith = (box: Mailbox<any>) => (action: InviteClientAction) => {
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
      };
      const isInvite = request.method === "INVITE";
      const { box } = yield* hostTransaction(
        live,
        "clients",
        clientKeyOf(request),
        flow,
        // The other machine gives a part of these orders.
        (isInvite ? inviteClient : nonInviteClient) as Machine<ClientTransactionInput, any, InviteClientAction>,
        request,
        performWith,
      );
      if (!flow.isOpen()) yield* box.tell({ type: "lost", why: "closed before" });
      // Apart, so that two mailboxes never wait for each other.
      const giveUp = isInvite ? Effect.asVoid(Effect.forkIn(box.tell({ type: "giveUp" }), live.scope)) : Effect.void;
      return { giveUp };
    });
  return ask;
};
