/**
 * One request through the overlay and its answer, sent again end to end until it comes. RFC 6940 §6.2.1.
 *
 *   o -- send, startTimer retransmit --> waiting -- answered ----------------> answered   stopTimer, report
 *                                        |   ^ \--- lost --------------------> lost       stopTimer, report
 *                           timerFired --+---+  send, startTimer (5 times in all)
 *                                        +------- the fifth: failed ---------> timedOut   report
 */
import { setup } from "xstate";
import type { Answer, ErrorResponse } from "../../codecs/reload/mod.ts";
import { declared, machineOf } from "../kit/mod.ts";

/** "for a total of 5 messages", §6.2.1: at the default timer of 3 s, a lifetime of 15 s. */
export const SENDS_MAX = 5;

export interface ReloadTransactionInput {
  /** The overlay-reliability-timer. */
  readonly retransmitMs: number;
}

export type ReloadTransactionEvent =
  | { readonly type: "answered"; readonly signer: bigint; readonly body: Answer | ErrorBody }
  | { readonly type: "timerFired"; readonly timer: "retransmit" }
  | { readonly type: "lost"; readonly why: string };
type ErrorBody = { readonly type: "error"; readonly value: ErrorResponse };

export type ReloadTransactionAction =
  /** The same message with the same transaction id, each time. */
  | { readonly type: "send" }
  | { readonly type: "startTimer"; readonly timer: "retransmit"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "retransmit" }
  | { readonly type: "report"; readonly outcome: ReloadOutcome }
  | { readonly type: "note"; readonly unexpected: string };

export type ReloadOutcome =
  | { readonly type: "answer"; readonly signer: bigint; readonly body: Answer }
  | { readonly type: "refused"; readonly signer: bigint; readonly error: ErrorResponse }
  | { readonly type: "timedOut" }
  | { readonly type: "lost"; readonly why: string };

interface Context extends ReloadTransactionInput {
  readonly sends: number;
}

const stop = { type: "stopTimer", params: { timer: "retransmit" } } as const;
const start = {
  type: "startTimer" as const,
  params: ({ context }: { context: Context }) => ({ timer: "retransmit" as const, ms: context.retransmitMs }),
};

const logic = setup({
  types: { input: {} as ReloadTransactionInput, context: {} as Context, events: {} as ReloadTransactionEvent },
  actions: declared<ReloadTransactionAction>({
    send: true,
    startTimer: true,
    stopTimer: true,
    report: true,
    note: true,
  }),
});
const count = logic.assign({ sends: ({ context }) => context.sends + 1 });

export const reloadTransaction = machineOf<ReloadTransactionAction>()(
  logic.createMachine({
    id: "reloadTransaction",
    context: ({ input }) => ({ ...input, sends: 1 }),
    initial: "waiting",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      waiting: {
        entry: [{ type: "send", params: {} }, start],
        on: {
          answered: {
            target: "answered",
            actions: [
              stop,
              { type: "report", params: ({ event }) => ({ outcome: outcomeOf(event.signer, event.body) }) },
            ],
          },
          timerFired: [
            {
              guard: ({ context }) => context.sends < SENDS_MAX,
              actions: [count, { type: "send", params: {} }, start],
            },
            { target: "timedOut", actions: { type: "report", params: { outcome: { type: "timedOut" } } } },
          ],
          lost: {
            target: "lost",
            actions: [stop, { type: "report", params: ({ event }) => ({ outcome: { type: "lost", why: event.why } }) }],
          },
        },
      },
      answered: { type: "final" },
      timedOut: { type: "final" },
      lost: { type: "final" },
    },
  }),
);

const outcomeOf = (signer: bigint, body: Answer | ErrorBody): ReloadOutcome =>
  body.type === "error" ? { type: "refused", signer, error: body.value } : { type: "answer", signer, body };
