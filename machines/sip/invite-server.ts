/**
 * The INVITE server transaction over a reliable transport. RFC 3261 §17.2.1.
 *
 *    o -- send 100 --> proceeding -- respond 1xx: send --+
 *                        ^ ^-----------------------------+
 *                        | |-- respond 2xx: send --> done
 *                        | +-- respond 300..699: send, start H --> completed -- acked --> done
 *                        +-- cancelled: tell                           |-- H: fail ---> done
 *
 * G is for datagrams and never starts; I is zero, so that `confirmed` is over as it begins. An INVITE that comes again
 * is answered with what was answered last.
 */
import { setup } from "xstate";
import { responseTo, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";
import { decide, declared, machineOf } from "../kit/mod.ts";
import type { TransactionFailure } from "./invite-client.ts";

export interface ServerTransactionInput {
  readonly request: SipRequest;
  readonly t1Ms: number;
}

export type InviteServerEvent =
  | { readonly type: "repeated" }
  | { readonly type: "respond"; readonly response: SipResponse }
  | { readonly type: "acked" }
  | { readonly type: "cancelled" }
  | { readonly type: "lost"; readonly why: string }
  | { readonly type: "timerFired"; readonly timer: "H" };

export type InviteServerAction =
  | { readonly type: "send"; readonly message: SipResponse }
  | { readonly type: "startTimer"; readonly timer: "H"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "H" }
  | { readonly type: "tell"; readonly what: "cancelled" }
  | { readonly type: "fail"; readonly why: TransactionFailure }
  | { readonly type: "note"; readonly unexpected: string };

interface Context extends ServerTransactionInput {
  readonly last: SipResponse;
}

type Respond = Extract<InviteServerEvent, { readonly type: "respond" }>;
const send = decide((_: Context, { response }: Respond) => ({
  context: { last: response },
  actions: [{ type: "send" as const, message: response }],
}));
const sendLast = {
  type: "send",
  params: ({ context }: { context: Context }) => ({ message: context.last }),
} as const;

export const inviteServer = machineOf<InviteServerAction>()(
  setup({
    types: { input: {} as ServerTransactionInput, context: {} as Context, events: {} as InviteServerEvent },
    actions: declared<InviteServerAction>({
      send: true,
      startTimer: true,
      stopTimer: true,
      tell: true,
      fail: true,
      note: true,
    }),
  }).createMachine({
    id: "inviteServer",
    context: ({ input }) => ({ ...input, last: responseTo(input.request, 100) }),
    initial: "proceeding",
    entry: sendLast,
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      proceeding: {
        on: {
          repeated: { actions: sendLast },
          respond: [
            { guard: ({ event }) => event.response.status < 200, actions: send },
            { guard: ({ event }) => event.response.status < 300, target: "done", actions: send },
            {
              target: "completed",
              actions: [
                send,
                {
                  type: "startTimer",
                  params: ({ context }) => ({ timer: "H" as const, ms: 64 * context.t1Ms }),
                },
              ],
            },
          ],
          cancelled: { actions: { type: "tell", params: { what: "cancelled" } } },
          lost: { target: "done", actions: { type: "fail", params: { why: "lost" } } },
        },
      },
      completed: {
        on: {
          repeated: { actions: sendLast },
          acked: { target: "done", actions: { type: "stopTimer", params: { timer: "H" } } },
          lost: { target: "done", actions: { type: "stopTimer", params: { timer: "H" } } },
          timerFired: { target: "done", actions: { type: "fail", params: { why: "timedOut" } } },
        },
      },
      done: { type: "final" },
    },
  }),
);
