/**
 * The INVITE client transaction over a reliable transport. RFC 3261 §17.1.1, and §9.1 for giving up.
 *
 *    o -- send, start B --> calling -- 1xx --> proceeding -- 300..699: send ACK --> done
 *                              |  \               |   \----- 2xx ------------------> done
 *                              | giveUp           | giveUp: cancel, start cancel
 *                              v                  v
 *                         cancelWanted -- 1xx --> cancelling -- final, timer cancel --> done
 *
 * Timers A and D are for datagrams: A never starts and D is zero here. B is the RFC's; `cancel` is ours, for the 64*T1 that
 * §9.1 waits after a CANCEL. A CANCEL must not be sent before a provisional response came, hence cancelWanted.
 */
import { setup } from "xstate";
import { ackOf, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";
import { decide, declared, machineOf } from "../kit/mod.ts";

export interface ClientTransactionInput {
  readonly request: SipRequest;
  /** The round trip estimate; 500 in the RFC. */
  readonly t1Ms: number;
}

export type InviteClientEvent =
  | { readonly type: "received"; readonly response: SipResponse }
  | { readonly type: "giveUp" }
  | { readonly type: "lost"; readonly why: string }
  | { readonly type: "timerFired"; readonly timer: "B" | "cancel" };

export type InviteClientAction =
  | { readonly type: "send"; readonly message: SipRequest }
  /** Send the CANCEL of the request, in a transaction of its own. */
  | { readonly type: "cancel" }
  | { readonly type: "startTimer"; readonly timer: "B" | "cancel"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "B" | "cancel" }
  | { readonly type: "pass"; readonly response: SipResponse }
  /** It ended without a final response. */
  | { readonly type: "fail"; readonly why: TransactionFailure }
  | { readonly type: "note"; readonly unexpected: string };

export type TransactionFailure = "timedOut" | "lost";

const isProvisional = ({ event }: { event: { readonly response: SipResponse } }) => event.response.status < 200;
const isRefusal = ({ event }: { event: { readonly response: SipResponse } }) => event.response.status >= 300;

const stop = (timer: "B" | "cancel") => ({ type: "stopTimer", params: { timer } }) as const;
const passIt = {
  type: "pass",
  params: ({ event }: { event: { readonly response: SipResponse } }) => ({ response: event.response }),
} as const;
const sendAck = {
  type: "send",
  params: (_: { context: ClientTransactionInput; event: { readonly response: SipResponse } }) => ({
    message: ackOf(_.context.request, _.event.response),
  }),
} as const;
const fail = (why: TransactionFailure) => ({ type: "fail", params: { why } }) as const;
const startCancel = {
  type: "startTimer",
  params: ({ context }: { context: ClientTransactionInput }) => ({ timer: "cancel" as const, ms: 64 * context.t1Ms }),
} as const;
/** What ends the transaction in any state, with the timer that runs there. */
const endings = (timer: "B" | "cancel" | undefined) => {
  const stopped = timer === undefined ? [] : [stop(timer)];
  return [
    { guard: isRefusal, target: "done", actions: [...stopped, sendAck, passIt] },
    { target: "done", actions: [...stopped, passIt] },
  ] as const;
};
const lost = (timer?: "B" | "cancel") =>
  ({ target: "done", actions: timer === undefined ? [fail("lost")] : [stop(timer), fail("lost")] }) as const;
const firedIs = (timer: "B" | "cancel") =>
  ({
    guard: ({ event }: { event: { readonly timer: "B" | "cancel" } }) => event.timer === timer,
    target: "done",
    actions: fail("timedOut"),
  }) as const;

export const inviteClient = machineOf<InviteClientAction>()(
  setup({
    types: {
      input: {} as ClientTransactionInput,
      context: {} as ClientTransactionInput,
      events: {} as InviteClientEvent,
    },
    actions: declared<InviteClientAction>({
      send: true,
      cancel: true,
      startTimer: true,
      stopTimer: true,
      pass: true,
      fail: true,
      note: true,
    }),
  }).createMachine({
    id: "inviteClient",
    context: ({ input }) => input,
    initial: "calling",
    entry: decide(({ request, t1Ms }: ClientTransactionInput) => ({
      actions: [
        { type: "startTimer" as const, timer: "B" as const, ms: 64 * t1Ms },
        { type: "send" as const, message: request },
      ],
    })),
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      calling: {
        on: {
          received: [{ guard: isProvisional, target: "proceeding", actions: [stop("B"), passIt] }, ...endings("B")],
          giveUp: "cancelWanted",
          lost: lost("B"),
          timerFired: firedIs("B"),
        },
      },
      cancelWanted: {
        on: {
          received: [
            {
              guard: isProvisional,
              target: "cancelling",
              actions: [stop("B"), passIt, { type: "cancel", params: {} }, startCancel],
            },
            ...endings("B"),
          ],
          lost: lost("B"),
          timerFired: firedIs("B"),
        },
      },
      proceeding: {
        on: {
          received: [{ guard: isProvisional, actions: passIt }, ...endings(undefined)],
          giveUp: { target: "cancelling", actions: [{ type: "cancel", params: {} }, startCancel] },
          lost: lost(),
        },
      },
      cancelling: {
        on: {
          received: [{ guard: isProvisional, actions: passIt }, ...endings("cancel")],
          lost: lost("cancel"),
          timerFired: firedIs("cancel"),
        },
      },
      done: { type: "final" },
    },
  }),
);
