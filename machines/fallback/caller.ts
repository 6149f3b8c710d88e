/**
 * The caller's side takes a call over SIP to the telephone network, once: it calls the number again, and moves the sound when
 * that is answered. docs/protocol/media.md#fallback. The time to the answer is IME's. DECISIONS.md D-170.
 *
 *    o -- tell, offer --> offering -- offered: invite --> inviting -- answered: acknowledge, settle --> settling
 *                            |                               |-- failed --> done       settled: move     |-- refused: bye --> done
 *                            +-- refused --> done            |                                           v
 *                                                            +-- over, answer timer: cancel          moved
 *                                                            v                                           |-- over: bye --> done
 *                                                        cancelling -- failed --> done                   +-- trunkOver: hangUp --> done
 *                                                            +-- answered: acknowledge, bye --> done
 *    notice timer, until it is answered: tell
 *
 * `over`: either telephone has hung up. Whatever fails leaves the call over SIP as it is.
 */
import { type Note, setup } from "../kit/mod.ts";

export interface CallerInput {
  /** How long the telephone network may take to answer: nobody rings there, the other side's agent answers itself. */
  readonly answerMs: number;
  /** How often the other side is told that the media are bad here: a report may be lost as all else. */
  readonly noticeMs: number;
  readonly t1Ms: number;
}

/** Why a call stayed as it was. `refused`: by the telephone network. `media`: by the relay. */
export type FallbackFailure = "noAnswer" | "refused" | "media" | "trunkOver" | "noAck";

export type CallerEvent =
  | { readonly type: "offered" }
  | { readonly type: "refused" }
  | { readonly type: "answered" }
  | { readonly type: "failed" }
  | { readonly type: "settled" }
  | { readonly type: "over" }
  | { readonly type: "trunkOver" }
  | { readonly type: "timerFired"; readonly timer: CallerTimer };
export type CallerTimer = "notice" | "answer" | "cancel";

export type CallerOrder =
  | { readonly type: "tell" }
  | { readonly type: "offer" }
  | { readonly type: "invite" }
  | { readonly type: "cancel" }
  | { readonly type: "acknowledge" }
  | { readonly type: "settle" }
  | { readonly type: "move" }
  | { readonly type: "bye" }
  /** Ends the call over SIP, at both its ends. */
  | { readonly type: "hangUp" }
  | { readonly type: "moved" }
  | { readonly type: "stayed"; readonly why: FallbackFailure }
  | { readonly type: "startTimer"; readonly timer: CallerTimer; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: CallerTimer }
  | Note;

const { machine, give } = setup<{
  input: CallerInput;
  context: CallerInput;
  event: CallerEvent;
  order: CallerOrder;
}>();

const order = <T extends CallerOrder["type"]>(type: T) => ({ type }) as const;
const stop = (timer: CallerTimer) => ({ type: "stopTimer", timer }) as const;
const stayed = (why: FallbackFailure) => ({ type: "stayed", why }) as const;
const startNotice = give("startTimer", ({ noticeMs }) => ({ timer: "notice", ms: noticeMs }));
const startAnswer = give("startTimer", ({ answerMs }) => ({ timer: "answer", ms: answerMs }));
const startCancel = give("startTimer", ({ t1Ms }) => ({ timer: "cancel", ms: 64 * t1Ms }));
const notice = { actions: [order("tell"), startNotice] };
const stopBoth = [stop("notice"), stop("answer")];

export const fallbackCaller = machine("fallbackCaller", {
  context: (input) => input,
  initial: "offering",
  states: {
    offering: {
      entry: [order("tell"), startNotice, order("offer")],
      on: {
        offered: { target: "inviting", actions: [order("invite"), startAnswer] },
        refused: { target: "done", actions: [stop("notice"), stayed("media")] },
        over: { target: "done", actions: stop("notice") },
      },
      timers: { notice },
    },
    inviting: {
      on: {
        answered: { target: "settling", actions: [...stopBoth, order("acknowledge"), order("settle")] },
        failed: { target: "done", actions: [...stopBoth, stayed("refused")] },
        over: { target: "cancelling", actions: [...stopBoth, order("cancel"), startCancel] },
      },
      timers: {
        notice,
        answer: { target: "cancelling", actions: [stop("notice"), order("cancel"), startCancel, stayed("noAnswer")] },
      },
    },
    cancelling: {
      on: {
        answered: { target: "done", actions: [stop("cancel"), order("acknowledge"), order("bye")] },
        failed: { target: "done", actions: stop("cancel") },
        over: {},
      },
      timers: { cancel: { target: "done" } },
    },
    settling: {
      on: {
        settled: { target: "moved", actions: [order("move"), order("moved")] },
        refused: { target: "done", actions: [order("bye"), stayed("media")] },
        over: { target: "done", actions: order("bye") },
        trunkOver: { target: "done", actions: stayed("trunkOver") },
      },
    },
    moved: {
      on: {
        over: { target: "done", actions: order("bye") },
        trunkOver: { target: "done", actions: order("hangUp") },
      },
    },
    done: { type: "final" },
  },
});
