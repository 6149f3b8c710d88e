/**
 * The called side of a call over SIP whose media are bad: it tells the caller's side, waits for the call over the telephone
 * network, and answers it itself. docs/protocol/media.md#fallback. RFC 3261 §13.3.1.4, §15.
 *
 *    o -- tell --> telling -- notice timer, NOTICES_MAX times: tell --> waiting
 *    o -- told by the other side -------------------------------------->   | invited, in either: settle
 *                                                                          v
 *             done <-- refused: respond 488, cancelled: 487, over: 480 -- settling
 *                                                                          | settled: respond 200
 *                  again timer: respond 200                                v
 *             done <-- ack timer: bye, trunkOver ----------------------- answered -- over --> leaving -- acked: bye --> done
 *                                                                          | acked: move
 *                                                                          v
 *             done <-- over: bye, trunkOver: hangUp --------------------- moved
 */
import { type Note, setup } from "../kit/mod.ts";
import type { FallbackFailure } from "./caller.ts";

export interface CalleeInput {
  /** The media are bad here; else the other side has told us that they are there. */
  readonly tells: boolean;
  readonly noticeMs: number;
  readonly t1Ms: number;
}

/** How often the other side is told. */
export const NOTICES_MAX = 10;
/** RFC 3261 §13.3.1.4: T2. */
const T2_T1 = 8;

export type CalleeEvent =
  | { readonly type: "invited" }
  | { readonly type: "cancelled" }
  | { readonly type: "refused" }
  | { readonly type: "settled" }
  | { readonly type: "acked" }
  | { readonly type: "over" }
  | { readonly type: "trunkOver" }
  | { readonly type: "timerFired"; readonly timer: CalleeTimer };
export type CalleeTimer = "notice" | "again" | "ack";

export type CalleeOrder =
  | { readonly type: "tell" }
  | { readonly type: "settle" }
  | { readonly type: "respond"; readonly status: number }
  | { readonly type: "move" }
  | { readonly type: "bye" }
  | { readonly type: "hangUp" }
  | { readonly type: "moved" }
  | { readonly type: "stayed"; readonly why: FallbackFailure }
  | { readonly type: "startTimer"; readonly timer: CalleeTimer; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: CalleeTimer }
  | Note;

interface Context extends CalleeInput {
  readonly told: number;
  readonly againMs: number;
}

const { machine, decide, give } = setup<{
  input: CalleeInput;
  context: Context;
  event: CalleeEvent;
  order: CalleeOrder;
}>();

const order = <T extends CalleeOrder["type"]>(type: T) => ({ type }) as const;
const stop = (timer: CalleeTimer) => ({ type: "stopTimer", timer }) as const;
const respond = (status: number) => ({ type: "respond", status }) as const;
const stayed = (why: FallbackFailure) => ({ type: "stayed", why }) as const;
const tellAndWait = decide(["tell", "startTimer"], ({ told, noticeMs }) => ({
  context: { told: told + 1 },
  actions: [order("tell"), { type: "startTimer", timer: "notice", ms: noticeMs } as const],
}));
const waitAgain = decide(["startTimer"], ({ againMs, t1Ms }) => ({
  context: { againMs: Math.min(2 * againMs, T2_T1 * t1Ms) },
  actions: [{ type: "startTimer", timer: "again", ms: againMs } as const],
}));
const startAck = give("startTimer", ({ t1Ms }) => ({ timer: "ack", ms: 64 * t1Ms }));
const isToldOften = ({ told }: Context): boolean => told >= NOTICES_MAX;
const isTold = ({ tells }: Context): boolean => !tells;
const stopBoth = [stop("again"), stop("ack")];
const again = { actions: [respond(200), waitAgain] };

export const fallbackCallee = machine("fallbackCallee", {
  context: (input) => ({ ...input, told: 0, againMs: input.t1Ms }),
  initial: "begun",
  states: {
    begun: { always: [{ guard: isTold, target: "waiting" }, { target: "telling" }] },
    telling: {
      entry: tellAndWait,
      on: {
        invited: { target: "settling", actions: [stop("notice"), order("settle")] },
        over: { target: "done", actions: stop("notice") },
      },
      timers: { notice: [{ guard: isToldOften, target: "waiting" }, { actions: tellAndWait }] },
    },
    waiting: {
      on: { invited: { target: "settling", actions: order("settle") }, over: { target: "done" } },
    },
    settling: {
      on: {
        settled: { target: "answered", actions: [respond(200), waitAgain, startAck] },
        refused: { target: "done", actions: [respond(488), stayed("media")] },
        cancelled: { target: "done", actions: [respond(487), stayed("trunkOver")] },
        trunkOver: { target: "done", actions: [respond(487), stayed("trunkOver")] },
        over: { target: "done", actions: respond(480) },
      },
    },
    answered: {
      on: {
        acked: { target: "moved", actions: [...stopBoth, order("move"), order("moved")] },
        over: { target: "leaving" },
        trunkOver: { target: "done", actions: [...stopBoth, stayed("trunkOver")] },
        cancelled: {},
      },
      timers: {
        again,
        ack: { target: "done", actions: [stop("again"), order("bye"), stayed("noAck")] },
      },
    },
    // Nobody may hang up before the ACK. RFC 3261 §15.
    leaving: {
      on: {
        acked: { target: "done", actions: [...stopBoth, order("bye")] },
        trunkOver: { target: "done", actions: stopBoth },
        cancelled: {},
        over: {},
      },
      timers: { again, ack: { target: "done", actions: [stop("again"), order("bye")] } },
    },
    moved: {
      on: {
        over: { target: "done", actions: order("bye") },
        trunkOver: { target: "done", actions: order("hangUp") },
        acked: {},
        cancelled: {},
      },
    },
    done: { type: "final" },
  },
});
