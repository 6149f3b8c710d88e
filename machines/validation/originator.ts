/**
 * The originator's side of a validation of one call: wait for Tv, ask the overlay who claims the number, validate each
 * claim, several at once.
 * docs/protocol/pvp.md#the-gate; draft-jennings-vipr-vap-02 §9.5.
 *
 *    o -- startTimer Tv --> waiting -- timerFired --> querying        lookUp
 *                                        |-- found none, notFound --> over   report
 *                                        |-- found --> queueing       takeTurn
 *       +-- every claim tried by this method <----------- turned -+
 *       v                                             |
 *    gathering   attempt each, startTimer gate  <-----+
 *       |-- committed, attempted: every claim is at the gate, or has ended
 *       |-- timerFired gate
 *       v
 *    proving     open those at the gate, shut the others out
 *       |-- attempted, the last --> gathering   those that failed, by the next method
 *       +-- attempted, the last, and no method left --> over   report
 *
 * Our answer to a claimant's guess at the password tells it whether the guess was right. It could tell another claimant,
 * which would then know the password and not guess. So no claimant is answered before all have guessed, or are out of this
 * call; and no claimant receives the user name of the next method, which contains more, before all have ended with this
 * method. A proof by the next method is worth log2(1 + guesses) bits less, for what the guesses before may have told. Final
 * verdicts are reported at once.
 * DECISIONS.md D-046, D-047.
 * Requirements: ViPR overview §4, §5.1.
 */
import type { E164 } from "../../codecs/shared/mod.ts";
import { type Decision, type Note, type Of, setup } from "../kit/mod.ts";
import type { ClaimVerdict, PvpAttemptInput, PvpClaim } from "./attempt.ts";
import type { PvpForm } from "./forms.ts";

export interface PvpOriginatorInput extends Omit<PvpAttemptInput, "claim" | "form" | "guessesBefore"> {
  /** Tv, drawn by the host; 0 to begin at once. */
  readonly waitMs: number;
  /** Of the user names, in the order in which they are tried: `formsFor`. Without any nobody is asked. */
  readonly forms: ReadonlyArray<PvpForm>;
  /** A random integer: it selects which claims of one node are tried, if the node has many. */
  readonly lot: number;
}

export type PvpOriginatorEvent =
  | { readonly type: "timerFired"; readonly timer: "Tv" | "query" | "gate" }
  | { readonly type: "found"; readonly claims: ReadonlyArray<PvpClaim> }
  | { readonly type: "notFound"; readonly why: string }
  | { readonly type: "turned" }
  | { readonly type: "committed"; readonly claim: PvpClaim }
  | { readonly type: "attempted"; readonly verdict: ClaimVerdict };

export type PvpOriginatorAction =
  | { readonly type: "lookUp"; readonly number: E164 }
  /** Wait until so many claims may be tried at the same time. */
  | { readonly type: "takeTurn"; readonly claims: number }
  | { readonly type: "attempt"; readonly input: PvpAttemptInput }
  /** For the attempt at this claim: the gate is open, or was opened before the attempt had reached it. */
  | { readonly type: "open"; readonly claim: PvpClaim }
  | { readonly type: "shut"; readonly claim: PvpClaim }
  /** The final verdict on one claim; attempts at others may still run. */
  | { readonly type: "settle"; readonly verdict: ClaimVerdict }
  | { readonly type: "report"; readonly outcome: PvpOutcome }
  | { readonly type: "startTimer"; readonly timer: "Tv" | "query" | "gate"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "Tv" | "query" | "gate" }
  | Note;

export type PvpOutcome =
  /** A verdict for each claim, in the order of `found`; none if nobody claims the number. */
  | { readonly type: "tried"; readonly verdicts: ReadonlyArray<ClaimVerdict> }
  | { readonly type: "notFound"; readonly reason: LookUpFailure; readonly why: string };

/** `failed`: the overlay answered with an error. `timedOut`: it did not answer in time. */
export type LookUpFailure = "failed" | "timedOut";

/** Of one number: the overlay's own limit. docs/protocol/pvp.md#limits. */
export const CLAIMS_MAX = 64;
/**
 * Of one number by one node. Each claim gives its node a guess at the call, so that a node with claims under many VServices
 * would have many guesses. An honest owner has one claim, and a second until the entry of an old VService expires. Of more
 * claims two are selected at random for each call, so that on a server with many VServices none is left out for good.
 */
