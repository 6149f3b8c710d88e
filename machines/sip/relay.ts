/**
 * One request on its way through a stateful proxy with one branch. RFC 3261 §16.
 *
 *    o -- connect --> connecting -- connected: forward, start C --> forwarded -- final: respond --> done
 *                        |-- unreachable: respond 503 --> done         |-- 1xx: respond, start C again
 *                        +-- cancelled: respond 487 ----> done         |-- cancelled: giveUp
 *                                                                      |-- C: giveUp --> expiring -- final --> done
 *                                                                      +-- failed: respond 408 or 503 --> done
 *
 * C guards an INVITE that rings for ever; requests of other methods have their transaction's own end and start none.
 * The server transaction has sent 100 already, and 100 from downstream is its own hop's affair.
 */
import { responseTo, type SipRequest, type SipResponse, withFieldsOf } from "../../codecs/sip/mod.ts";
import { type Note, type Of, setup } from "../kit/mod.ts";
import type { TransactionFailure } from "./invite-client.ts";

export interface RelayInput {
  readonly request: SipRequest;
  /** More than three minutes. RFC 3261 §16.6 step 11. */
  readonly timerCMs: number;
}

export type RelayEvent =
  | { readonly type: "connected" }
  | { readonly type: "unreachable"; readonly why: string }
  | { readonly type: "received"; readonly response: SipResponse }
  | { readonly type: "failed"; readonly why: TransactionFailure }
  | { readonly type: "cancelled" }
  | { readonly type: "upstreamLost" }
  | { readonly type: "timerFired"; readonly timer: "C" };

export type RelayAction =
  | { readonly type: "connect" }
  | { readonly type: "forward" }
  | { readonly type: "giveUp" }
  | { readonly type: "respond"; readonly response: SipResponse }
  | { readonly type: "startTimer"; readonly timer: "C"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "C" }
  | { readonly type: "count"; readonly what: "forwarded" | "failed" }
  | Note;

const { machine, give } = setup<{ input: RelayInput; context: RelayInput; event: RelayEvent; order: RelayAction }>();
type Received = Of<RelayEvent, "received">;

const isInvite = ({ request }: RelayInput): boolean => request.method === "INVITE";
const isTrying = (_: RelayInput, { response }: Received): boolean => response.status === 100;
const isProvisional = (_: RelayInput, { response }: Received): boolean => response.status < 200;
const isTimeout = (_: RelayInput, { why }: Of<RelayEvent, "failed">): boolean => why === "timedOut";

const stopC = { type: "stopTimer", timer: "C" } as const;
const startC = give("startTimer", ({ timerCMs }) => ({ timer: "C", ms: timerCMs }));
const answer = (status: number) => give("respond", ({ request }) => ({ response: responseTo(request, status) }));
/** The way back is the one that the request came: whatever downstream made of the Vias, ours are the request's. */
const passBack = give("respond", ({ request }, { response }: Received) => ({
  response: withFieldsOf(response, "Via", request),
}));
const failed = { type: "count", what: "failed" } as const;
const forwarded = { type: "count", what: "forwarded" } as const;
const failures = (...first: ReadonlyArray<typeof stopC>) =>
  [
    { guard: isTimeout, target: "done", actions: [...first, answer(408), failed] },
    { target: "done", actions: [...first, answer(503), failed] },
  ] as const;

export const relay = machine("relay", {
  context: (input) => input,
  initial: "connecting",
  states: {
    connecting: {
      entry: { type: "connect" },
      on: {
        connected: [
          { guard: isInvite, target: "ringing", actions: [startC, { type: "forward" }, forwarded] },
          { target: "asking", actions: { type: "forward" } },
        ],
        unreachable: { target: "done", actions: [answer(503), failed] },
        cancelled: { target: "done", actions: answer(487) },
        upstreamLost: { target: "done" },
      },
    },
    ringing: {
      on: {
        received: [
          { guard: isTrying },
          { guard: isProvisional, actions: [startC, passBack] },
          { target: "done", actions: [stopC, passBack] },
        ],
        failed: failures(stopC),
        cancelled: { actions: { type: "giveUp" } },
        upstreamLost: { target: "done", actions: [stopC, { type: "giveUp" }] },
      },
      timers: { C: { target: "expiring", actions: { type: "giveUp" } } },
    },
    expiring: {
      on: {
        received: [{ guard: isProvisional }, { target: "done", actions: passBack }],
        failed: failures(),
        cancelled: {},
        upstreamLost: { target: "done" },
      },
    },
    asking: {
      on: {
        received: [{ guard: isProvisional }, { target: "done", actions: passBack }],
        failed: failures(),
        upstreamLost: { target: "done" },
      },
    },
    done: { type: "final" },
  },
});
