/**
 * A call that we made, on its way to a route: wait, ask the overlay who claims the number, put every claim to the proof.
 * Profile §2; draft-jennings-vipr-vap-02 §9.5.
 *
 *    o -- startTimer Tv --> waiting -- timerFired --> querying              lookUp
 *                                                      |-- found --> proving   attempt each
 *                                                      |              |-- attempted --> settle
 *                                                      |              |-- attempted, the last --> over   report
 *                                                      +-- found none, notFound --> over   report
 *
 * Claims are tried each alone and all at once, and each is settled as its verdict comes: what one says, or how long it
 * says nothing, changes nothing for another.
 */
import { setup } from "xstate";
import type { E164 } from "../../codecs/shared/mod.ts";
import { type Decision, decide, declared, machineOf } from "../kit/mod.ts";
import type { ClaimVerdict, PvpAttemptInput, PvpClaim } from "./attempt.ts";

export interface PvpOriginatorInput extends Omit<PvpAttemptInput, "claim"> {
  /** Tv, drawn by the host; 0 to begin at once. */
  readonly waitMs: number;
}

export type PvpOriginatorEvent =
  | { readonly type: "timerFired"; readonly timer: "Tv" | "query" }
  | { readonly type: "found"; readonly claims: ReadonlyArray<PvpClaim> }
  | { readonly type: "notFound"; readonly why: string }
  | { readonly type: "attempted"; readonly verdict: ClaimVerdict };

export type PvpOriginatorAction =
  | { readonly type: "lookUp"; readonly number: E164 }
  | { readonly type: "attempt"; readonly input: PvpAttemptInput }
  /** One claim has its verdict; others may still be under way. */
  | { readonly type: "settle"; readonly verdict: ClaimVerdict }
  | { readonly type: "report"; readonly outcome: PvpOutcome }
  | { readonly type: "startTimer"; readonly timer: "Tv" | "query"; readonly ms: number }
  | { readonly type: "stopTimer"; readonly timer: "Tv" | "query" }
  | { readonly type: "note"; readonly unexpected: string };

export type PvpOutcome =
  /** A verdict for each claim, in the order they were found; none when nobody claims the number. */
  | { readonly type: "tried"; readonly verdicts: ReadonlyArray<ClaimVerdict> }
  | { readonly type: "notFound"; readonly why: string };

/** Of one number: the overlay's own limit. Profile §1. */
export const CLAIMS_MAX = 64;
/**
 * Of one number by one node. Each claim is a guess at the call; a node that claims a number under many VServices would
 * buy itself many guesses. An honest owner has one, and a second while an old VService's entry has not yet expired.
 */
export const CLAIMS_OF_NODE_MAX = 2;
/** The draft's 30 s and 24 h. */
export const TV_MS_MIN = 30_000;
export const TV_MS_MAX = 24 * 3_600_000;
const QUERY_TIMEOUT_MS = 30_000;

interface PvpOriginatorContext {
  readonly input: PvpOriginatorInput;
  readonly claims: ReadonlyArray<PvpClaim>;
  readonly verdicts: ReadonlyArray<ClaimVerdict>;
}
type Decided = Decision<PvpOriginatorContext, PvpOriginatorAction>;

export const pvpOriginator = machineOf<PvpOriginatorAction>()(
  setup({
    types: { input: {} as PvpOriginatorInput, context: {} as PvpOriginatorContext, events: {} as PvpOriginatorEvent },
    actions: declared<PvpOriginatorAction>({
      lookUp: true,
      attempt: true,
      settle: true,
      report: true,
      startTimer: true,
      stopTimer: true,
      note: true,
    }),
    guards: {
      isTv: ({ event }) => event.type === "timerFired" && event.timer === "Tv",
      isQuery: ({ event }) => event.type === "timerFired" && event.timer === "query",
      isNobody: ({ event }) => event.type === "found" && event.claims.length === 0,
      isOurs: ({ context, event }) =>
        event.type === "attempted" &&
        context.claims.some((claim) => isSame(claim, event.verdict)) &&
        !context.verdicts.some((verdict) => isSame(verdict, event.verdict)),
      isTried: ({ context }) => context.verdicts.length === context.claims.length,
    },
  }).createMachine({
    id: "pvpOriginator",
    context: ({ input }) => ({ input, claims: [], verdicts: [] }),
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
            { target: "proving", actions: decide(begin) },
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
      proving: {
        on: { attempted: { guard: "isOurs", actions: decide(take) } },
        always: {
          guard: "isTried",
          target: "over",
          actions: decide(
            ({ claims, verdicts }: PvpOriginatorContext): Decided => ({
              actions: [tried(claims.map((claim) => verdicts.find((verdict) => isSame(claim, verdict))!))],
            }),
          ),
        },
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

function begin(context: PvpOriginatorContext, event: { readonly claims: ReadonlyArray<PvpClaim> }): Decided {
  const distinct = event.claims.filter((claim, i) => event.claims.findIndex((other) => isSame(claim, other)) === i);
  const ofNode = new Map<bigint, number>();
  const few = distinct.filter(({ nodeId }) => {
    const count = (ofNode.get(nodeId) ?? 0) + 1;
    ofNode.set(nodeId, count);
    return count <= CLAIMS_OF_NODE_MAX;
  });
  const claims = few.slice(0, CLAIMS_MAX);
  const { waitMs: _, ...input } = context.input;
  const attempts = claims.map((claim): PvpOriginatorAction => ({ type: "attempt", input: { ...input, claim } }));
  return { context: { claims }, actions: [stopQuery, ...attempts] };
}

function take({ verdicts }: PvpOriginatorContext, { verdict }: { readonly verdict: ClaimVerdict }): Decided {
  return { context: { verdicts: [...verdicts, verdict] }, actions: [{ type: "settle", verdict }] };
}
