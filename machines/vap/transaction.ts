/**
 * One VAP request and its answer, over a reliable transport. draft-jennings-vipr-vap-02 §9.3; RFC 5389 §7.2.2.
 * Any number run side by side on one connection: each knows its answer by the transaction id.
 *
 *    o -- send, startTimer Ti --> waiting -- answered --> answered   stopTimer Ti, report
 *                                    |------ timerFired -> timedOut  report
 *                                    +------ lost -------> lost      stopTimer Ti, report
 */
import { setup } from "xstate";
import { equalBytes } from "../../codecs/shared/mod.ts";
import { errorCode, errorNumberOf, type VapContent, type VapMessage } from "../../codecs/vap/mod.ts";
import { declared, machineOf } from "../kit/mod.ts";

/** The draft's default for Ti. */
export const TI_MS = 39_500;

export interface VapTransactionInput {
  readonly request: VapContent;
  readonly transactionId: Uint8Array;
  readonly timeoutMs: number;
}
export type VapTransactionEvent =
  /** `genuine`: its seal is the one that our key makes. */
  | { readonly type: "answered"; readonly response: VapMessage; readonly genuine: boolean }
  | { readonly type: "timerFired"; readonly timer: "Ti" }
  | { readonly type: "lost"; readonly why: string };
export type VapTransactionAction =
  | { readonly type: "send"; readonly content: VapContent; readonly transactionId: Uint8Array }
  | { readonly type: "startTimer"; readonly timer: "Ti"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "Ti" }
  | { readonly type: "report"; readonly outcome: VapOutcome }
  | { readonly type: "note"; readonly unexpected: string };
export type VapOutcome =
  | { readonly type: "answer"; readonly response: VapMessage }
  | { readonly type: "timedOut" }
  | { readonly type: "lost"; readonly why: string };

const stopTi = { type: "stopTimer", params: { timer: "Ti" } } as const;

export const vapTransaction = machineOf<VapTransactionAction>()(
  setup({
    types: {
      input: {} as VapTransactionInput,
      context: {} as VapTransactionInput,
      events: {} as VapTransactionEvent,
    },
    actions: declared<VapTransactionAction>({
      send: true,
      startTimer: true,
      stopTimer: true,
      report: true,
      note: true,
    }),
  }).createMachine({
    id: "vapTransaction",
    context: ({ input }) => input,
    initial: "waiting",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      waiting: {
        entry: [
          {
            type: "send",
            params: ({ context }) => ({ content: context.request, transactionId: context.transactionId }),
          },
          { type: "startTimer", params: ({ context }) => ({ timer: "Ti" as const, ms: context.timeoutMs }) },
        ],
        on: {
          answered: {
            guard: ({ context, event }) => isAnswer(context, event.response) && isBelieved(event),
            target: "answered",
            actions: [
              stopTi,
              {
                type: "report",
                params: ({ event }) => ({ outcome: { type: "answer" as const, response: event.response } }),
              },
            ],
          },
          timerFired: { target: "timedOut", actions: { type: "report", params: { outcome: { type: "timedOut" } } } },
          lost: {
            target: "lost",
            actions: [
              stopTi,
              { type: "report", params: ({ event }) => ({ outcome: { type: "lost" as const, why: event.why } }) },
            ],
          },
        },
      },
      answered: { type: "final" },
      timedOut: { type: "final" },
      lost: { type: "final" },
    },
  }),
);

const isAnswer = ({ request, transactionId }: VapTransactionInput, response: VapMessage): boolean =>
  response.type.class !== "request" &&
  response.type.method === request.method &&
  equalBytes(response.transactionId, transactionId);

/** Responses that cannot be sealed are believed as they are; every other needs its seal. */
const isBelieved = ({ response, genuine }: { readonly response: VapMessage; readonly genuine: boolean }): boolean => {
  const error = errorNumberOf(response);
  return genuine || error === errorCode.integrityCheckFailure || error === errorCode.unknownUsername;
};
