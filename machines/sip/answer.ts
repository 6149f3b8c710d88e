/**
 * A call that reaches our call agent over SIP. RFC 3261 §13.3; docs/protocol/sip.md#call-records.
 *
 *    o -- unwelcome: respond --> done
 *    o -- respond 180 --> ringing -- answer timer: respond 200 --> answered -- acked --> talking -- hungUp --> done
 *                           |-- cancelled: respond 487 --> done       |-- hungUp --> done  |
 *                           +-- lost --> done                         +-- ack timer: bye --------> ending -- byeDone --> done
 */
import { type Note, setup } from "../kit/mod.ts";

export interface AnswerInput {
  /** The status with which the call is refused; undefined: it is welcome. */
  readonly unwelcome: number | undefined;
  /** How long it rings. */
  readonly answerMs: number;
  readonly t1Ms: number;
  /** A call may last so long; a caller who vanished would hold it for ever. */
  readonly talkMsMax: number;
}

export type AnswerTimer = "answer" | "ack" | "talk";

export type AnswerEvent =
  | { readonly type: "acked" }
  | { readonly type: "cancelled" }
  | { readonly type: "hungUp" }
  | { readonly type: "lost"; readonly why: string }
  | { readonly type: "byeDone" }
  | { readonly type: "timerFired"; readonly timer: AnswerTimer };

export type AnswerAction =
  | { readonly type: "respond"; readonly status: number }
  | { readonly type: "bye" }
  | { readonly type: "startTimer"; readonly timer: AnswerTimer; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: AnswerTimer }
  | { readonly type: "report"; readonly outcome: "talked" | "refused" | "cancelled" | "lost" }
  | Note;

const { machine, give } = setup<{
  input: AnswerInput;
  context: AnswerInput;
  event: AnswerEvent;
  order: AnswerAction;
}>();

const stopTimer = (timer: AnswerTimer) => ({ type: "stopTimer", timer }) as const;
const respond = (status: number) => ({ type: "respond", status }) as const;
const report = (outcome: "talked" | "refused" | "cancelled" | "lost") => ({ type: "report", outcome }) as const;
const bye = { target: "ending", actions: { type: "bye" } } as const;
const isUnwelcome = ({ unwelcome }: AnswerInput): boolean => unwelcome !== undefined;

export const answer = machine("answer", {
  context: (input) => input,
  initial: "deciding",
  states: {
    deciding: {
      always: [
        {
          guard: isUnwelcome,
          target: "done",
          actions: [give("respond", ({ unwelcome }) => ({ status: unwelcome! })), report("refused")],
        },
        { target: "ringing" },
      ],
    },
    ringing: {
      entry: [respond(180), give("startTimer", ({ answerMs }) => ({ timer: "answer", ms: answerMs }))],
      on: {
        cancelled: { target: "done", actions: [stopTimer("answer"), respond(487), report("cancelled")] },
        lost: { target: "done", actions: [stopTimer("answer"), report("lost")] },
      },
      timers: {
        answer: {
          target: "answered",
          actions: [respond(200), give("startTimer", ({ t1Ms }) => ({ timer: "ack", ms: 64 * t1Ms }))],
        },
      },
    },
    answered: {
      on: {
        acked: {
          target: "talking",
          actions: [stopTimer("ack"), give("startTimer", ({ talkMsMax }) => ({ timer: "talk", ms: talkMsMax }))],
        },
        hungUp: { target: "done", actions: [stopTimer("ack"), report("talked")] },
        lost: {}, // the dialog outlives the connection it was made on
        cancelled: {}, // too late
      },
      timers: { ack: bye },
    },
    talking: {
      on: {
        hungUp: { target: "done", actions: [stopTimer("talk"), report("talked")] },
        acked: {},
        lost: {},
        cancelled: {},
      },
      timers: { talk: bye },
    },
    ending: { on: { hungUp: {}, byeDone: { target: "done", actions: report("talked") } } },
    done: { type: "final" },
  },
});
