/** The transactions under way, and how one is hosted: a machine, its mailbox, and a name to find it by. */
import { Effect, Exit, Scope } from "effect";
import type { SipRequest } from "../../codecs/sip/mod.ts";
import type { Machine } from "../../machines/kit/mod.ts";
import type { ClientTransactionInput } from "../../machines/sip/mod.ts";
import { drive, type Mailbox, mailbox } from "../kit/mod.ts";
import type { Flow } from "./flow.ts";

/** At once, of either kind. */
export const TRANSACTIONS_MAX = 20_000;
/** The one peer whose requests come to a call agent, whatever stream it uses. RFC 3261 §17.2.3. */
export const OUR_BORDER = "inside";
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
