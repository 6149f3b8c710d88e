/**
 * The client transaction of every request but INVITE, over a reliable transport. RFC 3261 §17.1.2.
 *
 *    o -- send, start F --> trying -- 1xx: pass --+
 *                             ^-------------------+
 *                             |-- final: pass --> done    K is zero on a reliable transport, E never starts
 *                             |-- F, lost: fail -> done
 */
import { setup } from "xstate";
import type { SipRequest, SipResponse } from "../../codecs/sip/mod.ts";
import { decide, declared, machineOf } from "../kit/mod.ts";
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
  | { readonly type: "note"; readonly unexpected: string };

const stopF = { type: "stopTimer", params: { timer: "F" } } as const;
const passIt = {
  type: "pass",
  params: ({ event }: { event: { readonly response: SipResponse } }) => ({ response: event.response }),
} as const;

export const nonInviteClient = machineOf<NonInviteClientAction>()(
  setup({
    types: {
      input: {} as ClientTransactionInput,
      context: {} as ClientTransactionInput,
      events: {} as NonInviteClientEvent,
    },
    actions: declared<NonInviteClientAction>({
      send: true,
      startTimer: true,
      stopTimer: true,
      pass: true,
      fail: true,
      note: true,
    }),
  }).createMachine({
    id: "nonInviteClient",
    context: ({ input }) => input,
    initial: "trying",
    entry: decide(({ request, t1Ms }: ClientTransactionInput) => ({
      actions: [
        { type: "startTimer" as const, timer: "F" as const, ms: 64 * t1Ms },
        { type: "send" as const, message: request },
      ],
    })),
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      trying: {
        on: {
          received: [
            { guard: ({ event }) => event.response.status < 200, actions: passIt },
            { target: "done", actions: [stopF, passIt] },
          ],
          lost: { target: "done", actions: [stopF, { type: "fail", params: { why: "lost" } }] },
          timerFired: { target: "done", actions: { type: "fail", params: { why: "timedOut" } } },
        },
      },
      done: { type: "final" },
    },
  }),
);
