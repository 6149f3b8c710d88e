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
import { responseTo, type SipRequest, type SipResponse } from "../../codecs/sip/mod.ts";
import { type Note, type Of, setup } from "../kit/mod.ts";
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
  | Note;

interface Context extends ServerTransactionInput {
  readonly last: SipResponse;
}

const { machine, decide, give } = setup<{
  input: ServerTransactionInput;
  context: Context;
  event: InviteServerEvent;
  order: InviteServerAction;
}>();
type Respond = Of<InviteServerEvent, "respond">;

const isProvisional = (_: Context, { response }: Respond): boolean => response.status < 200;
const isSuccess = (_: Context, { response }: Respond): boolean => response.status < 300;
const stopH = { type: "stopTimer", timer: "H" } as const;
const startH = give("startTimer", ({ t1Ms }) => ({ timer: "H", ms: 64 * t1Ms }));
const sendLast = give("send", ({ last }) => ({ message: last }));
const send = decide(["send"], (_, { response }: Respond) => ({
  context: { last: response },
  actions: [{ type: "send", message: response }],
}));

export const inviteServer = machine("inviteServer", {
  context: (input) => ({ ...input, last: responseTo(input.request, 100) }),
  initial: "proceeding",
  entry: sendLast,
  states: {
    proceeding: {
      on: {
        repeated: { actions: sendLast },
        respond: [
          { guard: isProvisional, actions: send },
          { guard: isSuccess, target: "done", actions: send },
          { target: "completed", actions: [send, startH] },
        ],
        cancelled: { actions: { type: "tell", what: "cancelled" } },
        lost: { target: "done", actions: { type: "fail", why: "lost" } },
      },
    },
    completed: {
      on: {
        repeated: { actions: sendLast },
        acked: { target: "done", actions: stopH },
        lost: { target: "done", actions: stopH },
      },
      timers: { H: { target: "done", actions: { type: "fail", why: "timedOut" } } },
    },
    done: { type: "final" },
  },
});
