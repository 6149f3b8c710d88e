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
import { ackOf, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";
import { type Note, type Of, setup } from "../kit/mod.ts";

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
  | Note;

export type TransactionFailure = "timedOut" | "lost";

type ClientTimer = Of<InviteClientEvent, "timerFired">["timer"];
type Received = Of<InviteClientEvent, "received">;
const { machine, give } = setup<{
  input: ClientTransactionInput;
  context: ClientTransactionInput;
  event: InviteClientEvent;
  order: InviteClientAction;
}>();

const isProvisional = (_: ClientTransactionInput, { response }: Received): boolean => response.status < 200;
const isRefusal = (_: ClientTransactionInput, { response }: Received): boolean => response.status >= 300;

const stop = (timer: ClientTimer) => ({ type: "stopTimer", timer }) as const;
const fail = (why: TransactionFailure) => ({ type: "fail", why }) as const;
const timedOut = { target: "done", actions: fail("timedOut") } as const;
const pass = give("pass", (_, { response }: Received) => ({ response }));
const sendAck = give("send", ({ request }, { response }: Received) => ({ message: ackOf(request, response) }));
const startCancel = give("startTimer", ({ t1Ms }) => ({ timer: "cancel", ms: 64 * t1Ms }));

/** What ends the transaction in any state, with the timers that run there. */
const finals = (...running: ReadonlyArray<ClientTimer>) =>
  [
    { guard: isRefusal, target: "done", actions: [...running.map(stop), sendAck, pass] },
    { target: "done", actions: [...running.map(stop), pass] },
  ] as const;
const lost = (...running: ReadonlyArray<ClientTimer>) =>
  ({ target: "done", actions: [...running.map(stop), fail("lost")] }) as const;

export const inviteClient = machine("inviteClient", {
  context: (input) => input,
  initial: "calling",
  entry: [
    give("startTimer", ({ t1Ms }) => ({ timer: "B", ms: 64 * t1Ms })),
    give("send", ({ request }) => ({ message: request })),
  ],
  states: {
    calling: {
      on: {
        received: [{ guard: isProvisional, target: "proceeding", actions: [stop("B"), pass] }, ...finals("B")],
        giveUp: { target: "cancelWanted" },
        lost: lost("B"),
      },
      timers: { B: timedOut },
    },
    cancelWanted: {
      on: {
        received: [
          { guard: isProvisional, target: "cancelling", actions: [stop("B"), pass, { type: "cancel" }, startCancel] },
          ...finals("B"),
        ],
        lost: lost("B"),
      },
      timers: { B: timedOut },
    },
    proceeding: {
      on: {
        received: [{ guard: isProvisional, actions: pass }, ...finals()],
        giveUp: { target: "cancelling", actions: [{ type: "cancel" }, startCancel] },
        lost: lost(),
      },
    },
    cancelling: {
      on: {
        received: [{ guard: isProvisional, actions: pass }, ...finals("cancel")],
        lost: lost("cancel"),
      },
      timers: { cancel: timedOut },
    },
    done: { type: "final" },
  },
});
