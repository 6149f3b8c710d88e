/**
 * One attempt to validate one claim by one method: does the claimant know of the call that we made?
 * docs/protocol/pvp.md#the-gate. DECISIONS.md D-050.
 *
 *    o -- resolve, startTimer --> resolving -- resolved --> connecting -- connected --> handshaking      dial
 *                                                                                         |-- committed --> gated   commit
 *             proving <-- opened   proceed ------------------------------------------------------------------+
 *                |-- secured --> exchanging    ask     |-- answered --> over    hangUp, report validated | declined | broken
 *                +-- wrongPassword --> over            hangUp, report refused
 *    resolving, connecting -- unresolved, lost, wrongPassword, timerFired, shut --> over    hangUp, report unreachable
 *    handshaking -- lost, wrongPassword, timerFired, shut; gated -- shut --> over           hangUp, report unreachable | broken
 *    gated, proving, exchanging -- lost, timerFired; gated -- wrongPassword --> over        hangUp, report broken
 *
 * The ServerKeyExchange holds the claimant's guess at the password (`committed`). What we send next tells the claimant
 * whether the guess was right: it waits at the gate until every other claimant of the call has given its guess too (see
 * originator.ts). A claimant that gives no guess is `unreachable`, unless it is connected and the user name is any but version
 * 1 of A: then it is `broken`, since the user name has told it something of the call's times.
 */
import type { NodeId, UnixMs, VServiceId } from "../../codecs/shared/mod.ts";
import type { PvpMethod, ValAnswer, ValInfo, ValRequest } from "../../codecs/validation/mod.ts";
import { printUserName } from "../../codecs/validation/mod.ts";
import { type Note, type Of, setup } from "../kit/mod.ts";
import type { PvpForm } from "./forms.ts";
import { type CallFacts, originatorPassword, userNameFor } from "./secret.ts";
import { type EndsApart, worthOf } from "./worth.ts";

/** An entry of the overlay: this node says that it serves the number for this VService. */
export interface PvpClaim {
  readonly nodeId: NodeId;
  readonly vservice: VServiceId;
}

export interface PvpAttemptInput {
  readonly call: CallFacts;
  readonly claim: PvpClaim;
  /** Of the user name. */
  readonly form: PvpForm;
  /** Our own Node-ID. */
  readonly nodeId: NodeId;
  /** Our own domain: the ticket is issued for it. */
  readonly domain: string;
  /** Whole seconds, between start and stop of the call: method B names it. */
  readonly instantMs: UnixMs;
  readonly roundMs: number;
  /** The claimant knows that the call ended within a span of this length; `windowOf`. */
  readonly windowMs: number;
  /** From calls that claimants were asked about before. Default: as if there were none. */
  readonly apart?: EndsApart;
  /** Guesses at this call that were answered before: any of their claimants may have told this one the result. */
  readonly guessesBefore: number;
}

export type PvpTimer = "connect" | "handshake" | "exchange";
export const CONNECT_TIMEOUT_MS = 10_000;
export const HANDSHAKE_TIMEOUT_MS = 20_000;
export const EXCHANGE_TIMEOUT_MS = 10_000;

export type PvpAttemptEvent =
  | { readonly type: "resolved"; readonly host: string; readonly port: number }
  | { readonly type: "unresolved"; readonly why: string }
  | { readonly type: "connected" }
  /** The ServerKeyExchange has arrived, and our answer to it waits. */
  | { readonly type: "committed" }
  /** The gate is open for this attempt. */
  | { readonly type: "opened" }
  /** The gate was opened before this attempt had reached it. */
  | { readonly type: "shut" }
  | { readonly type: "secured" }
  /** The handshake failed as it does when the claimant does not know of the call. */
  | { readonly type: "wrongPassword" }
  | { readonly type: "answered"; readonly answer: ValAnswer }
  | { readonly type: "lost"; readonly why: string }
  | { readonly type: "timerFired"; readonly timer: PvpTimer };

