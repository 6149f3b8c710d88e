/**
 * One caller at our door, who claims to know of a call that we received. docs/protocol/pvp.md#candidates.
 *
 *    o --> awaitingName -- named --> lookingUp      findCandidates
 *                           |          |-- candidates --> handshaking     give a password, or none
 *                           |-- (another node's) --------> over           hangUp, report
 *                           +-- (not a user name) -------> handshaking     give none: simulated
 *            handshaking -- secured --> awaitingRequest    startTimer exchange
 *                           |-- failed by a wrong password -> over  hangUp, report, charge
 *            awaitingRequest -- asked --> granting -- granted, declined --> over    answer, hangUp, report
 *    any -- lost, malformed, failed otherwise, timerFired --> over    hangUp, report
 *
 * No candidate, more than one, a locked one, a name that is none: all go on without a password, and fail at the end of
 * the handshake as a wrong password does. What we know of our calls shows in nothing that the peer sees; so `charge`, which
 * differs with it, is the last order.
 *
 * A name for another server's node is no guess: a claimant told its caller an address that is ours, and the caller was led
 * here. It gets no handshake, so that it keeps none of our places, and its address is not charged for what it did not do.
 */
import { setup } from "xstate";
import {
  type PvpMethod,
  type PvpUserName,
  parseUserName,
  type ValAnswer,
  type ValErrorCode,
  type ValInfo,
  type ValRequest,
} from "../../codecs/validation/mod.ts";
import { type Decision, decide, declared, machineOf } from "../kit/mod.ts";
import { EXCHANGE_TIMEOUT_MS } from "./attempt.ts";
import { equivalentBits, type KnownCall, terminatorPassword } from "./secret.ts";

/** A call that we received; its `id` is its keeper's. */
export interface PvpCandidate extends KnownCall {
  readonly id: number;
  readonly vservice: bigint;
  /** To the method that asked. */
  readonly isLocked: boolean;
  /** So many may try it at the same moment; further ones find it locked. Default 1. */
  readonly triesLeft?: number;
}

export interface PvpTerminatorInput {
  /** Our nodes: a name for another is no business of ours. */
  readonly nodeIds: ReadonlyArray<bigint>;
  readonly roundMs: number;
}

export type PvpTerminatorEvent =
  | { readonly type: "named"; readonly userName: string }
  | { readonly type: "candidates"; readonly candidates: ReadonlyArray<PvpCandidate> }
  | { readonly type: "secured" }
  | { readonly type: "failed"; readonly isWrongPassword: boolean; readonly why: string }
  | { readonly type: "asked"; readonly request: ValRequest }
  | { readonly type: "granted"; readonly info: ValInfo }
  | { readonly type: "declined"; readonly code: ValErrorCode }
  | { readonly type: "malformed"; readonly why: string }
  | { readonly type: "lost"; readonly why: string }
  | { readonly type: "timerFired"; readonly timer: "exchange" };

export type PvpTerminatorAction =
  | { readonly type: "findCandidates"; readonly name: PvpUserName }
  | { readonly type: "give"; readonly password: string | undefined }
  /** Somebody failed: at this call, or where there was none to fail at. */
  | { readonly type: "charge"; readonly failed: PvpFailure | undefined }
  /** Whether the domain is welcome, and a ticket for it. */
  | { readonly type: "grant"; readonly number: string; readonly domain: string; readonly vservice: bigint }
  | { readonly type: "answer"; readonly answer: ValAnswer }
  | { readonly type: "hangUp" }
  | { readonly type: "report"; readonly outcome: PvpTerminatorOutcome }
  | { readonly type: "startTimer"; readonly timer: "exchange"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "exchange" }
  | { readonly type: "note"; readonly unexpected: string };

/** A wrong password for a call that exists. */
export interface PvpFailure {
  readonly id: number;
  readonly method: PvpMethod;
}

export type PvpTerminatorOutcome =
  | { readonly type: "validated"; readonly domain: string; readonly bits: number }
  | { readonly type: "declined"; readonly domain: string; readonly code: ValErrorCode }
  /** A wrong password. `simulated`: why there was no right one. */
  | { readonly type: "failed"; readonly simulated: string | undefined }
  /** The name of a call to another server's node. */
  | { readonly type: "foreign" }
  /** Neither right nor wrong: it went away, or said what is no TLS-SRP or no request. */
  | { readonly type: "lost" | "malformed"; readonly why: string };

interface PvpTerminatorContext extends PvpTerminatorInput {
  readonly name: PvpUserName | undefined;
  readonly candidate: PvpCandidate | undefined;
  readonly simulated: string | undefined;
  readonly domain: string;
}
type Decided = Decision<PvpTerminatorContext, PvpTerminatorAction>;

