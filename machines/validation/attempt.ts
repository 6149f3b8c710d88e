/**
 * One claim to a number, put to the proof once, by one method: does its owner know of the call we made?
 * docs/protocol/pvp.md#the-gate. DECISIONS.md D-050.
 *
 *    o -- resolve, startTimer --> resolving -- resolved --> dialling       dial with the method's user name
 *                                                             |-- committed --> gated        commit
 *             proving <-- opened   proceed -------------------------------------+
 *                |-- secured --> exchanging    ask     |-- answered --> over    hangUp, report validated | declined | broken
 *                +-- wrongPassword --> over            hangUp, report refused
 *    resolving, dialling -- unresolved, lost, wrongPassword, timerFired, shut --> over    hangUp, report unreachable | broken
 *    gated -- shut --> over                            hangUp, report unreachable | broken
 *    gated, proving, exchanging -- lost, timerFired; gated -- wrongPassword --> over    hangUp, report broken
 *
 * Dialling is two waits, one after the other: for the stream (`connected` ends it), then for the ServerKeyExchange, which
 * holds the claimant's guess at the password (`committed`). What we say next tells it whether the guess was right: that
 * waits at the gate until every other claimant of the call has given its guess too. See originator.ts. Without a guess it
 * is `unreachable`, unless it is connected and the method is B or C: then it is `broken`, as it has heard of the times.
 */
import { setup } from "xstate";
import type { PvpMethod, ValAnswer, ValInfo, ValRequest } from "../../codecs/validation/mod.ts";
import { printUserName } from "../../codecs/validation/mod.ts";
import { type Decision, decide, declared, machineOf } from "../kit/mod.ts";
import { equivalentBits, type KnownCall, originatorPassword, userNameFor } from "./secret.ts";

/** Who says that it serves the number. */
export interface PvpClaim {
  readonly nodeId: bigint;
  readonly vservice: bigint;
}

