/**
 * One request on its way through the proxy, from hop to hop until one takes it. RFC 3261 §16.7 and §16.8; docs/protocol/sip.md.
 *
 *    INVITE -- forward, start C --> inviting -- 1xx: pass --> ringing -- final: pass the best --> done
 *                ^                     |  refused, unreachable, silent: next hop ------+
 *                +---------------------+                                               |
 *                |  cancelled: cancel --> cancelling -- final: pass ----> done         |
 *                |  C: cancel ----------> expiring ---- final: 408 -----> done         |
 *                +---------------------------------------------------------------------+
 *    others -- forward --> asking -- final: pass the best --> done
 *
 * A hop over SIP (`vipr`) gives way to the next by any failure before it is answered; a `peer` only where it cannot be reached
 * or says nothing, 503 or 408. What each hop answers meanwhile is kept, and the best of it answers the caller when no hop is
 * left. The branch of a hop that was given up lives on by itself: who answers it late is hung up.
 * Requirements: RFC 3261 §16.6.
 */
import type { SipResponse } from "../../codecs/sip/mod.ts";
import { type Note, type Of, setup } from "../kit/mod.ts";
import type { ClientFailure } from "./invite-client.ts";

export type HopKind = "vipr" | "peer";
export interface ResponseContextInput {
  readonly isInvite: boolean;
  /** At least one. */
  readonly hops: ReadonlyArray<HopKind>;
  readonly attemptMs: number;
  readonly silenceMs: number;
  readonly ringMs: number;
  readonly t1Ms: number;
}

export type ResponseContextTimer = "attempt" | "silence" | "C" | "cancel";
export type ResponseContextEvent =
  /** 100: the hop's own. */
  | { readonly type: "trying" }
  | { readonly type: "provisional" }
  /** Media in the clear before the answer, on the way over SIP. */
  | { readonly type: "early" }
  | { readonly type: "success" }
  /** A 2xx with which no secured call can begin. */
  | { readonly type: "unusable" }
  | { readonly type: "refusal"; readonly isRetryable: boolean }
  | { readonly type: "failed"; readonly why: ClientFailure }
  | { readonly type: "cancelled" }
  | { readonly type: "timerFired"; readonly timer: ResponseContextTimer };

export type ResponseContextOrder =
  | { readonly type: "forward"; readonly at: number }
  /** The response at hand goes upstream. */
  | { readonly type: "pass" }
  /** ... is kept, if it is better than what is kept. */
  | { readonly type: "keep" }
  | { readonly type: "passBest"; readonly otherwise: number }
  | { readonly type: "respond"; readonly status: number }
  /** CANCEL for the branch at hand, as soon as it may be sent. RFC 3261 §9.1. */
  | { readonly type: "cancel" }
  /** Nothing more is expected of the branch at hand. */
  | { readonly type: "abandon" }
  /** ACK and BYE to whoever sent the response at hand. */
  | { readonly type: "hangUp" }
  | { readonly type: "goOn"; readonly from: number; readonly why: "refused" | "silent" | "unreachable" | "unusable" }
  /** No response: RFC 4320 §4.2. */
  | { readonly type: "giveUp" }
  | { readonly type: "startTimer"; readonly timer: ResponseContextTimer; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: ResponseContextTimer }
  | Note;

interface Context extends ResponseContextInput {
  readonly at: number;
  /** Which of the two timers of a fresh hop runs. */
  readonly waits: "attempt" | "silence" | undefined;
}

const { machine, decide, give } = setup<{
  input: ResponseContextInput;
  context: Context;
  event: ResponseContextEvent;
  order: ResponseContextOrder;
}>();

const isInvite = ({ isInvite }: Context): boolean => isInvite;
const hasNext = ({ at, hops }: Context): boolean => at + 1 < hops.length;
const isVipr = ({ at, hops }: Context): boolean => hops[at] === "vipr";
const mayGoOn = (context: Context, { isRetryable }: Of<ResponseContextEvent, "refusal">): boolean =>
  hasNext(context) && (isRetryable || isVipr(context));
const isTimedOut = (_: Context, { why }: Of<ResponseContextEvent, "failed">): boolean => why === "timedOut";
const isSilent = ({ waits }: Context): boolean => waits === "silence";

const stop = (timer: "C" | "cancel") => ({ type: "stopTimer", timer }) as const;
const pass = { type: "pass" } as const;
const keep = { type: "keep" } as const;
const cancel = { type: "cancel" } as const;
const hangUp = { type: "hangUp" } as const;
const respond = (status: number) => ({ type: "respond", status }) as const;
const passBest = (otherwise: number) => ({ type: "passBest", otherwise }) as const;
const startC = give("startTimer", ({ ringMs }) => ({ timer: "C", ms: ringMs }));
const startCancel = give("startTimer", ({ t1Ms }) => ({ timer: "cancel", ms: 64 * t1Ms }));
const forward = give("forward", ({ at }) => ({ at }));

