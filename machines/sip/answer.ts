/**
 * A call that reaches our call agent over SIP. RFC 3261 §13.3; docs/protocol/sip.md#call-records.
 *
 *    o -- unwelcome: respond --> done
 *    o -- respond 180 --> ringing -- answer timer: respond 200 --> answered -- acked --> talking -- hungUp --> done
 *                           |-- cancelled: respond 487 --> done       |-- hungUp --> done  |
 *                           +-- lost --> done                         +-- ack timer: bye --------> ending -- byeDone --> done
 */
import { setup } from "xstate";
import { decide, declared, machineOf } from "../kit/mod.ts";

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
  | { readonly type: "note"; readonly unexpected: string };

const stopTimer = (timer: AnswerTimer) => ({ type: "stopTimer", params: { timer } }) as const;
const respond = (status: number) => ({ type: "respond", params: { status } }) as const;
const report = (outcome: "talked" | "cancelled" | "lost") => ({ type: "report", params: { outcome } }) as const;
const bye = { type: "bye", params: {} } as const;
const firedIs =
  (timer: AnswerTimer) =>
  ({ event }: { event: { readonly timer: AnswerTimer } }) =>
    event.timer === timer;

export const answer = machineOf<AnswerAction>()(
  setup({
    types: { input: {} as AnswerInput, context: {} as AnswerInput, events: {} as AnswerEvent },
    actions: declared<AnswerAction>({
      respond: true,
      bye: true,
      startTimer: true,
      stopTimer: true,
      report: true,
      note: true,
    }),
  }).createMachine({
    id: "answer",
    context: ({ input }) => input,
    initial: "deciding",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      deciding: {
        always: [
          { guard: ({ context }) => context.unwelcome !== undefined, target: "done", actions: decide(refuse) },
          { target: "ringing" },
        ],
      },
      ringing: {
        entry: [
          respond(180),
          { type: "startTimer", params: ({ context }) => ({ timer: "answer" as const, ms: context.answerMs }) },
        ],
        on: {
          timerFired: {
            guard: firedIs("answer"),
            target: "answered",
            actions: [
              respond(200),
              { type: "startTimer", params: ({ context }) => ({ timer: "ack" as const, ms: 64 * context.t1Ms }) },
            ],
          },
          cancelled: { target: "done", actions: [stopTimer("answer"), respond(487), report("cancelled")] },
          lost: { target: "done", actions: [stopTimer("answer"), report("lost")] },
        },
      },
      answered: {
        on: {
          acked: {
            target: "talking",
            actions: [
              stopTimer("ack"),
              { type: "startTimer", params: ({ context }) => ({ timer: "talk" as const, ms: context.talkMsMax }) },
            ],
          },
          hungUp: { target: "done", actions: [stopTimer("ack"), report("talked")] },
          timerFired: { guard: firedIs("ack"), target: "ending", actions: bye },
          lost: {}, // the dialog outlives the connection it was made on
          cancelled: {}, // too late
        },
      },
      talking: {
        on: {
          hungUp: { target: "done", actions: [stopTimer("talk"), report("talked")] },
          timerFired: { guard: firedIs("talk"), target: "ending", actions: bye },
          acked: {},
          lost: {},
          cancelled: {},
        },
      },
      ending: { on: { hungUp: {}, byeDone: { target: "done", actions: report("talked") } } },
      done: { type: "final" },
    },
  }),
);

function refuse({ unwelcome }: AnswerInput) {
  return {
    actions: [
      { type: "respond" as const, status: unwelcome! },
      { type: "report" as const, outcome: "refused" as const },
    ],
  };
}
