/**
 * The INVITE server transaction of a proxy, over datagrams or a stream. RFC 3261 §17.2.1 with RFC 6026 §7.1.
 *
 *    o -- start trying --> trying -- T, the INVITE again, 1xx: send --> proceeding -- 1xx: send
 *                           | 2xx: send, start L                        |    300..699: send, start H (and G)
 *                           v                                           v
 *                        accepted -- L --> done                      completed -- acked --> confirmed -- I --> done   at once on a stream
 *                        further 2xx: send                               |-- G: send, twice as late
 *                        the INVITE again: nothing                       +-- H: done
 *
 * `trying` and `proceeding` end by the same finals; T is the timer `trying`.
 * What is sent is the last response, which the host keeps: 100 before there is another. Nearly all calls have another within
 * `TRYING_MS`, and need no 100. DECISIONS.md D-191.
 * Requirements: RFC 3261 §16.2.
 */
import { type Note, setup } from "../kit/mod.ts";
import {
  isDatagram,
  isReliable,
  type Retransmitting,
  send,
  sendAndWait,
  T2_T1,
  T4_T1,
  type TransactionInput,
  wait,
} from "./timing.ts";

/** 100 is for those who would send the INVITE again: after 500 ms at the earliest. RFC 3261 §17.2.1. */
export const TRYING_MS = 200;

export type InviteServerTimer = "trying" | "G" | "H" | "I" | "L";
export type ServerEvent<T extends string> =
  /** The request came again. */
  | { readonly type: "repeated" }
  | { readonly type: "provisional" }
  | { readonly type: "success" }
  | { readonly type: "refusal" }
  | { readonly type: "acked" }
  | { readonly type: "timerFired"; readonly timer: T };
export type InviteServerOrder =
  | { readonly type: "send" }
  | { readonly type: "startTimer"; readonly timer: InviteServerTimer; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: InviteServerTimer }
  | Note;

const { machine, decide, give } = setup<{
  input: TransactionInput;
  context: Retransmitting;
  event: ServerEvent<InviteServerTimer>;
  order: InviteServerOrder;
}>();

const startTrying = { type: "startTimer", timer: "trying", ms: TRYING_MS } as const;
const stop = (timer: InviteServerTimer) => ({ type: "stopTimer", timer }) as const;
const start = (timer: "H" | "L") => give("startTimer", ({ t1Ms }) => ({ timer, ms: 64 * t1Ms }));
const sendAgain = decide(["send", "startTimer"], ({ againMs, t1Ms }) => sendAndWait("G", againMs, T2_T1 * t1Ms));
const startG = decide(["startTimer"], ({ t1Ms }) => wait("G", t1Ms, T2_T1 * t1Ms));

/** Of a transaction whose timers `running` stop with its final response. */
const finals = (...running: ReadonlyArray<InviteServerTimer>) =>
  ({
    success: { target: "accepted", actions: [...running.map(stop), send, start("L")] },
    refusal: [
      { guard: isReliable, target: "completed", actions: [...running.map(stop), send, start("H")] },
      { target: "completed", actions: [...running.map(stop), send, start("H"), startG] },
    ],
  }) as const;
const answerEarly = { target: "proceeding", actions: [stop("trying"), send] } as const;

export const proxyInviteServer = machine("proxyInviteServer", {
  context: (input) => ({ ...input, againMs: input.t1Ms }),
  initial: "trying",
  states: {
    trying: {
      entry: startTrying,
      on: { repeated: answerEarly, provisional: answerEarly, ...finals("trying") },
      timers: { trying: { target: "proceeding", actions: send } },
    },
    proceeding: { on: { repeated: { actions: send }, provisional: { actions: send }, ...finals() } },
    accepted: {
      on: { success: { actions: send }, repeated: {}, acked: {}, provisional: {}, refusal: {} },
      timers: { L: { target: "done" } },
    },
    completed: {
      on: {
        repeated: { actions: send },
        acked: [
          { guard: isReliable, target: "done", actions: stop("H") },
          {
            target: "confirmed",
            actions: [stop("G"), stop("H"), give("startTimer", ({ t1Ms }) => ({ timer: "I", ms: T4_T1 * t1Ms }))],
          },
        ],
        provisional: {},
        success: {},
        refusal: {},
      },
      timers: {
        G: { guard: isDatagram, actions: sendAgain },
        H: [
          { guard: isReliable, target: "done" },
          { target: "done", actions: stop("G") },
        ],
      },
    },
    confirmed: {
      on: { repeated: {}, acked: {}, provisional: {}, success: {}, refusal: {} },
      timers: { I: { target: "done" } },
    },
    done: { type: "final" },
  },
});