const startWaiting = decide(["startTimer"], (context: Context) => {
  const waits = isVipr(context) ? "attempt" : hasNext(context) ? "silence" : undefined;
  if (waits === undefined) return { context: { waits } };
  const ms = waits === "attempt" ? context.attemptMs : context.silenceMs;
  return { context: { waits }, actions: [{ type: "startTimer", timer: waits, ms } as const] };
});
const stopWaiting = decide(["stopTimer"], ({ waits }: Context) =>
  waits === undefined ? {} : { context: { waits: undefined }, actions: [{ type: "stopTimer", timer: waits } as const] },
);
const goOn = (why: Of<ResponseContextOrder, "goOn">["why"]) =>
  decide(["goOn"], ({ at }: Context) => ({
    context: { at: at + 1 },
    actions: [{ type: "goOn", from: at, why } as const],
  }));

/** What becomes of an INVITE that nobody has answered. Timers of a fresh hop stop where they run. */
const unanswered = {
  success: { target: "done", actions: [stopWaiting, stop("C"), pass] },
  unusable: [
    { guard: hasNext, target: "inviting", reenter: true, actions: [stopWaiting, hangUp, goOn("unusable")] },
    { target: "done", actions: [stopWaiting, stop("C"), hangUp, passBest(488)] },
  ],
  refusal: [
    { guard: mayGoOn, target: "inviting", reenter: true, actions: [stopWaiting, keep, goOn("refused")] },
    { target: "done", actions: [stopWaiting, stop("C"), keep, passBest(503)] },
  ],
  failed: [
    { guard: hasNext, target: "inviting", reenter: true, actions: [stopWaiting, goOn("unreachable")] },
    { guard: isTimedOut, target: "done", actions: [stopWaiting, stop("C"), passBest(408)] },
    { target: "done", actions: [stopWaiting, stop("C"), passBest(503)] },
  ],
  cancelled: { target: "cancelling", actions: [stopWaiting, stop("C"), cancel, startCancel] },
} as const;
const late = { trying: {}, provisional: {}, early: {}, cancelled: {} } as const;
/** A timer of the hop before may come late. */
const runsOut = (timer: "attempt" | "silence") => (context: Context) => context.waits === timer && hasNext(context);
const silent = (timer: "attempt" | "silence") =>
  ({
    guard: runsOut(timer),
    target: "inviting",
    reenter: true,
    actions: [forgetWaiting(), { type: "abandon" }, goOn("silent")],
  }) as const;
/** A ViPR hop has its limit also where it is the last; `silence` runs only where there is another one. */
const lastAttempt = { guard: ({ waits }: Context) => waits === "attempt", actions: forgetWaiting() } as const;
const expire = { target: "expiring", actions: [stopWaiting, cancel, startCancel] } as const;

export const responseContext = machine("responseContext", {
  context: (input) => ({ ...input, at: 0, waits: undefined }),
  initial: "deciding",
  states: {
    deciding: { always: [{ guard: isInvite, target: "inviting" }, { target: "asking" }] },
    inviting: {
      entry: [forward, startWaiting, startC],
      on: {
        ...unanswered,
        // A trunk that says anything is not silent; on the way over SIP 100 comes from our own border element.
        trying: [{ guard: isSilent, actions: stopWaiting }, {}],
        provisional: { target: "ringing", actions: [stopWaiting, startC, pass] },
        early: {},
      },
      timers: { attempt: [silent("attempt"), lastAttempt], silence: silent("silence"), C: expire },
    },
    ringing: {
      on: { ...unanswered, trying: {}, provisional: { actions: [startC, pass] }, early: {} },
      timers: { C: expire },
    },
    cancelling: {
      on: {
        ...late,
        success: { target: "done", actions: [stop("cancel"), pass] },
        unusable: { target: "done", actions: [stop("cancel"), hangUp, respond(487)] },
        refusal: { target: "done", actions: [stop("cancel"), pass] },
        failed: { target: "done", actions: [stop("cancel"), respond(487)] },
      },
      timers: { cancel: { target: "done", actions: [{ type: "abandon" }, respond(487)] } },
    },
    expiring: {
      on: {
        ...late,
        success: { target: "done", actions: [stop("cancel"), pass] },
        unusable: { target: "done", actions: [stop("cancel"), hangUp, respond(408)] },
        refusal: { target: "done", actions: [stop("cancel"), respond(408)] },
        failed: { target: "done", actions: [stop("cancel"), respond(408)] },
      },
      timers: { cancel: { target: "done", actions: [{ type: "abandon" }, respond(408)] } },
    },
    asking: {
      entry: forward,
      on: {
        trying: {},
        provisional: { actions: pass },
        success: { target: "done", actions: pass },
        refusal: [
          { guard: mayGoOn, target: "asking", reenter: true, actions: [keep, goOn("refused")] },
          { target: "done", actions: [keep, passBest(503)] },
        ],
        failed: [
          { guard: isTimedOut, target: "done", actions: { type: "giveUp" } },
          { guard: hasNext, target: "asking", reenter: true, actions: goOn("unreachable") },
          { target: "done", actions: passBest(503) },
        ],
        cancelled: {},
        early: {},
        unusable: {},
      },
    },
    done: { type: "final" },
  },
});

/** The timer that fired runs no more. */
function forgetWaiting() {
  return decide([], () => ({ context: { waits: undefined } }));
}

/** What a response is to a proxy that takes it as it is. */
export const eventOf = ({ status }: SipResponse): ResponseContextEvent => {
  if (status === 100) return { type: "trying" };
  if (status >= 300) return { type: "refusal", isRetryable: status === 503 || status === 408 };
  return { type: status >= 200 ? "success" : "provisional" };
};
