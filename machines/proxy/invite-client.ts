/**
 * The INVITE client transaction of a proxy, over datagrams or a stream. RFC 3261 §17.1.1 with RFC 6026 §7.2.
 *
 *    o -- send, start B (and A) --> inviting -- 1xx: pass --> ringing
 *                                     | 2xx: pass, start M  <---+      | 300..699: acknowledge, pass
 *                                     v                                v
 *                                  accepted -- M --> done           refused -- D --> done    at once on a stream
 *
 * The request and what goes with it belong to the host: an order names what to do with it. In `accepted` every further 2xx
 * passes, so that a proxy's caller hears of each fork; in `refused` a response that comes again is acknowledged again.
 */
import { type Note, type Of, setup } from "../kit/mod.ts";

export interface TransactionInput {
  readonly isReliable: boolean;
  /** The round trip estimate; 500 in the RFC. */
  readonly t1Ms: number;
}
/** RFC 3261 §17.1.2.2: retransmissions come no further apart than this many T1; and what may still be on its way is gone. */
export const T2_T1 = 8;
export const T4_T1 = 10;

export type InviteClientTimer = "A" | "B" | "D" | "M";
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

interface Context extends TransactionInput {
  /** What A waits next. */
  readonly againMs: number;
}

const { machine, decide, give } = setup<{
  input: TransactionInput;
  context: Context;
  event: ClientEvent<InviteClientTimer>;
  order: InviteClientOrder;
}>();

const isReliable = ({ isReliable }: TransactionInput): boolean => isReliable;
const isDatagram = ({ isReliable }: TransactionInput): boolean => !isReliable;
const stop = (timer: InviteClientTimer) => ({ type: "stopTimer", timer }) as const;
const start = (timer: "B" | "D" | "M") => give("startTimer", ({ t1Ms }) => ({ timer, ms: 64 * t1Ms }));
const send = { type: "send" } as const;
const pass = { type: "pass" } as const;
const acknowledge = { type: "acknowledge" } as const;
const fail = (why: ClientFailure) => ({ type: "fail", why }) as const;
const sendAgain = decide(["send", "startTimer"], ({ againMs }) => ({
  context: { againMs: 2 * againMs },
  actions: [send, { type: "startTimer", timer: "A", ms: againMs } as const],
}));

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
      entry: [send, start("B"), decide(["startTimer"], ({ isReliable, t1Ms }: Context) => startA(isReliable, t1Ms))],
      on: {
        provisional: leaving({ target: "ringing", actions: [pass] } as const),
        success: leaving(accept),
        refusal: [
          { guard: isReliable, target: "done", actions: [stop("B"), acknowledge, pass] },
          { target: "refused", actions: [stop("A"), stop("B"), acknowledge, pass, start("D")] },
        ],
        unreachable: leaving({ target: "done", actions: [fail("unreachable")] } as const),
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
      },
    },
    accepted: {
      on: { success: { actions: pass }, provisional: {}, refusal: {}, unreachable: {} },
      timers: { M: { target: "done" } },
    },
    refused: {
      on: { refusal: { actions: acknowledge }, success: {}, provisional: {}, unreachable: {} },
      timers: { D: { target: "done" } },
    },
    done: { type: "final" },
  },
});

function startA(isReliable: boolean, t1Ms: number) {
  if (isReliable) return {};
  return {
    context: { againMs: 2 * t1Ms },
    actions: [{ type: "startTimer", timer: "A", ms: t1Ms } as const],
  };
}

export type InviteClientReceived = Of<ClientEvent<InviteClientTimer>, "provisional" | "success" | "refusal">;
