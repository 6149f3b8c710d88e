/**
 * The terminator's side of one validation: an originator claims to know of a call that we received.
 * docs/protocol/pvp.md#candidates.
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
 * No candidate, several, a locked one, or no valid user name: the handshake goes on without a password and fails at its end
 * as with a wrong password. Nothing that the peer sees depends on the calls that we know; `charge`, which does depend on
 * them, is therefore the last order.
 *
 * A user name for another server's node is no guess: some claimant gave the originator our address instead of its own. It
 * gets no handshake, so that it holds none of our streams, and its address is not counted as failing.
 * Requirements: RFC 5054 §3.3.
 */
import type { E164, NodeId, VServiceId } from "../../codecs/shared/mod.ts";
import {
  type PvpMethod,
  type PvpUserName,
  parseUserName,
  type ValAnswer,
  type ValErrorCode,
  type ValInfo,
  type ValRequest,
} from "../../codecs/validation/mod.ts";
import { type Decision, type Note, type Of, setup } from "../kit/mod.ts";
import { EXCHANGE_TIMEOUT_MS } from "./attempt.ts";
import { NAMED_TOGETHER_MAX } from "./candidates.ts";
import { type CallFacts, terminatorPassword } from "./secret.ts";
import { worthOf } from "./worth.ts";

/** A call that we received; `id` is its name in the store. */
export interface PvpCandidate extends CallFacts {
  readonly id: number;
  readonly vservice: VServiceId;
  /** To the method that asked. */
  readonly isLocked: boolean;
  /** Attempts that may run at the same time; others find the call locked. Default 1. */
  readonly triesLeft?: number;
  /** False: it fits the user name apart from the bits of its times. Default true. */
  readonly isNamed?: boolean;
}

