/**
 * The INVITE server transaction of a proxy, over datagrams or a stream. RFC 3261 §17.2.1 with RFC 6026 §7.1.
 *
 *    o -- send (100) --> proceeding -- 1xx: send
 *                           | 2xx: send, start L          | 300..699: send, start H (and G)
 *                           v                             v
 *                        accepted -- L --> done        completed -- acked --> confirmed -- I --> done   at once on a stream
 *                        further 2xx: send                 |-- G: send, twice as late
 *                        the INVITE again: nothing         +-- H: done
 *
 * What is sent is the last response, which the host keeps.
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

export type InviteServerTimer = "G" | "H" | "I" | "L";
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

const stop = (timer: InviteServerTimer) => ({ type: "stopTimer", timer }) as const;
const start = (timer: "H" | "L") => give("startTimer", ({ t1Ms }) => ({ timer, ms: 64 * t1Ms }));
const sendAgain = decide(["send", "startTimer"], ({ againMs, t1Ms }) => sendAndWait("G", againMs, T2_T1 * t1Ms));
const startG = decide(["startTimer"], ({ t1Ms }) => wait("G", t1Ms, T2_T1 * t1Ms));

export const proxyInviteServer = machine("proxyInviteServer", {
  context: (input) => ({ ...input, againMs: input.t1Ms }),
  initial: "proceeding",
  entry: send,
  states: {
    proceeding: {
      on: {
        repeated: { actions: send },
        provisional: { actions: send },
        success: { target: "accepted", actions: [send, start("L")] },
        refusal: [
          { guard: isReliable, target: "completed", actions: [send, start("H")] },
          { target: "completed", actions: [send, start("H"), startG] },
        ],
      },
    },
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