export interface PvpAttemptInput {
  readonly call: KnownCall;
  readonly claim: PvpClaim;
  readonly method: PvpMethod;
  /** Our own Node-ID. */
  readonly nodeId: bigint;
  /** Our own domain, which the ticket will be for. */
  readonly domain: string;
  /** NTP seconds, inside the call: what method B shows. */
  readonly instant: number;
  readonly roundMs: number;
  /** Within how long the call is known to have ended; `windowOf`. */
  readonly windowMs: number;
  /** Guesses at this call that were answered before this one is made, by whomever: any of them may have told this claimant. */
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
  /** The ServerKeyExchange is in, and our answer to it waits. */
  | { readonly type: "committed" }
  /** The gate is open; or it was opened without us. */
  | { readonly type: "opened" }
  | { readonly type: "shut" }
  | { readonly type: "secured" }
  /** The handshake failed as it does when the other side does not know of the call. */
  | { readonly type: "wrongPassword" }
  | { readonly type: "answered"; readonly answer: ValAnswer }
  | { readonly type: "lost"; readonly why: string }
  | { readonly type: "timerFired"; readonly timer: PvpTimer };

export type PvpAttemptAction =
  | { readonly type: "resolve"; readonly nodeId: bigint }
  /** A new stream, and TLS-SRP over it; an older one is closed. */
  | {
      readonly type: "dial";
      readonly host: string;
      readonly port: number;
      readonly userName: string;
      readonly password: string;
    }
  /** It stands at the gate. */
  | { readonly type: "commit" }
  /** The handshake may go on. */
  | { readonly type: "proceed" }
  | { readonly type: "ask"; readonly request: ValRequest }
  | { readonly type: "hangUp" }
  | { readonly type: "report"; readonly verdict: ClaimVerdict }
  | { readonly type: "startTimer"; readonly timer: PvpTimer; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: PvpTimer }
  | { readonly type: "note"; readonly unexpected: string };

/**
 * `validated`: it knows of the call; `info` is what it granted.
 * `declined`: it knows of the call and grants nothing; `code` says why.
 * `refused`: it gave a wrong guess. `broken`: it gave a guess, and then no end to it, or no answer of any use; or by B or C
 * it heard of the times, and gave no guess. `unreachable`: it gave none in time, and had heard nothing of the times.
 */
export type ClaimVerdict = PvpClaim & {
  /** The last one tried. */
  readonly method: PvpMethod;
  /** What the proof is worth; 0 unless it succeeded. */
  readonly bits: number;
} & (
    | { readonly verdict: "validated"; readonly info: ValInfo }
    | { readonly verdict: "declined"; readonly code: number }
    | { readonly verdict: "refused" }
    | { readonly verdict: "unreachable" | "broken"; readonly why: string }
  );

interface PvpAttemptContext extends PvpAttemptInput {
  readonly address: { readonly host: string; readonly port: number } | undefined;
  readonly timer: PvpTimer | undefined;
}
type Decided = Decision<PvpAttemptContext, PvpAttemptAction>;

export const pvpAttempt = machineOf<PvpAttemptAction>()(
  setup({
    types: { input: {} as PvpAttemptInput, context: {} as PvpAttemptContext, events: {} as PvpAttemptEvent },
    actions: declared<PvpAttemptAction>({
      resolve: true,
      dial: true,
      commit: true,
      proceed: true,
      ask: true,
      hangUp: true,
      report: true,
      startTimer: true,
      stopTimer: true,
      note: true,
    }),
    guards: {
      isCurrent: ({ context, event }) => event.type === "timerFired" && event.timer === context.timer,
    },
  }).createMachine({
    id: "pvpAttempt",
    context: ({ input }) => ({ ...input, address: undefined, timer: undefined }),
    initial: "resolving",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      resolving: {
        entry: decide(resolve),
        on: {
          resolved: { target: "dialling", actions: decide(resolved) },
          unresolved: outOf("unreachable"),
          shut: outOf("unreachable"),
          timerFired: tooLateFor("unreachable"),
        },
      },
      dialling: {
        entry: decide(dial),
        on: {
          connected: { actions: decide((context: PvpAttemptContext): Decided => waitFor(context, "handshake")) },
          committed: { target: "gated", actions: { type: "commit", params: {} } },
          wrongPassword: outOf("unreachable"),
          lost: outOf("unreachable"),
          shut: outOf("unreachable"),
          timerFired: tooLateFor("unreachable"),
        },
      },
      gated: {
        on: {
          opened: { target: "proving", actions: { type: "proceed", params: {} } },
          shut: outOf("unreachable"),
          wrongPassword: outOf("broken"),
          lost: outOf("broken"),
          timerFired: tooLateFor("broken"),
        },
      },
      proving: {
        on: {
          secured: { target: "exchanging", actions: decide(ask) },
          wrongPassword: {
            target: "over",
            actions: decide((context: PvpAttemptContext): Decided => report(context, { verdict: "refused" })),
          },
          lost: outOf("broken"),
          timerFired: tooLateFor("broken"),
        },
      },
      exchanging: {
        on: {
          answered: { target: "over", actions: decide(conclude) },
          lost: outOf("broken"),
          timerFired: tooLateFor("broken"),
        },
      },
      over: { type: "final" },
    },
  }),
);

/**
 * In which order a claim is tried. docs/protocol/pvp.md#user-name: A if a caller id is known, then B; C for a domain
 * that asks for it, which then falls back on neither, since both tell the number.
 */
export const methodsFor = ({
  isPrivate,
  call,
}: {
  /** Our domain shows no telephone number to a claimant that has proved nothing. Default false. */
  readonly isPrivate?: boolean;
  readonly call: Pick<KnownCall, "calling">;
}): ReadonlyArray<PvpMethod> => {
  if (isPrivate === true) return ["C"];
  return call.calling === undefined ? ["B"] : ["A", "B"];
};

function resolve({ claim }: PvpAttemptContext): Decided {
  const wait = { type: "startTimer", timer: "connect", ms: CONNECT_TIMEOUT_MS } as const;
  return { context: { timer: "connect" }, actions: [wait, { type: "resolve", nodeId: claim.nodeId }] };
}