export const CLAIMS_OF_NODE_MAX = 2;
/**
 * From the first AppAttach until the gate opens, at the latest. A claimant that answered our hello at once waits so long for
 * our next message: less than the 20 s that it allows for a handshake.
 */
export const GATE_MS_MAX = 12_000;
/** The draft's 30 s and 24 h. */
export const TV_MS_MIN = 30_000;
export const TV_MS_MAX = 24 * 3_600_000;
const QUERY_TIMEOUT_MS = 30_000;

interface PvpOriginatorContext {
  readonly input: PvpOriginatorInput;
  readonly claims: ReadonlyArray<PvpClaim>;
  /** Final ones. */
  readonly verdicts: ReadonlyArray<ClaimVerdict>;
  /** The form in use, and those that may follow. */
  readonly forms: ReadonlyArray<PvpForm>;
  /** Claims whose attempt by this method runs, and those of them that have reached the gate. */
  readonly trying: ReadonlyArray<PvpClaim>;
  readonly gated: ReadonlyArray<PvpClaim>;
  /** Claims refused by this method, to be tried by the next one. */
  readonly failed: ReadonlyArray<PvpClaim>;
  /** Guesses answered by the methods before this one. */
  readonly guessesBefore: number;
  /** Guesses answered by this method. */
  readonly guesses: number;
}
const { machine, assign, decide, give } = setup<{
  input: PvpOriginatorInput;
  context: PvpOriginatorContext;
  event: PvpOriginatorEvent;
  order: PvpOriginatorAction;
}>();
type Decided<K extends PvpOriginatorAction["type"]> = Decision<PvpOriginatorContext, Of<PvpOriginatorAction, K>>;

const stopQuery = { type: "stopTimer", timer: "query" } as const;
const noneFound = { type: "report", outcome: { type: "tried", verdicts: [] } } as const;
const noAnswer = {
  type: "report",
  outcome: { type: "notFound", reason: "timedOut", why: "the overlay did not answer" },
} as const;

const isNobody = ({ forms }: PvpOriginatorContext, { claims }: Of<PvpOriginatorEvent, "found">): boolean =>
  claims.length === 0 || forms.length === 0;
const isUnderWay = ({ trying }: PvpOriginatorContext, { verdict }: Of<PvpOriginatorEvent, "attempted">): boolean =>
  isAmong(trying, verdict);
const isFirstCommitment = (
  { trying, gated }: PvpOriginatorContext,
  { claim }: Of<PvpOriginatorEvent, "committed">,
): boolean => isAmong(trying, claim) && !isAmong(gated, claim);
const isGathered = ({ trying, gated }: PvpOriginatorContext): boolean => trying.every((claim) => isAmong(gated, claim));
const hasNextMethod = ({ trying, failed }: PvpOriginatorContext): boolean => trying.length === 0 && failed.length > 0;
const isTried = ({ trying }: PvpOriginatorContext): boolean => trying.length === 0;

const onAttempted = { guard: isUnderWay, actions: decide(["settle"], withVerdict) };

export const pvpOriginator = machine("pvpOriginator", {
  context: (input) => ({
    input,
    claims: [],
    verdicts: [],
    forms: input.forms,
    trying: [],
    gated: [],
    failed: [],
    guessesBefore: 0,
    guesses: 0,
  }),
  initial: "waiting",
  states: {
    waiting: {
      entry: give("startTimer", ({ input }) => ({ timer: "Tv", ms: input.waitMs })),
      timers: { Tv: { target: "querying" } },
    },
    querying: {
      entry: [
        { type: "startTimer", timer: "query", ms: QUERY_TIMEOUT_MS },
        give("lookUp", ({ input }) => ({ number: input.call.called })),
      ],
      on: {
        found: [
          { guard: isNobody, target: "over", actions: [stopQuery, noneFound] },
          {
            target: "queueing",
            actions: [stopQuery, assign(chooseClaims), give("takeTurn", ({ claims }) => ({ claims: claims.length }))],
          },
        ],
        notFound: {
          target: "over",
          actions: [
            stopQuery,
            give("report", (_, { why }) => ({ outcome: { type: "notFound", reason: "failed", why } })),
          ],
        },
      },
      timers: { query: { target: "over", actions: noAnswer } },
    },
    queueing: { on: { turned: { target: "gathering" } } },
    gathering: {
      entry: [{ type: "startTimer", timer: "gate", ms: GATE_MS_MAX }, decide(["attempt"], attemptAll)],
      on: {
        committed: {
          guard: isFirstCommitment,
          actions: assign(({ gated }, { claim }) => ({ gated: [...gated, claim] })),
        },
        attempted: onAttempted,
      },
      timers: { gate: { target: "proving" } },
      always: { guard: isGathered, target: "proving", actions: { type: "stopTimer", timer: "gate" } },
    },
    proving: {
      entry: decide(["open", "shut"], openGate),
      on: { attempted: onAttempted },
      always: [
        { guard: hasNextMethod, target: "gathering", actions: assign(nextMethod) },
        {
          guard: isTried,
          target: "over",
          actions: give("report", ({ verdicts }) => ({ outcome: { type: "tried", verdicts } })),
        },
      ],
    },
    over: { type: "final" },
  },
});

