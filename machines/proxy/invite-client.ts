/**
 * The INVITE client transaction of a proxy, over datagrams or a stream. RFC 3261 §17.1.1 with RFC 6026 §7.2; §9.1.
 *
 *    o -- send, start B (and A) --> inviting -- 1xx: pass --> ringing -- cancelled --> cancelling -- 64 T1 --> done
 *                                     | 2xx: pass, start M  <---+--------------------------+
 *                                     v                         | 300..699: acknowledge, pass
 *                                  accepted -- M --> done       +--> refused -- D --> done    at once on a stream
 *
 * Who rings has no time of its own to end in. Once it is cancelled it has: a CANCEL may meet an element that never answers.
 * The request and what goes with it belong to the host: an order names what to do with it. In `accepted` every further 2xx
 * passes, so that a proxy's caller hears of each fork; in `refused` a response that comes again is acknowledged again.
 * Requirements: RFC 3261 §17.1.1.2.
 */
import { type Note, setup } from "../kit/mod.ts";
import {
  isDatagram,
  isReliable,
  type Retransmitting,
  send,
  sendAndWait,
  type TransactionInput,
  wait,
} from "./timing.ts";

export type InviteClientTimer = "A" | "B" | "D" | "M" | "cancel";
export type ClientEvent<T extends string> =
  | { readonly type: "provisional" }
  | { readonly type: "success" }
  | { readonly type: "refusal" }
  /** The message could not be sent. */
  | { readonly type: "unreachable" }
  | { readonly type: "timerFired"; readonly timer: T };
export type ClientFailure = "timedOut" | "unreachable";

export type InviteClientOrder =
  | { readonly type: "send" }
  | { readonly type: "acknowledge" }
  /** The response goes to the core. */
  | { readonly type: "pass" }
  | { readonly type: "fail"; readonly why: ClientFailure }
  | { readonly type: "startTimer"; readonly timer: InviteClientTimer; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: InviteClientTimer }
  | Note;

const { machine, decide, give } = setup<{
  input: TransactionInput;
  context: Retransmitting;
  /** `cancelled`: its CANCEL has gone out. */
  event: ClientEvent<InviteClientTimer> | { readonly type: "cancelled" };
  order: InviteClientOrder;
}>();

const stop = (timer: InviteClientTimer) => ({ type: "stopTimer", timer }) as const;
const start = (timer: "B" | "D" | "M" | "cancel") => give("startTimer", ({ t1Ms }) => ({ timer, ms: 64 * t1Ms }));
const pass = { type: "pass" } as const;
const acknowledge = { type: "acknowledge" } as const;
const fail = (why: ClientFailure) => ({ type: "fail", why }) as const;
const sendAgain = decide(["send", "startTimer"], ({ againMs }) => sendAndWait("A", againMs));
const startA = decide(["startTimer"], ({ isReliable, t1Ms }) => (isReliable ? {} : wait("A", t1Ms)));

/** Over a stream A never runs. */
const leaving = <T extends object>(to: T) => [
  { guard: isReliable, ...to, actions: [stop("B"), ...actionsOf(to)] },
  { ...to, actions: [stop("A"), stop("B"), ...actionsOf(to)] },
];
const actionsOf = (to: object): ReadonlyArray<any> => (to as { readonly actions?: ReadonlyArray<any> }).actions ?? [];
const accept = { target: "accepted", actions: [pass, start("M")] } as const;
const refuse = [
  { guard: isReliable, target: "done", actions: [acknowledge, pass] },
  { target: "refused", actions: [acknowledge, pass, start("D")] },
] as const;

export const proxyInviteClient = machine("proxyInviteClient", {
  context: (input) => ({ ...input, againMs: input.t1Ms }),
  initial: "inviting",
  states: {
    inviting: {
      entry: [send, start("B"), startA],
      on: {
        provisional: leaving({ target: "ringing", actions: [pass] } as const),
        success: leaving(accept),
        refusal: [
          { guard: isReliable, target: "done", actions: [stop("B"), acknowledge, pass] },
          { target: "refused", actions: [stop("A"), stop("B"), acknowledge, pass, start("D")] },
        ],
        unreachable: leaving({ target: "done", actions: [fail("unreachable")] } as const),
        cancelled: {},
      },
      timers: {
        A: { guard: isDatagram, actions: sendAgain },
        B: [
          { guard: isReliable, target: "done", actions: fail("timedOut") },
          { target: "done", actions: [stop("A"), fail("timedOut")] },
        ],
      },
    },
    ringing: {
      on: {
        provisional: { actions: pass },
        success: accept,
        refusal: refuse,
        unreachable: { target: "done", actions: fail("unreachable") },
        cancelled: { target: "cancelling" },
      },
    },
    cancelling: {
      entry: start("cancel"),
      on: {
        provisional: { actions: pass },
        success: { target: "accepted", actions: [stop("cancel"), pass, start("M")] },
        refusal: [
          { guard: isReliable, target: "done", actions: [stop("cancel"), acknowledge, pass] },
          { target: "refused", actions: [stop("cancel"), acknowledge, pass, start("D")] },
        ],
        unreachable: { target: "done", actions: [stop("cancel"), fail("unreachable")] },
        cancelled: {},
      },
      timers: { cancel: { target: "done" } },
    },
    accepted: {
      on: { success: { actions: pass }, provisional: {}, refusal: {}, unreachable: {}, cancelled: {} },
      timers: { M: { target: "done" } },
    },
    refused: {
      on: { refusal: { actions: acknowledge }, success: {}, provisional: {}, unreachable: {}, cancelled: {} },
      timers: { D: { target: "done" } },
    },
    done: { type: "final" },
  },
});
