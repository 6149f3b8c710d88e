/**
 * One claim to a number, put to the proof: does its owner know of the call we made? Profile §2.
 *
 *    o -- resolve, startTimer --> resolving -- resolved --> dialling       dial with A's user name, B's, or C's
 *                                                |-- secured --> exchanging    ask
 *             dialling again with B <-- wrongPassword with A --+  |-- answered --> over   report validated | declined
 *    any -- unresolved, lost, timerFired, wrongPassword with B or C ---------> over   hangUp, report
 *
 * Dialling is two waits, one after the other: for the stream (`connected` ends it), then for the handshake.
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
  /** Our own Node-ID. */
  readonly nodeId: bigint;
  /** Our own domain, which the ticket will be for. */
  readonly domain: string;
  /** NTP seconds, inside the call: what method B shows. */
  readonly instant: number;
  readonly roundMs: number;
  /** Our domain shows no telephone number to a claimant that has proved nothing: C, and never A or B. Default false. */
  readonly isPrivate?: boolean;
}

export type PvpTimer = "connect" | "handshake" | "exchange";
export const CONNECT_TIMEOUT_MS = 10_000;
export const HANDSHAKE_TIMEOUT_MS = 20_000;
export const EXCHANGE_TIMEOUT_MS = 10_000;

export type PvpAttemptEvent =
  | { readonly type: "resolved"; readonly host: string; readonly port: number }
  | { readonly type: "unresolved"; readonly why: string }
  | { readonly type: "connected" }
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
  | { readonly type: "ask"; readonly request: ValRequest }
  | { readonly type: "hangUp" }
  | { readonly type: "report"; readonly verdict: ClaimVerdict }
  | { readonly type: "startTimer"; readonly timer: PvpTimer; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: PvpTimer }
  | { readonly type: "note"; readonly unexpected: string };

/**
 * `validated`: it knows of the call; `info` is what it granted.
 * `declined`: it knows of the call and grants nothing; `code` says why.
 * `refused`: it does not know of the call, by any method. `unreachable`: no stream. `broken`: a stream, and no end to it.
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
  readonly method: PvpMethod;
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
      ask: true,
      hangUp: true,
      report: true,
      startTimer: true,
      stopTimer: true,
      note: true,
    }),
    guards: {
      isCurrent: ({ context, event }) => event.type === "timerFired" && event.timer === context.timer,
      isFirstMethod: ({ context }) => context.method === "A",
    },
  }).createMachine({
    id: "pvpAttempt",
    context: ({ input }) => ({
      ...input,
      method: methodsFor(input)[0]!,
      address: undefined,
      timer: undefined,
    }),
    initial: "resolving",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      resolving: {
        entry: decide(
          ({ claim }: PvpAttemptContext): Decided => ({
            context: { timer: "connect" },
            actions: [
              { type: "startTimer", timer: "connect", ms: CONNECT_TIMEOUT_MS },
              { type: "resolve", nodeId: claim.nodeId },
            ],
          }),
        ),
        on: {
          resolved: {
            target: "dialling",
            actions: decide(
              (_: PvpAttemptContext, { host, port }: { readonly host: string; readonly port: number }): Decided => ({
                context: { address: { host, port } },
                actions: [{ type: "stopTimer", timer: "connect" }],
              }),
            ),
          },
          unresolved: { target: "over", actions: decide(unreachable) },
          timerFired: { guard: "isCurrent", target: "over", actions: decide(tooLate) },
        },
      },
      dialling: {
        entry: decide(dial),
        on: {
          connected: { actions: decide((context: PvpAttemptContext): Decided => waitFor(context, "handshake")) },
          secured: { target: "exchanging", actions: decide(ask) },
          wrongPassword: [
            { guard: "isFirstMethod", target: "dialling", reenter: true, actions: decide(nextMethod) },
            {
              target: "over",
              actions: decide((context: PvpAttemptContext): Decided => report(context, { verdict: "refused" })),
            },
          ],
          lost: { target: "over", actions: decide(unreachable) },
          timerFired: { guard: "isCurrent", target: "over", actions: decide(tooLate) },
        },
      },
      exchanging: {
        on: {
          answered: { target: "over", actions: decide(conclude) },
          lost: {
            target: "over",
            actions: decide(
              (context: PvpAttemptContext, { why }: { readonly why: string }): Decided =>
                report(context, { verdict: "broken", why }),
            ),
          },
          timerFired: { guard: "isCurrent", target: "over", actions: decide(tooLate) },
        },
      },
      over: { type: "final" },
    },
  }),
);

/**
 * In which order a claim is tried. Profile §2: A if a caller id is known, then B; C for a domain that asks for it, which
 * then falls back on neither, since both tell the number.
 */
export const methodsFor = ({
  isPrivate,
  call,
}: Pick<PvpAttemptInput, "isPrivate" | "call">): ReadonlyArray<PvpMethod> => {
  if (isPrivate === true) return ["C"];
  return call.calling === undefined ? ["B"] : ["A", "B"];
};

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

function nextMethod({ timer }: PvpAttemptContext): Decided {
  return { context: { method: "B" }, actions: [{ type: "stopTimer", timer: timer! }] };
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

/** Before there is a stream it is unreachable; after that it is there, and broken. */
function unreachable(context: PvpAttemptContext, { why }: { readonly why: string }): Decided {
  return report(context, { verdict: context.timer === "connect" ? "unreachable" : "broken", why });
}

function tooLate(context: PvpAttemptContext): Decided {
  const late = { ...context, timer: undefined };
  const why = `no end to ${context.timer}`;
  return report(late, { verdict: context.timer === "connect" ? "unreachable" : "broken", why });
}

type Judgement = ClaimVerdict extends infer V
  ? V extends ClaimVerdict
    ? Omit<V, keyof PvpClaim | "method" | "bits">
    : never
  : never;

function report({ claim, call, method, roundMs, timer }: PvpAttemptContext, judgement: Judgement): Decided {
  const isProved = judgement.verdict === "validated" || judgement.verdict === "declined";
  const bits = isProved ? equivalentBits(call, roundMs, method) : 0;
  const verdict = { ...claim, method, bits, ...judgement } as ClaimVerdict;
  const stop = timer === undefined ? [] : [{ type: "stopTimer", timer } as const];
  return { context: { timer: undefined }, actions: [...stop, { type: "hangUp" }, { type: "report", verdict }] };
}
