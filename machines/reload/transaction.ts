/**
 * One request through the overlay and its answer, sent again end to end until it comes. RFC 6940 §6.2.1.
 *
 *   o -- send, startTimer retransmit --> waiting -- answered ----------------> answered   stopTimer, report
 *                                        |   ^ \--- lost --------------------> lost       stopTimer, report
 *                           timerFired --+---+  send, startTimer (5 times in all)
 *                                        +------- the fifth: failed ---------> timedOut   report
 */
import type { Answer, ErrorResponse, NodeId } from "../../codecs/reload/mod.ts";
import { type Note, setup } from "../kit/mod.ts";

/** "for a total of 5 messages", §6.2.1: at the default timer of 3 s, a lifetime of 15 s. */
export const SENDS_MAX = 5;

export interface ReloadTransactionInput {
  /** The overlay-reliability-timer. */
  readonly retransmitMs: number;
}

export type ReloadTransactionEvent =
  | { readonly type: "answered"; readonly signer: NodeId; readonly body: Answer | ErrorBody }
  | { readonly type: "timerFired"; readonly timer: "retransmit" }
  | { readonly type: "lost"; readonly why: string };
type ErrorBody = { readonly type: "error"; readonly value: ErrorResponse };

export type ReloadTransactionAction =
  /** The same message with the same transaction id, each time. */
  | { readonly type: "send" }
  | { readonly type: "startTimer"; readonly timer: "retransmit"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "retransmit" }
  | { readonly type: "report"; readonly outcome: ReloadOutcome }
  | Note;

export type ReloadOutcome =
  | { readonly type: "answer"; readonly signer: NodeId; readonly body: Answer }
  | { readonly type: "refused"; readonly signer: NodeId; readonly error: ErrorResponse }
  | { readonly type: "timedOut" }
  | { readonly type: "lost"; readonly why: string };

interface Context extends ReloadTransactionInput {
  readonly sends: number;
}

const { machine, assign, give } = setup<{
  input: ReloadTransactionInput;
  context: Context;
  event: ReloadTransactionEvent;
  order: ReloadTransactionAction;
}>();

const send = { type: "send" } as const;
const start = give("startTimer", ({ retransmitMs }) => ({ timer: "retransmit", ms: retransmitMs }));
const stop = { type: "stopTimer", timer: "retransmit" } as const;

export const reloadTransaction = machine("reloadTransaction", {
  context: (input) => ({ ...input, sends: 1 }),
  initial: "waiting",
  states: {
    waiting: {
      entry: [send, start],
      on: {
        answered: {
          target: "answered",
          actions: [stop, give("report", (_, { signer, body }) => ({ outcome: outcomeOf(signer, body) }))],
        },
        lost: {
          target: "lost",
          actions: [stop, give("report", (_, { why }) => ({ outcome: { type: "lost", why } }))],
        },
      },
      timers: {
        retransmit: [
          { guard: maySendAgain, actions: [assign(({ sends }) => ({ sends: sends + 1 })), send, start] },
          { target: "timedOut", actions: { type: "report", outcome: { type: "timedOut" } } },
        ],
      },
    },
    answered: { type: "final" },
    timedOut: { type: "final" },
    lost: { type: "final" },
  },
});

function maySendAgain({ sends }: Context): boolean {
  return sends < SENDS_MAX;
}
function outcomeOf(signer: NodeId, body: Answer | ErrorBody): ReloadOutcome {
  return body.type === "error" ? { type: "refused", signer, error: body.value } : { type: "answer", signer, body };
}
