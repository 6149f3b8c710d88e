/**
 * The client transaction of every request but INVITE, over a reliable transport. RFC 3261 §17.1.2.
 *
 *    o -- send, start F --> trying -- 1xx: pass --+
 *                             ^-------------------+
 *                             |-- final: pass --> done    K is zero on a reliable transport, E never starts
 *                             |-- F, lost: fail -> done
 * Requirements: RFC 3261 §17.1.2.2.
 */
import type { SipRequest, SipResponse } from "../../codecs/sip/mod.ts";
import { type Note, type Of, setup } from "../kit/mod.ts";
import type { ClientTransactionInput, TransactionFailure } from "./invite-client.ts";

export type NonInviteClientEvent =
  | { readonly type: "received"; readonly response: SipResponse }
  | { readonly type: "lost"; readonly why: string }
  | { readonly type: "timerFired"; readonly timer: "F" };

export type NonInviteClientAction =
  | { readonly type: "send"; readonly message: SipRequest }
  | { readonly type: "startTimer"; readonly timer: "F"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "F" }
  | { readonly type: "pass"; readonly response: SipResponse }
  | { readonly type: "fail"; readonly why: TransactionFailure }
  | Note;

const { machine, give } = setup<{
  input: ClientTransactionInput;
  context: ClientTransactionInput;
  event: NonInviteClientEvent;
  order: NonInviteClientAction;
}>();
type Received = Of<NonInviteClientEvent, "received">;

const isProvisional = (_: ClientTransactionInput, { response }: Received): boolean => response.status < 200;
const stopF = { type: "stopTimer", timer: "F" } as const;
const pass = give("pass", (_, { response }: Received) => ({ response }));

export const nonInviteClient = machine("nonInviteClient", {
  context: (input) => input,
  initial: "trying",
  entry: [
    give("startTimer", ({ t1Ms }) => ({ timer: "F", ms: 64 * t1Ms })),
    give("send", ({ request }) => ({ message: request })),
  ],
  states: {
    trying: {
      on: {
        received: [
          { guard: isProvisional, actions: pass },
          { target: "done", actions: [stopF, pass] },
        ],
        lost: { target: "done", actions: [stopF, { type: "fail", why: "lost" }] },
      },
      timers: { F: { target: "done", actions: { type: "fail", why: "timedOut" } } },
    },
    done: { type: "final" },
  },
});