export interface PvpTerminatorInput {
  /** Our nodes. A user name for another node is foreign. */
  readonly nodeIds: ReadonlyArray<NodeId>;
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
  /** Count a failure: of these calls; none: there was no call, which must take as long. */
  | { readonly type: "charge"; readonly failed: ReadonlyArray<PvpFailure> }
  /** Whether the domain is welcome, and a ticket for it. */
  | { readonly type: "grant"; readonly number: E164; readonly domain: string; readonly vservice: VServiceId }
  | { readonly type: "answer"; readonly answer: ValAnswer }
  | { readonly type: "hangUp" }
  | { readonly type: "report"; readonly outcome: PvpTerminatorOutcome }
  | { readonly type: "startTimer"; readonly timer: "exchange"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "exchange" }
  | Note;

/** A wrong password for a call that exists, or bits that it does not have. */
export interface PvpFailure {
  readonly id: number;
  readonly method: PvpMethod;
}

export type PvpTerminatorOutcome =
  | { readonly type: "validated"; readonly domain: string; readonly bits: number }
  | { readonly type: "declined"; readonly domain: string; readonly code: ValErrorCode }
  /** A wrong password. `simulated`: why no password could have been right. */
  | { readonly type: "failed"; readonly simulated: string | undefined }
  /** The user name is for another server's node. */
  | { readonly type: "foreign" }
  /** Neither right nor wrong: the stream was closed, or its bytes are no TLS-SRP or no request. */
  | { readonly type: "lost" | "malformed"; readonly why: string };

interface PvpTerminatorContext extends PvpTerminatorInput {
  readonly name: PvpUserName | undefined;
  /** Whose password was given. */
  readonly candidate: PvpCandidate | undefined;
  /** Those against which a failure counts. */
  readonly charged: ReadonlyArray<number>;
  readonly simulated: string | undefined;
  readonly domain: string;
}
const { machine, assign, decide, give, handlers } = setup<{
  input: PvpTerminatorInput;
  context: PvpTerminatorContext;
  event: PvpTerminatorEvent;
  order: PvpTerminatorAction;
}>();
type Decided<K extends PvpTerminatorAction["type"]> = Decision<PvpTerminatorContext, Of<PvpTerminatorAction, K>>;

const isOurs = (context: PvpTerminatorContext, { userName }: Of<PvpTerminatorEvent, "named">): boolean =>
  terminatorOf(userName, context) === "ours";
const isForeign = (context: PvpTerminatorContext, { userName }: Of<PvpTerminatorEvent, "named">): boolean =>
  terminatorOf(userName, context) === "foreign";
const isOfItsCall = ({ candidate }: PvpTerminatorContext, { request }: Of<PvpTerminatorEvent, "asked">): boolean =>
  request.number === candidate?.called;

const hangUp = { type: "hangUp" } as const;
const stopExchange = { type: "stopTimer", timer: "exchange" } as const;
const giveNoPassword = { type: "give", password: undefined } as const;
const reportForeign = { type: "report", outcome: { type: "foreign" } } as const;
const reportLate = { type: "report", outcome: { type: "lost", why: "no request in time" } } as const;
const reportBroken = give("report", (_, { type, why }: Broken) => ({
  outcome: { type: type === "lost" ? type : "malformed", why },
}));
type Broken = Of<PvpTerminatorEvent, "lost" | "malformed" | "failed">;

const brokenExchange = { target: "over", actions: [stopExchange, hangUp, reportBroken] } as const;
/** While the timer of the exchange runs. */
const duringExchange = handlers({ lost: brokenExchange, malformed: brokenExchange, failed: brokenExchange });
const lateExchange = { target: "over", actions: [hangUp, reportLate] } as const;

export const pvpTerminator = machine("pvpTerminator", {
  context: (input) => ({
    ...input,
    name: undefined,
    candidate: undefined,
    charged: [],
    simulated: undefined,
    domain: "",
  }),
  initial: "awaitingName",
  on: {
    lost: { target: "over", actions: [hangUp, reportBroken] },
    malformed: { target: "over", actions: [hangUp, reportBroken] },
    failed: { target: "over", actions: decide(["hangUp", "report", "charge"], afterFailure) },
  },
  states: {
    awaitingName: {
      on: {
        named: [
          {
            guard: isOurs,
            target: "lookingUp",
            actions: [
              assign((_, { userName }) => ({ name: nameOf(userName) })),
              give("findCandidates", ({ name }) => ({ name: name! })),
            ],
          },
          { guard: isForeign, target: "over", actions: [hangUp, reportForeign] },
          { target: "handshaking", actions: [assign(() => ({ simulated: "no user name" })), giveNoPassword] },
        ],
      },
    },
    lookingUp: { on: { candidates: { target: "handshaking", actions: decide(["give"], choosePassword) } } },
    handshaking: { on: { secured: { target: "awaitingRequest" } } },
    awaitingRequest: {
      entry: { type: "startTimer", timer: "exchange", ms: EXCHANGE_TIMEOUT_MS },
      on: {
        ...duringExchange,
        asked: [
          {
            guard: isOfItsCall,
            target: "granting",
            actions: [
              assign((_, { request }) => ({ domain: request.domain })),
              give("grant", ({ candidate }, { request: { domain } }) => ({
                number: candidate!.called,
                domain,
                vservice: candidate!.vservice,
              })),
            ],
          },
          {
            target: "over",
            actions: [
              stopExchange,
              { type: "answer", answer: { type: "valerror", code: 404 } },
              hangUp,
              give("report", (_, { request: { domain } }) => ({ outcome: { type: "declined", domain, code: 404 } })),
            ],
          },
        ],
      },
      timers: { exchange: lateExchange },
    },
    granting: {
      on: {
        ...duringExchange,
        granted: {
          target: "over",
          actions: [
            stopExchange,
            give("answer", (_, { info }) => ({ answer: { type: "valinfo", info } })),
            hangUp,
            give("report", ({ candidate, roundMs, domain, name }) => ({
              outcome: { type: "validated", domain, bits: worthOf(candidate!, formOf(name!), roundMs) },
            })),
          ],
        },
        declined: {
          target: "over",
          actions: [
            stopExchange,
            give("answer", (_, { code }) => ({ answer: { type: "valerror", code } })),
            hangUp,
            give("report", ({ domain }, { code }) => ({ outcome: { type: "declined", domain, code } })),
          ],
        },
      },
      timers: { exchange: lateExchange },
    },
    over: { type: "final" },
  },
});

const nameOf = (userName: string): PvpUserName | undefined => {
  const parsed = parseUserName(userName);
  return parsed.ok ? parsed.value : undefined;
};

/** Undefined: it is no user name of PVP. */
const terminatorOf = (userName: string, { nodeIds }: PvpTerminatorInput): "ours" | "foreign" | undefined => {
  const name = nameOf(userName);
  if (name === undefined) return undefined;
  return nodeIds.includes(name.terminator) ? "ours" : "foreign";
};

const formOf = (name: PvpUserName) => ({
  ...name,
  revealed: name.version === 2 && name.method !== "C" ? name.bits.length : 0,
});

const simulate = (simulated: string, charged: ReadonlyArray<number> = []): Decided<"give"> => ({
  context: { simulated, charged },
  actions: [giveNoPassword],
});

/**
 * Version 1 names a call if it fits alone. Version 2 names it by its bits among those that fit, and then a wrong password
 * or wrong bits are a guess at each of them.
 */
function choosePassword(
  { name, roundMs }: PvpTerminatorContext,
  { candidates }: Of<PvpTerminatorEvent, "candidates">,
): Decided<"give"> {
  const hasBits = name!.version === 2 && name!.method !== "C";
  if (candidates.length > (hasBits ? NAMED_TOGETHER_MAX : 1)) return simulate("several such calls");
  const all = hasBits ? candidates.map(({ id }) => id) : [];
  const named = candidates.filter(({ isNamed = true }) => isNamed);
  const [candidate] = named;
  if (candidate === undefined) return simulate(candidates.length > 0 ? "other calls" : "no such call", all);
  const [password, another] = new Set(named.map((call) => terminatorPassword(name!, call, roundMs)));
  if (another !== undefined) return simulate("several such calls", all);
  if (named.some(({ isLocked }) => isLocked)) return simulate("a locked call", all);
  return {
    context: { candidate, charged: hasBits ? all : [candidate.id] },
    actions: [{ type: "give", password }],
  };
}

/** `charge` is the last order: how long it takes differs with what we know, and the peer is gone by then. */
function afterFailure(
  { name, charged, simulated }: PvpTerminatorContext,
  { isWrongPassword, why }: Of<PvpTerminatorEvent, "failed">,
): Decided<"hangUp" | "report" | "charge"> {
  if (!isWrongPassword) return { actions: [hangUp, { type: "report", outcome: { type: "malformed", why } }] };
  const failed = charged.map((id) => ({ id, method: name!.method }));
  return {
    actions: [hangUp, { type: "report", outcome: { type: "failed", simulated } }, { type: "charge", failed }],
  };
}
