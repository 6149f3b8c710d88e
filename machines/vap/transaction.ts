/**
 * One VAP request and its answer, over a reliable transport. draft-jennings-vipr-vap-02 §9.3; RFC 5389 §7.2.2.
 * Any number run side by side on one connection: each knows its answer by the transaction id.
 *
 *    o -- send, startTimer Ti --> waiting -- answered --> answered   stopTimer Ti, report
 *                                    |------ timerFired -> timedOut  report
 *                                    +------ lost -------> lost      stopTimer Ti, report
 */
import { equalBytes } from "../../codecs/shared/mod.ts";
import { errorCode, errorNumberOf, type VapContent, type VapMessage } from "../../codecs/vap/mod.ts";
import { type Note, type Of, setup } from "../kit/mod.ts";

/** The draft's default for Ti. */
export const TI_MS = 39_500;

/** The request; the id is 12 random bytes. */
export interface VapTransactionInput {
  readonly request: VapContent;
  readonly transactionId: Uint8Array;
  readonly timeoutMs: number;
}
/** What happens to a transaction. */
export type VapTransactionEvent =
  /** `genuine`: its seal is the one that our key makes. */
  | { readonly type: "answered"; readonly response: VapMessage; readonly genuine: boolean }
  | { readonly type: "timerFired"; readonly timer: "Ti" }
  | { readonly type: "lost"; readonly why: string };
/** What a transaction orders: one send, one report. */
export type VapTransactionAction =
  | { readonly type: "send"; readonly content: VapContent; readonly transactionId: Uint8Array }
  | { readonly type: "startTimer"; readonly timer: "Ti"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "Ti" }
  | { readonly type: "report"; readonly outcome: VapOutcome }
  | Note;
/** How a request ended; `why` is for people. */
export type VapOutcome =
  | { readonly type: "answer"; readonly response: VapMessage }
  | { readonly type: "timedOut" }
  | { readonly type: "lost"; readonly why: string };

const { machine, give } = setup<{
  input: VapTransactionInput;
  context: VapTransactionInput;
  event: VapTransactionEvent;
  order: VapTransactionAction;
}>();

const stopTi = { type: "stopTimer", timer: "Ti" } as const;

export const vapTransaction = machine("vapTransaction", {
  context: (input) => input,
  initial: "waiting",
  states: {
    waiting: {
      entry: [
        give("send", ({ request, transactionId }) => ({ content: request, transactionId })),
        give("startTimer", ({ timeoutMs }) => ({ timer: "Ti", ms: timeoutMs })),
      ],
      on: {
        answered: {
          guard: isAnswer,
          target: "answered",
          actions: [stopTi, give("report", (_, { response }) => ({ outcome: { type: "answer", response } }))],
        },
        lost: {
          target: "lost",
          actions: [stopTi, give("report", (_, { why }) => ({ outcome: { type: "lost", why } }))],
        },
      },
      timers: { Ti: { target: "timedOut", actions: { type: "report", outcome: { type: "timedOut" } } } },
    },
    answered: { type: "final" },
    timedOut: { type: "final" },
    lost: { type: "final" },
  },
});

/** The response to our request, and with a seal that is to be believed. */
function isAnswer(
  { request, transactionId }: VapTransactionInput,
  event: Of<VapTransactionEvent, "answered">,
): boolean {
  const { response } = event;
  const isOurs =
    response.type.class !== "request" &&
    response.type.method === request.method &&
    equalBytes(response.transactionId, transactionId);
  return isOurs && isBelieved(event);
}

/** Responses that cannot be sealed are believed as they are; every other needs its seal. */
const isBelieved = ({ response, genuine }: { readonly response: VapMessage; readonly genuine: boolean }): boolean => {
  const error = errorNumberOf(response);
  return genuine || error === errorCode.integrityCheckFailure || error === errorCode.unknownUsername;
};
