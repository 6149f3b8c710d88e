/**
 * A call that we made, on its way to a route: wait, ask the overlay who claims the number, put every claim to the proof.
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
 * What we answer to a claimant's guess tells it whether the guess was right, and it may tell others, under whose claims the
 * right one is then no guess any more. So nobody is answered before all have guessed, or are out of this call; and no
 * claimant hears of the next method, whose user name tells more, before all have ended with this one. What those guesses
 * have told, the next method's proofs are worth less: log2(1 + guesses). A verdict that is final is settled as it comes.
 * DECISIONS.md D-046, D-047.
 */
import { setup } from "xstate";
import type { E164 } from "../../codecs/shared/mod.ts";
import type { PvpMethod } from "../../codecs/validation/mod.ts";
import { type Decision, decide, declared, machineOf } from "../kit/mod.ts";
import { type ClaimVerdict, methodsFor, type PvpAttemptInput, type PvpClaim } from "./attempt.ts";

export interface PvpOriginatorInput extends Omit<PvpAttemptInput, "claim" | "method" | "guessesBefore"> {
  /** Tv, drawn by the host; 0 to begin at once. */
  readonly waitMs: number;
  /** Our domain shows no telephone number to a claimant that has proved nothing. Default false. */
  readonly isPrivate?: boolean;
  /** Any whole number, drawn by the host: which of one node's claims are tried, where it has many. */
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
  /** Wait until so many claims may be tried at once. */
  | { readonly type: "takeTurn"; readonly claims: number }
  | { readonly type: "attempt"; readonly input: PvpAttemptInput }
  /** To the attempt at this claim: its gate is open; or it came too late. */
  | { readonly type: "open"; readonly claim: PvpClaim }
  | { readonly type: "shut"; readonly claim: PvpClaim }
  /** One claim has its verdict; others may still be under way. */
  | { readonly type: "settle"; readonly verdict: ClaimVerdict }
  | { readonly type: "report"; readonly outcome: PvpOutcome }
  | { readonly type: "startTimer"; readonly timer: "Tv" | "query" | "gate"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "Tv" | "query" | "gate" }
  | { readonly type: "note"; readonly unexpected: string };

export type PvpOutcome =
  /** A verdict for each claim, in the order they were found; none when nobody claims the number. */
  | { readonly type: "tried"; readonly verdicts: ReadonlyArray<ClaimVerdict> }
  | { readonly type: "notFound"; readonly why: string };

/** Of one number: the overlay's own limit. docs/protocol/pvp.md#limits. */
export const CLAIMS_MAX = 64;
/**
 * Of one number by one node. Each claim is a guess at the call; a node that claims a number under many VServices would
 * buy itself many guesses. An honest owner has one, and a second while an old VService's entry has not yet expired. Of more
 * than these two any may be tried, another time others: nobody on a server of many is crowded out for good.
 */
export const CLAIMS_OF_NODE_MAX = 2;
/**
 * From the first AppAttach until the gate opens: whoever has its stream by then and has answered our hello. A server that
 * was there at once waits so long for our answer, and must not take that for the end of the 20 s that it gives a handshake.
 */
export const GATE_MS_MAX = 12_000;
/** The draft's 30 s and 24 h. */
export const TV_MS_MIN = 30_000;
export const TV_MS_MAX = 24 * 3_600_000;
const QUERY_TIMEOUT_MS = 30_000;

interface PvpOriginatorContext {
  readonly input: PvpOriginatorInput;
  readonly claims: ReadonlyArray<PvpClaim>;
  /** Those that are final. */
  readonly verdicts: ReadonlyArray<ClaimVerdict>;
  /** The one in use, and those to come. */
  readonly methods: ReadonlyArray<PvpMethod>;
  /** Claims tried by this method whose attempt has not ended, and those of them that stand at the gate. */
  readonly trying: ReadonlyArray<PvpClaim>;
  readonly gated: ReadonlyArray<PvpClaim>;
  /** Claims refused by this method, to be tried by the next. */
  readonly failed: ReadonlyArray<PvpClaim>;
  /** Guesses answered by the methods before this one. */
  readonly guessesBefore: number;
  /** ... and by this one. */
  readonly guesses: number;
}
type Decided = Decision<PvpOriginatorContext, PvpOriginatorAction>;

export const pvpOriginator = machineOf<PvpOriginatorAction>()(
  setup({
    types: { input: {} as PvpOriginatorInput, context: {} as PvpOriginatorContext, events: {} as PvpOriginatorEvent },
    actions: declared<PvpOriginatorAction>({
      lookUp: true,
      takeTurn: true,
      attempt: true,
      open: true,
      shut: true,
      settle: true,
      report: true,
      startTimer: true,
      stopTimer: true,
      note: true,
    }),
    guards: {
      isTv: ({ event }) => event.type === "timerFired" && event.timer === "Tv",
      isQuery: ({ event }) => event.type === "timerFired" && event.timer === "query",
      isGate: ({ event }) => event.type === "timerFired" && event.timer === "gate",
      isNobody: ({ event }) => event.type === "found" && event.claims.length === 0,
      isTrying: ({ context, event }) => event.type === "attempted" && isAmong(context.trying, event.verdict),
      isComing: ({ context, event }) =>
        event.type === "committed" && isAmong(context.trying, event.claim) && !isAmong(context.gated, event.claim),
      isGathered: ({ context }) => context.trying.every((claim) => isAmong(context.gated, claim)),
      isTriedAgain: ({ context }) => context.trying.length === 0 && context.failed.length > 0,
      isTried: ({ context }) => context.trying.length === 0,
    },
  }).createMachine({
    id: "pvpOriginator",
    context: ({ input }) => ({
      input,
      claims: [],
      verdicts: [],
      methods: methodsFor(input),
      trying: [],
      gated: [],
      failed: [],
      guessesBefore: 0,
      guesses: 0,
    }),
    initial: "waiting",
    on: { "*": { actions: { type: "note", params: ({ event }) => ({ unexpected: event.type }) } } },
    states: {
      waiting: {
        entry: { type: "startTimer", params: ({ context }) => ({ timer: "Tv" as const, ms: context.input.waitMs }) },
        on: { timerFired: { guard: "isTv", target: "querying" } },
      },
      querying: {
        entry: [
          { type: "startTimer", params: { timer: "query", ms: QUERY_TIMEOUT_MS } },
          { type: "lookUp", params: ({ context }) => ({ number: context.input.call.called }) },
        ],
        on: {
          found: [
            {
              guard: "isNobody",
              target: "over",
              actions: decide((): Decided => ({ actions: [stopQuery, tried([])] })),
            },
            { target: "queueing", actions: decide(choose) },
          ],
          notFound: {
            target: "over",
            actions: decide(
              (_: PvpOriginatorContext, { why }: { readonly why: string }): Decided => ({
                actions: [stopQuery, { type: "report", outcome: { type: "notFound", why } }],
              }),
            ),
          },
          timerFired: {
            guard: "isQuery",
            target: "over",
            actions: { type: "report", params: { outcome: { type: "notFound", why: "the overlay did not answer" } } },
          },
        },
      },
      queueing: { on: { turned: { target: "gathering" } } },
      gathering: {
        entry: decide(begin),
        on: {
          committed: { guard: "isComing", actions: decide(gather) },
          attempted: { guard: "isTrying", actions: decide(take) },
          timerFired: { guard: "isGate", target: "proving" },
        },
        always: {
          guard: "isGathered",
          target: "proving",
          actions: { type: "stopTimer", params: { timer: "gate" } },
        },
      },
      proving: {
        entry: decide(open),
        on: { attempted: { guard: "isTrying", actions: decide(take) } },
        always: [
          { guard: "isTriedAgain", target: "gathering", actions: decide(next) },
          { guard: "isTried", target: "over", actions: decide(conclude) },
        ],
      },
      over: { type: "final" },
    },
  }),
);

const stopQuery = { type: "stopTimer", timer: "query" } as const;

const tried = (verdicts: ReadonlyArray<ClaimVerdict>): PvpOriginatorAction => ({
  type: "report",
  outcome: { type: "tried", verdicts },
});

const isSame = (a: PvpClaim, b: PvpClaim): boolean => a.nodeId === b.nodeId && a.vservice === b.vservice;
const isAmong = (claims: ReadonlyArray<PvpClaim>, claim: PvpClaim): boolean =>
  claims.some((other) => isSame(claim, other));

function choose({ input }: PvpOriginatorContext, found: { readonly claims: ReadonlyArray<PvpClaim> }): Decided {
  const distinct = found.claims.filter((claim, i) => found.claims.findIndex((other) => isSame(claim, other)) === i);
  const few = distinct.filter((claim) => {
    const ofNode = distinct.filter(({ nodeId }) => nodeId === claim.nodeId);
    const place = ofNode.indexOf(claim) + (input.lot % ofNode.length);
    return place % ofNode.length < CLAIMS_OF_NODE_MAX;
  });
  const claims = few.slice(0, CLAIMS_MAX);
  return { context: { claims, trying: claims }, actions: [stopQuery, { type: "takeTurn", claims: claims.length }] };
}

function begin({ input, methods, trying, guessesBefore }: PvpOriginatorContext): Decided {
  const { waitMs: _, isPrivate: __, lot: ___, ...rest } = input;
  const method = methods[0]!;
  const attempts = trying.map(
    (claim): PvpOriginatorAction => ({ type: "attempt", input: { ...rest, claim, method, guessesBefore } }),
  );
  return { actions: [{ type: "startTimer", timer: "gate", ms: GATE_MS_MAX }, ...attempts] };
}

function gather({ gated }: PvpOriginatorContext, { claim }: { readonly claim: PvpClaim }): Decided {
  return { context: { gated: [...gated, claim] } };
}

function open({ trying, gated }: PvpOriginatorContext): Decided {
  const told = trying.map((claim) => ({ type: isAmong(gated, claim) ? "open" : "shut", claim }) as const);
  return { context: { guesses: gated.length }, actions: told };
}

/** Whoever gave a guess once may be refused or broken, and has no way back to being one that was never asked. */
function take(context: PvpOriginatorContext, { verdict: said }: { readonly verdict: ClaimVerdict }): Decided {
  const { trying, methods, failed, verdicts, claims } = context;
  const { nodeId, vservice, method, bits } = said;
  const left = { trying: trying.filter((claim) => !isSame(claim, said)) };
  if (said.verdict === "refused" && methods.length > 1)
    return { context: { ...left, failed: [...failed, { nodeId, vservice }] } };
  const isFirst = methods.length === methodsFor(context.input).length;
  const verdict: ClaimVerdict =
    said.verdict === "unreachable" && !isFirst ? { nodeId, vservice, method, bits, verdict: "refused" } : said;
  const all = [...verdicts, verdict].sort((a, b) => placeOf(claims, a) - placeOf(claims, b));
  return { context: { ...left, verdicts: all }, actions: [{ type: "settle", verdict }] };
}

const placeOf = (claims: ReadonlyArray<PvpClaim>, of: PvpClaim): number =>
  claims.findIndex((claim) => isSame(claim, of));

function next({ methods, failed, guessesBefore, guesses }: PvpOriginatorContext): Decided {
  const before = guessesBefore + guesses;
  return { context: { methods: methods.slice(1), trying: failed, failed: [], gated: [], guessesBefore: before } };
}

function conclude({ verdicts }: PvpOriginatorContext): Decided {
  return { actions: [tried(verdicts)] };
}