const isSame = (a: PvpClaim, b: PvpClaim): boolean => a.nodeId === b.nodeId && a.vservice === b.vservice;
const isAmong = (claims: ReadonlyArray<PvpClaim>, claim: PvpClaim): boolean =>
  claims.some((other) => isSame(claim, other));

function chooseClaims(
  { input }: PvpOriginatorContext,
  found: Of<PvpOriginatorEvent, "found">,
): Partial<PvpOriginatorContext> {
  const distinct = found.claims.filter((claim, i) => found.claims.findIndex((other) => isSame(claim, other)) === i);
  const few = distinct.filter((claim) => {
    const ofNode = distinct.filter(({ nodeId }) => nodeId === claim.nodeId);
    const place = ofNode.indexOf(claim) + (input.lot % ofNode.length);
    return place % ofNode.length < CLAIMS_OF_NODE_MAX;
  });
  const claims = few.slice(0, CLAIMS_MAX);
  return { claims, trying: claims };
}

function attemptAll({ input, forms, trying, guessesBefore }: PvpOriginatorContext): Decided<"attempt"> {
  const { waitMs: _, forms: __, lot: ___, ...rest } = input;
  const form = forms[0]!;
  return {
    actions: trying.map((claim) => ({ type: "attempt", input: { ...rest, claim, form, guessesBefore } })),
  };
}

function openGate({ trying, gated }: PvpOriginatorContext): Decided<"open" | "shut"> {
  return {
    context: { guesses: gated.length },
    actions: trying.map((claim) => ({ type: isAmong(gated, claim) ? "open" : "shut", claim })),
  };
}

/**
 * A verdict is final unless another method follows. A claimant that has given a guess by an earlier method cannot become
 * `unreachable` by a later one, as if it had never been asked: it is refused.
 */
function withVerdict(
  context: PvpOriginatorContext,
  { verdict: given }: Of<PvpOriginatorEvent, "attempted">,
): Decided<"settle"> {
  const { trying, forms, failed, verdicts, claims } = context;
  const { nodeId, vservice, method, bits } = given;
  const left = { trying: trying.filter((claim) => !isSame(claim, given)) };
  if (given.verdict === "refused" && forms.length > 1)
    return { context: { ...left, failed: [...failed, { nodeId, vservice }] } };
  const isFirst = forms.length === context.input.forms.length;
  const verdict: ClaimVerdict =
    given.verdict === "unreachable" && !isFirst ? { nodeId, vservice, method, bits, verdict: "refused" } : given;
  const all = [...verdicts, verdict].sort((a, b) => placeOf(claims, a) - placeOf(claims, b));
  return { context: { ...left, verdicts: all }, actions: [{ type: "settle", verdict }] };
}

const placeOf = (claims: ReadonlyArray<PvpClaim>, of: PvpClaim): number =>
  claims.findIndex((claim) => isSame(claim, of));

function nextMethod({ forms, failed, guessesBefore, guesses }: PvpOriginatorContext): Partial<PvpOriginatorContext> {
  return {
    forms: forms.slice(1),
    trying: failed,
    failed: [],
    gated: [],
    guessesBefore: guessesBefore + guesses,
  };
}