export type PvpAttemptAction =
  | { readonly type: "resolve"; readonly nodeId: NodeId }
  /** Opens a stream, and TLS-SRP over it. */
  | {
      readonly type: "dial";
      readonly host: string;
      readonly port: number;
      readonly userName: string;
      readonly password: string;
    }
  /** The attempt has reached the gate. */
  | { readonly type: "commit" }
  /** The handshake may go on. */
  | { readonly type: "proceed" }
  | { readonly type: "ask"; readonly request: ValRequest }
  | { readonly type: "hangUp" }
  | { readonly type: "report"; readonly verdict: ClaimVerdict }
  | { readonly type: "startTimer"; readonly timer: PvpTimer; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: PvpTimer }
  | Note;

/** What came of the attempt. */
export type ClaimVerdict = PvpClaim & {
  readonly method: PvpMethod;
  /** What the proof is worth; 0 unless it succeeded. */
  readonly bits: number;
} & Judgement;

type Judgement =
  /** The claimant knows of the call; `info` is what it granted. */
  | { readonly verdict: "validated"; readonly info: ValInfo }
  /** It knows of the call and grants nothing; `code` says why. */
  | { readonly verdict: "declined"; readonly code: number }
  /** Its guess at the password was wrong. */
  | { readonly verdict: "refused" }
  /**
   * `unreachable`: no guess in time, and nothing of the call's times was told to it. `broken`: a guess and then no end of
   * the handshake, or no useful answer; or no guess after a user name of method B or C.
   */
  | { readonly verdict: "unreachable" | "broken"; readonly why: string };

const { machine, give } = setup<{
  input: PvpAttemptInput;
  context: PvpAttemptInput;
  event: PvpAttemptEvent;
  order: PvpAttemptAction;
}>();

const timeouts: { readonly [T in PvpTimer]: number } = {
  connect: CONNECT_TIMEOUT_MS,
  handshake: HANDSHAKE_TIMEOUT_MS,
  exchange: EXCHANGE_TIMEOUT_MS,
};
const startTimer = (timer: PvpTimer) => ({ type: "startTimer", timer, ms: timeouts[timer] }) as const;
const stopTimer = (timer: PvpTimer) => ({ type: "stopTimer", timer }) as const;
const hangUp = { type: "hangUp" } as const;

type Unproved = "unreachable" | "broken";
/** Nothing of the call's times was told. */
const unreachable = (): Unproved => "unreachable";
/** The claimant has given its guess: that it then breaks off counts as a wrong one. */
const broken = (): Unproved => "broken";
/**
 * The user name of method B holds an instant of the call, that of C its minutes, that of A in version 2 its half hour: a
 * claimant that gave guesses only after some of them would be right more often than its bits say.
 */
const withoutGuess = ({ form: { method, version } }: PvpAttemptInput): Unproved =>
  method === "A" && version === 1 ? "unreachable" : "broken";

/** A transition by which the attempt ends without a proof, in a state in which that timer runs. */
const ends = (timer: PvpTimer, verdict: (context: PvpAttemptInput) => Unproved) =>
  ({
    target: "over",
    actions: [
      stopTimer(timer),
      hangUp,
      give("report", (context, event: Ended) => ({
        verdict: verdictOn(context, { verdict: verdict(context), why: whyOf(event) }),
      })),
    ],
  }) as const;
type Ended = Of<PvpAttemptEvent, "unresolved" | "lost" | "shut" | "wrongPassword">;

const whyOf = (event: Ended): string => {
  if (event.type === "shut") return "no guess at the password in time";
  return event.type === "wrongPassword" ? "a refusal before our proof" : event.why;
};

const timedOut = (timer: PvpTimer, verdict: (context: PvpAttemptInput) => Unproved) =>
  ({
    target: "over",
    actions: [
      hangUp,
      give("report", (context) => ({
        verdict: verdictOn(context, { verdict: verdict(context), why: `${timer} timed out` }),
      })),
    ],
  }) as const;

