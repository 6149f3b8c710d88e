/**
 * The audit log of a number: what happened to it at this server, for an operator who asks why there is a route, or none.
 *
 *   event, time --> record --> the last events, and their summary --> reportFrom, currentReport --> JSON
 *                              ledger, due queue, published numbers -------------------^
 *
 * A table that one actor owns and these functions change in place; with a store, audit-rows.ts makes rows of the same. It
 * decides nothing: the present state comes from the parts that decide it, and events show how it came about. Reports are
 * plain JSON, Node-IDs and VServiceIDs in hexadecimal. Numbers are not masked, since only the operator can ask.
 * DECISIONS.md D-052.
 */
import type { E164 } from "../../codecs/shared/mod.ts";
import { type AuditEvent, type AuditSummary, type Plain, plainOf } from "../../codecs/vipr/mod.ts";
import { auditEventOf, type ClaimSum, chanceOf, NO_EVENTS, summed } from "./audit-summary.ts";
import type { CallName, ViprEvent } from "./events.ts";

/** What one claim has proved with the calls of one VService of ours: `by`. */
export interface ClaimReport extends Plain<ClaimSum> {
  /** Bits that it still has to prove; 0 for a route. */
  readonly missingBits: number;
  /** Bits that it had proved and that no longer count: older than PROOF_LIFETIME_MS, or evicted from the ledger. */
  readonly lapsedBits: number;
  /** An upper bound of the chance to reach these bits without knowledge of the calls. */
  readonly guessChance: number;
}

/** A call of ours that waits to be validated, or is being validated. */
export interface Waiting {
  readonly call: CallName;
  readonly dueMs: number;
  readonly worthBits: number;
}

export interface AuditReport {
  readonly number: E164;
  readonly requiredBits: number;
  readonly isPublished: boolean;
  readonly sent: number;
  readonly received: number;
  /** The next one first. */
  readonly waiting: ReadonlyArray<Waiting>;
  readonly claims: ReadonlyArray<ClaimReport>;
  /** Where its route leads, by the last Notify to this server's agents. `told`: how many agents received it. */
  readonly learned: { readonly domain: string; readonly atMs: number; readonly told: number } | undefined;
  /** The newest events, in order; `forgotten` counts the older ones. */
  readonly facts: ReadonlyArray<PlainEvent>;
  readonly forgotten: number;
}

/** The present state, from the parts that decide it. */
export interface PresentState {
  /** Undefined: not known at present; the last event counts. */
  readonly isPublished: boolean | undefined;
  readonly waiting: ReadonlyArray<Waiting>;
  /** What the ledger counts for a claim. */
  readonly proved: (claim: ClaimSum) => { readonly bits: number; readonly calls: number };
}

/** What is recorded of a number: the summary of all events, and the newest of them. */
export interface LoggedNumber {
  readonly sum: AuditSummary;
  readonly facts: ReadonlyArray<AuditEvent>;
}
/** An event for JSON. */
export type PlainEvent = Plain<AuditEvent>;

interface Kept {
  sum: AuditSummary;
  readonly facts: Array<AuditEvent>;
}

export interface AuditTable {
  readonly requiredBits: number;
  /** In the order of their last events. */
  readonly byNumber: Map<E164, Kept>;
  facts: number;
}

/** Events of one number, and of all in memory: the number whose last event is oldest is removed first. Some 200 bytes each. */
export const EVENTS_MAX = 64;
export const EVENTS_ALL_MAX = 200_000;

export const auditTable = (requiredBits: number): AuditTable => ({ requiredBits, byNumber: new Map(), facts: 0 });

export const record = (all: AuditTable, event: ViprEvent, atMs: number): void => {
  const { byNumber } = all;
  const kept = byNumber.get(event.number) ?? { sum: NO_EVENTS, facts: [] };
  byNumber.delete(event.number);
  byNumber.set(event.number, kept);
  const fact = auditEventOf(event, atMs);
  kept.sum = summed(kept.sum, fact);
  kept.facts.push(fact);
  all.facts += 1;
  if (kept.facts.length > EVENTS_MAX) {
    kept.facts.shift();
    all.facts -= 1;
  }
  while (all.facts > EVENTS_ALL_MAX) {
    const [number, oldest] = byNumber.entries().next().value!;
    byNumber.delete(number);
    all.facts -= oldest.facts.length;
  }
};

export const logOf = ({ byNumber }: AuditTable, number: E164): LoggedNumber | undefined => byNumber.get(number);

/** The report of what is recorded. */
export const reportFrom = (number: E164, requiredBits: number, { sum, facts }: LoggedNumber): AuditReport => {
  const { isPublished, sent, received, claims, learned } = sum;
  const shown = facts.slice(-EVENTS_MAX);
  return {
    number,
    requiredBits,
    isPublished,
    sent,
    received,
    waiting: [],
    claims: claims.map((claim) => claimReport(claim, claim, requiredBits)),
    learned: learned[0],
    facts: shown.map(plainOf),
    forgotten: sum.count - shown.length,
  };
};

/** Stored bits are cut to millionths, in the rows of the ledger as in these. */
const ROUNDED_BITS = 0.001;
const claimReport = (
  claim: ClaimSum,
  { bits, calls }: Pick<ClaimSum, "bits" | "calls">,
  requiredBits: number,
): ClaimReport => ({
  ...plainOf(claim),
  bits,
  calls,
  missingBits: Math.max(0, requiredBits - bits),
  lapsedBits: claim.bits - bits < ROUNDED_BITS ? 0 : claim.bits - bits,
  guessChance: chanceOf(claim, bits),
});

/**
 * The report with the present state in place of what the last events say: an event may have been lost in a crash, and proofs
 * expire without one. Undefined when nothing is known of the number.
 */
export const currentReport = (
  log: LoggedNumber | undefined,
  number: E164,
  requiredBits: number,
  { isPublished, waiting, proved }: PresentState,
): AuditReport | undefined => {
  if (log === undefined && waiting.length === 0 && isPublished !== true) return undefined;
  const { sum, facts } = log ?? { sum: NO_EVENTS, facts: [] };
  const report = reportFrom(number, requiredBits, { sum, facts });
  return {
    ...report,
    isPublished: isPublished ?? report.isPublished,
    sent: Math.max(report.sent, waiting.length),
    waiting: waiting.toSorted((a, b) => a.dueMs - b.dueMs),
    claims: sum.claims.map((claim) => claimReport(claim, proved(claim), requiredBits)),
  };
};