function resolved(_: PvpAttemptContext, { host, port }: { readonly host: string; readonly port: number }): Decided {
  return { context: { address: { host, port } }, actions: [{ type: "stopTimer", timer: "connect" }] };
}

function dial(context: PvpAttemptContext): Decided {
  const { call, claim, nodeId, instant, roundMs, method, address } = context;
  const parties = { originator: nodeId, terminator: claim.nodeId, vservice: claim.vservice };
  const name = userNameFor(method, call, parties, instant, roundMs);
  const password = originatorPassword(name, call, roundMs);
  return {
    context: { timer: "connect" },
    actions: [
      { type: "startTimer", timer: "connect", ms: CONNECT_TIMEOUT_MS },
      { type: "dial", ...address!, userName: printUserName(name), password },
    ],
  };
}

const timeouts: { readonly [T in PvpTimer]: number } = {
  connect: CONNECT_TIMEOUT_MS,
  handshake: HANDSHAKE_TIMEOUT_MS,
  exchange: EXCHANGE_TIMEOUT_MS,
};

function waitFor({ timer }: PvpAttemptContext, next: PvpTimer): Decided {
  if (timer === next) return {};
  return {
    context: { timer: next },
    actions: [
      { type: "stopTimer", timer: timer! },
      { type: "startTimer", timer: next, ms: timeouts[next] },
    ],
  };
}

function ask(context: PvpAttemptContext): Decided {
  const { context: changed, actions = [] } = waitFor(context, "exchange");
  const request = { number: context.call.called, domain: context.domain };
  return { ...(changed === undefined ? {} : { context: changed }), actions: [...actions, { type: "ask", request }] };
}

function conclude(context: PvpAttemptContext, { answer }: { readonly answer: ValAnswer }): Decided {
  if (answer.type === "valerror") return report(context, { verdict: "declined", code: answer.code });
  if (answer.info.number !== context.call.called)
    return report(context, { verdict: "broken", why: "it answered for another number" });
  return report(context, { verdict: "validated", info: answer.info });
}

/** A guess, and then silence or a break, is as a wrong one. Without a guess: `unreachable`, as long as nothing was told. */
type Ended = "unreachable" | "broken";

/** B's name tells an instant and C's two minutes: whoever would guess after some of them only, has luck beyond his bits. */
const isTold = ({ method, timer }: PvpAttemptContext): boolean => method !== "A" && timer === "handshake";

function outOf(verdict: Ended) {
  const out = (context: PvpAttemptContext, event: { readonly type: string; readonly why?: string }): Decided => {
    const why = event.why ?? whys[event.type] ?? `no end to ${context.timer}`;
    const left = event.type === "timerFired" ? { ...context, timer: undefined } : context;
    return report(left, { verdict: isTold(context) ? "broken" : verdict, why });
  };
  return { target: "over", actions: decide(out) } as const;
}
const whys: { readonly [type: string]: string } = {
  shut: "no guess at the password in time",
  wrongPassword: "a refusal before our proof",
};

function tooLateFor(verdict: Ended) {
  return { guard: "isCurrent", ...outOf(verdict) } as const;
}

type Judgement = ClaimVerdict extends infer V
  ? V extends ClaimVerdict
    ? Omit<V, keyof PvpClaim | "method" | "bits">
    : never
  : never;

function report(context: PvpAttemptContext, judgement: Judgement): Decided {
  const { claim, method, timer } = context;
  const isProved = judgement.verdict === "validated" || judgement.verdict === "declined";
  const bits = isProved ? worthOf(context) : 0;
  const verdict = { ...claim, method, bits, ...judgement } as ClaimVerdict;
  const stop = timer === undefined ? [] : [{ type: "stopTimer", timer } as const];
  return { context: { timer: undefined }, actions: [...stop, { type: "hangUp" }, { type: "report", verdict }] };
}

/** Of several guesses at one call, each of which this claimant may have learned from, one is right more often than one. */
const worthOf = ({ call, roundMs, method, windowMs, guessesBefore }: PvpAttemptContext): number =>
  Math.max(0, equivalentBits(call, roundMs, method, windowMs) - Math.log2(1 + guessesBefore));