export const pvpTerminator = machineOf<PvpTerminatorAction>()(
  setup({
    types: { input: {} as PvpTerminatorInput, context: {} as PvpTerminatorContext, events: {} as PvpTerminatorEvent },
    actions: declared<PvpTerminatorAction>({
      findCandidates: true,
      give: true,
      charge: true,
      grant: true,
      answer: true,
      hangUp: true,
      report: true,
      startTimer: true,
      stopTimer: true,
      note: true,
    }),
    guards: {
      isOurs: ({ context, event }) => event.type === "named" && whoseOf(event.userName, context) === "ours",
      isForeign: ({ context, event }) => event.type === "named" && whoseOf(event.userName, context) === "foreign",
      isItsCall: ({ context, event }) => event.type === "asked" && event.request.number === context.candidate?.called,
    },
  }).createMachine({
    id: "pvpTerminator",
    context: ({ input }) => ({ ...input, name: undefined, candidate: undefined, simulated: undefined, domain: "" }),
    initial: "awaitingName",
    on: {
      lost: { target: ".over", actions: decide(giveUp) },
      malformed: { target: ".over", actions: decide(giveUp) },
      failed: { target: ".over", actions: decide(fail) },
      "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } },
    },
    states: {
      awaitingName: {
        on: {
          named: [
            {
              guard: "isOurs",
              target: "lookingUp",
              actions: decide((_: PvpTerminatorContext, { userName }: { readonly userName: string }): Decided => {
                const name = nameOf(userName)!;
                return { context: { name }, actions: [{ type: "findCandidates", name }] };
              }),
            },
            { guard: "isForeign", target: "over", actions: decide(turnAway) },
            { target: "handshaking", actions: decide((): Decided => simulate("no user name")) },
          ],
        },
      },
      lookingUp: { on: { candidates: { target: "handshaking", actions: decide(choose) } } },
      handshaking: { on: { secured: { target: "awaitingRequest" } } },
      awaitingRequest: {
        entry: { type: "startTimer", params: { timer: "exchange", ms: EXCHANGE_TIMEOUT_MS } },
        on: {
          asked: [
            { guard: "isItsCall", target: "granting", actions: decide(grant) },
            {
              target: "over",
              actions: decide(
                (_: PvpTerminatorContext, { request }: { readonly request: ValRequest }): Decided =>
                  answer({ type: "valerror", code: 404 }, { type: "declined", domain: request.domain, code: 404 }),
              ),
            },
          ],
          lost: { target: "over", actions: decide(giveUpExchange) },
          malformed: { target: "over", actions: decide(giveUpExchange) },
          failed: { target: "over", actions: decide(giveUpExchange) },
          timerFired: { target: "over", actions: decide(tooLate) },
        },
      },
      granting: {
        on: {
          granted: {
            target: "over",
            actions: decide(
              (
                { candidate, roundMs, domain, name }: PvpTerminatorContext,
                { info }: { readonly info: ValInfo },
              ): Decided => {
                const bits = equivalentBits(candidate!, roundMs, name!.method);
                return answer({ type: "valinfo", info }, { type: "validated", domain, bits });
              },
            ),
          },
          declined: {
            target: "over",
            actions: decide(
              ({ domain }: PvpTerminatorContext, { code }: { readonly code: ValErrorCode }): Decided =>
                answer({ type: "valerror", code }, { type: "declined", domain, code }),
            ),
          },
          lost: { target: "over", actions: decide(giveUpExchange) },
          malformed: { target: "over", actions: decide(giveUpExchange) },
          failed: { target: "over", actions: decide(giveUpExchange) },
          timerFired: { target: "over", actions: decide(tooLate) },
        },
      },
      over: { type: "final" },
    },
  }),
);

const nameOf = (userName: string): PvpUserName | undefined => {
  const parsed = parseUserName(userName);
  return parsed.ok ? parsed.value : undefined;
};

const whoseOf = (userName: string, { nodeIds }: PvpTerminatorInput): "ours" | "foreign" | "nobody's" => {
  const name = nameOf(userName);
  if (name === undefined) return "nobody's";
  return nodeIds.includes(name.terminator) ? "ours" : "foreign";
};

function turnAway(): Decided {
  return { actions: [{ type: "hangUp" }, { type: "report", outcome: { type: "foreign" } }] };
}

const simulate = (simulated: string): Decided => ({
  context: { simulated },
  actions: [{ type: "give", password: undefined }],
});

function choose(
  { name, roundMs }: PvpTerminatorContext,
  { candidates }: { readonly candidates: ReadonlyArray<PvpCandidate> },
): Decided {
  const [candidate, second] = candidates;
  if (candidate === undefined) return simulate("no such call");
  if (second !== undefined) return simulate("several such calls");
  if (candidate.isLocked) return simulate("a locked call");
  return {
    context: { candidate },
    actions: [{ type: "give", password: terminatorPassword(name!, candidate, roundMs) }],
  };
}

function fail(
  { name, candidate, simulated }: PvpTerminatorContext,
  { isWrongPassword, why }: { readonly isWrongPassword: boolean; readonly why: string },
): Decided {
  if (!isWrongPassword)
    return { actions: [{ type: "hangUp" }, { type: "report", outcome: { type: "malformed", why } }] };
  const failed = candidate === undefined ? undefined : { id: candidate.id, method: name!.method };
  return {
    actions: [
      { type: "hangUp" },
      { type: "report", outcome: { type: "failed", simulated } },
      { type: "charge", failed },
    ],
  };
}

function grant({ candidate }: PvpTerminatorContext, { request }: { readonly request: ValRequest }): Decided {
  const { number, domain } = request;
  return { context: { domain }, actions: [{ type: "grant", number, domain, vservice: candidate!.vservice }] };
}

const stopExchange = { type: "stopTimer", timer: "exchange" } as const;

const answer = (said: ValAnswer, outcome: PvpTerminatorOutcome): Decided => ({
  actions: [stopExchange, { type: "answer", answer: said }, { type: "hangUp" }, { type: "report", outcome }],
});

type GoneWrong = { readonly type: "lost" | "malformed" | "failed"; readonly why: string };

function giveUp(_: PvpTerminatorContext, { type, why }: GoneWrong): Decided {
  const outcome = { type: type === "lost" ? type : "malformed", why } as const;
  return { actions: [{ type: "hangUp" }, { type: "report", outcome }] };
}

function giveUpExchange(context: PvpTerminatorContext, event: GoneWrong): Decided {
  return { actions: [stopExchange, ...giveUp(context, event).actions!] };
}

function tooLate(): Decided {
  const outcome = { type: "lost", why: "no request in time" } as const;
  return { actions: [{ type: "hangUp" }, { type: "report", outcome }] };
}
