/** Hosts server transactions: a request came in, responses go back the way it came. RFC 3261 §17.2. */
import { Effect } from "effect";
import { responseTo, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";
import type { Machine } from "../../machines/kit/mod.ts";
import {
  type InviteServerAction,
  inviteServer,
  nonInviteServer,
  type ServerTransactionInput,
  serverKeyOf,
} from "../../machines/sip/mod.ts";
import type { Mailbox } from "../kit/mod.ts";
import type { Flow } from "./flow.ts";
import { hostTransaction, type LiveTransactions, OUR_BORDER, TRANSACTIONS_MAX } from "./live.ts";

export type ServerTold = { readonly type: "cancelled" } | { readonly type: "upstreamLost" };

export interface ServerTransaction {
  /** Nothing when the transaction is over. */
  readonly respond: (response: SipResponse) => Effect.Effect<void>;
}

export type Serve = (
  flow: Flow,
  request: SipRequest,
  tell: (told: ServerTold) => Effect.Effect<void>,
) => Effect.Effect<ServerTransaction>;

export const serveWith =
  (live: LiveTransactions): Serve =>
  (flow, request, tell) =>
    Effect.gen(function* () {
      if (live.servers.size >= TRANSACTIONS_MAX) {
        yield* flow.send(responseTo(request, 503));
        yield* tell({ type: "upstreamLost" });
        return { respond: () => Effect.void };
      }
      const performWith = (box: Mailbox<any>) => (action: InviteServerAction) => {
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
      };
      const key = serverKeyOf(OUR_BORDER, request, request.method);
      const isInvite = request.method === "INVITE";
      const one = yield* hostTransaction(
        live,
        "servers",
        key,
        flow,
        // The other machine gives a part of these orders.
        (isInvite ? inviteServer : nonInviteServer) as Machine<ServerTransactionInput, any, InviteServerAction>,
        request,
        performWith,
      );
      const respond = (response: SipResponse) =>
        Effect.suspend(() =>
          live.servers.get(key) === one ? one.box.tell({ type: "respond", response }) : Effect.void,
        );
      return { respond };
    });