export const pvpAttempt = machine("pvpAttempt", {
  context: (input) => input,
  initial: "resolving",
  states: {
    resolving: {
      entry: [startTimer("connect"), give("resolve", ({ claim }) => ({ nodeId: claim.nodeId }))],
      on: {
        resolved: {
          target: "connecting",
          actions: [stopTimer("connect"), startTimer("connect"), give("dial", dialTo)],
        },
        unresolved: ends("connect", unreachable),
        shut: ends("connect", unreachable),
      },
      timers: { connect: timedOut("connect", unreachable) },
    },
    connecting: {
      on: {
        connected: { target: "handshaking", actions: [stopTimer("connect"), startTimer("handshake")] },
        wrongPassword: ends("connect", unreachable),
        lost: ends("connect", unreachable),
        shut: ends("connect", unreachable),
      },
      timers: { connect: timedOut("connect", unreachable) },
    },
    handshaking: {
      on: {
        committed: { target: "gated", actions: { type: "commit" } },
        wrongPassword: ends("handshake", withoutGuess),
        lost: ends("handshake", withoutGuess),
        shut: ends("handshake", withoutGuess),
      },
      timers: { handshake: timedOut("handshake", withoutGuess) },
    },
    gated: {
      on: {
        opened: { target: "proving", actions: { type: "proceed" } },
        shut: ends("handshake", withoutGuess),
        wrongPassword: ends("handshake", broken),
        lost: ends("handshake", broken),
      },
      timers: { handshake: timedOut("handshake", broken) },
    },
    proving: {
      on: {
        secured: {
          target: "exchanging",
          actions: [
            stopTimer("handshake"),
            startTimer("exchange"),
            give("ask", ({ call, domain }) => ({ request: { number: call.called, domain } })),
          ],
        },
        wrongPassword: {
          target: "over",
          actions: [
            stopTimer("handshake"),
            hangUp,
            give("report", (context) => ({ verdict: verdictOn(context, { verdict: "refused" }) })),
          ],
        },
        lost: ends("handshake", broken),
      },
      timers: { handshake: timedOut("handshake", broken) },
    },
    exchanging: {
      on: {
        answered: {
          target: "over",
          actions: [
            stopTimer("exchange"),
            hangUp,
            give("report", (context, { answer }) => ({ verdict: verdictOn(context, judge(context, answer)) })),
          ],
        },
        lost: ends("exchange", broken),
      },
      timers: { exchange: timedOut("exchange", broken) },
    },
    over: { type: "final" },
  },
});

/**
 * In which order a claim is tried. docs/protocol/pvp.md#user-name: A if a caller id is known, then B. A domain may ask
 * for C, and then neither A nor B follows, since their user names contain the number.
 */
export const methodsFor = ({
  isPrivate,
  call,
}: {
  /** Our domain shows no telephone number to a claimant that has proved nothing. Default false. */
  readonly isPrivate?: boolean;
  readonly call: Pick<CallFacts, "calling">;
}): ReadonlyArray<PvpMethod> => {
  if (isPrivate === true) return ["C"];
  return call.calling === undefined ? ["B"] : ["A", "B"];
};

function dialTo(context: PvpAttemptInput, { host, port }: Of<PvpAttemptEvent, "resolved">) {
  const { call, claim, nodeId, instantMs, roundMs, form } = context;
  const parties = { originator: nodeId, terminator: claim.nodeId, vservice: claim.vservice };
  const name = userNameFor(form, call, parties, instantMs, roundMs);
  return { host, port, userName: printUserName(name), password: originatorPassword(name, call, roundMs) };
}

const judge = ({ call }: PvpAttemptInput, answer: ValAnswer): Judgement => {
  if (answer.type === "valerror") return { verdict: "declined", code: answer.code };
  if (answer.info.number !== call.called) return { verdict: "broken", why: "it answered for another number" };
  return { verdict: "validated", info: answer.info };
};

const verdictOn = (context: PvpAttemptInput, judgement: Judgement): ClaimVerdict => {
  const isProved = judgement.verdict === "validated" || judgement.verdict === "declined";
  return { ...context.claim, method: context.form.method, bits: isProved ? worthFor(context) : 0, ...judgement };
};

/** Of several guesses at one call, from each of which this claimant may have learned, one is right more often than of one. */
const worthFor = ({ call, roundMs, form, windowMs, apart, guessesBefore }: PvpAttemptInput): number =>
  Math.max(0, worthOf(call, form, roundMs, windowMs, apart) - Math.log2(1 + guessesBefore));
