/** The transactions under way, and how one is hosted: a machine, its mailbox, and a name to find it by. */
import { Effect, Exit, Scope } from "effect";
import {
  branchOf,
  cseqOf,
  headerOf,
  MAGIC_BRANCH,
  printHostPort,
  type SipMessage,
  type SipRequest,
  tagOf,
  topViaOf,
} from "../../codecs/sip/mod.ts";
import type { Machine } from "../../machines/kit/mod.ts";
import type { ClientTransactionInput } from "../../machines/sip/mod.ts";
import { drive, type Mailbox, mailbox } from "../kit/mod.ts";
import type { Flow } from "./flow.ts";

/** At once, of either kind. */
export const TRANSACTIONS_MAX = 20_000;
const EVENTS_MAX = 16; // a transaction's mailbox

export interface LiveTransaction {
  readonly flow: Flow;
  readonly box: Mailbox<any>;
}

export interface LiveTransactions {
  readonly scope: Scope.Scope;
  readonly t1Ms: number;
  readonly clients: Map<string, LiveTransaction>;
  readonly servers: Map<string, LiveTransaction>;
}

/** Hosts one machine until it is done: then it is forgotten and its timers end. */
export const hostTransaction = <A>(
  live: LiveTransactions,
  kind: "clients" | "servers",
  key: string,
  flow: Flow,
  machine: Machine<ClientTransactionInput, any, A>,
  request: SipRequest,
  performWith: (box: Mailbox<any>) => (action: A) => Effect.Effect<void>,
): Effect.Effect<LiveTransaction> =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(live.scope);
    const box = yield* Scope.provide(mailbox<any>(EVENTS_MAX), scope);
    const one: LiveTransaction = { flow, box };
    live[kind].set(key, one);
    const forget = Effect.suspend(() => {
      if (live[kind].get(key) === one) live[kind].delete(key);
      return Scope.close(scope, Exit.void);
    });
    const whole = drive(machine, { request, t1Ms: live.t1Ms }, box, performWith(box), key);
    yield* Effect.forkIn(Effect.ensuring(whole, forget), live.scope);
    return one;
  });

/** RFC 3261 §17.1.3: the branch and the method of CSeq. */
export const clientKeyOf = (message: SipMessage): string => `${branchOf(message)} ${cseqOf(message).method}`;

/**
 * RFC 3261 §17.2.3: the branch, sent-by and method; and the peer, so that one cannot speak for another. A Via without the
 * cookie is of an RFC 2543 client and names no transaction: there it is what its requests of one transaction share. The To tag
 * is not among that, for the ACK has the one that we gave.
 */
export const serverKeyOf = (flow: Flow, request: SipRequest, method: string): string => {
  const via = topViaOf(request);
  const sentBy = via === undefined ? "" : printHostPort(via.host, via.port);
  const branch = branchOf(request);
  if (branch?.startsWith(MAGIC_BRANCH)) return `${flow.who} ${branch} ${sentBy} ${method}`;
  const call = `${headerOf(request, "Call-ID")} ${tagOf(request, "From")} ${cseqOf(request).number}`;
  return `${flow.who} 2543 ${branch} ${sentBy} ${request.uri} ${call} ${method}`;
};
