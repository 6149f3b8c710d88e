/**
 * The summary of a number's events: calls counted, and what each claim has proved.
 *
 *   event, time --> auditEventOf --> stored event --> summed --> summary
 *
 * Summaries are values made from events alone, so that one read from a store equals one that was never written.
 */
import { type E164, nodeIdText } from "../../codecs/shared/mod.ts";
import { type AuditEvent, type AuditSummary, asStored } from "../../codecs/vipr/mod.ts";
import { CLAIMS_MAX, type PvpClaim } from "../validation/mod.ts";
import type { ViprEvent } from "./events.ts";
import { claimName } from "./ledger.ts";

/** One claim in the summary. */
export type ClaimSum = AuditSummary["claims"][number];

export const NO_EVENTS: AuditSummary = {
  count: 0,
  sent: 0,
  received: 0,
  isPublished: false,
  learned: [],
  claims: [],
};

/** The event as it is stored. */
export const auditEventOf = ({ number: _, ...event }: ViprEvent, atMs: number): AuditEvent => {
  switch (event.type) {
    case "lookedUp":
      return asStored({ atMs, ...event, claimants: event.claimants.slice(0, CLAIMS_MAX).map(claimOf) });
    case "proved":
      return asStored({ atMs, ...event, claim: claimOf(event.claim) });
    case "attempted": {
      const { attempt } = event;
      const { method, verdict, bits } = attempt;
      const why = "why" in attempt ? attempt.why : "";
      const code = "code" in attempt ? { code: attempt.code } : {};
      return asStored({ atMs, ...event, attempt: { ...claimOf(attempt), method, verdict, bits, why, ...code } });
    }
    default:
      return asStored({ atMs, ...event });
  }
};

export const summed = (sum: AuditSummary, fact: AuditEvent): AuditSummary => {
  const next = { ...sum, count: sum.count + 1 };
  switch (fact.type) {
    case "published":
      return { ...next, isPublished: true };
    case "vcr":
      return fact.direction === "sent" ? { ...next, sent: sum.sent + 1 } : { ...next, received: sum.received + 1 };
    case "learned":
      return { ...next, learned: [{ domain: fact.domain, atMs: fact.atMs, told: fact.told }] };
    case "attempted":
      return { ...next, claims: tried(sum.claims, fact) };
    case "proved": {
      const key = keyOf({ by: fact.by, ...fact.claim });
      const { bits, calls } = fact;
      return { ...next, claims: sum.claims.map((claim) => (keyOf(claim) === key ? { ...claim, bits, calls } : claim)) };
    }
    default:
      return next;
  }
};

/** A call that was not proved sets the sum back to 0; a claimant that could not be reached was not asked. */
const tried = (
  claims: ReadonlyArray<ClaimSum>,
  { by, attempt, tries }: AuditEvent & { readonly type: "attempted" },
): ReadonlyArray<ClaimSum> => {
  const { nodeId, vservice, method, verdict } = attempt;
  const key = keyOf({ by, nodeId, vservice });
  const at = claims.findIndex((claim) => keyOf(claim) === key);
  const before = claims[at];
  const isProof = verdict === "validated";
  const isFailure = verdict === "refused" || verdict === "broken";
  const claim: ClaimSum = {
    by,
    nodeId,
    vservice,
    tries: (before?.tries ?? 0) + (verdict === "unreachable" ? 0 : tries),
    validated: (before?.validated ?? 0) + (isProof ? 1 : 0),
    refused: (before?.refused ?? 0) + (isFailure ? 1 : 0),
    method,
    verdict,
    bits: isFailure ? 0 : (before?.bits ?? 0),
    calls: isFailure ? 0 : (before?.calls ?? 0),
    runBits: isFailure ? 0 : (before?.runBits ?? 0) + (isProof ? Math.log2(tries) : 0),
  };
  if (before !== undefined) return claims.with(at, claim);
  return [...claims, claim].slice(-CLAIMS_MAX);
};

/**
 * A sequence of right guesses may begin at each of its tries, and each call of it may allow two guesses instead of one:
 * `runBits` is what that costs. The two guesses of the first call are counted among the tries as well, which makes the bound
 * larger than it need be, and still true. Without bits there is no bound.
 */
export const chanceOf = ({ tries, runBits }: Pick<ClaimSum, "tries" | "runBits">, bits: number): number =>
  Math.min(1, tries * 2 ** (runBits - bits));

export const keyOf = ({ by, nodeId, vservice }: Pick<ClaimSum, "by" | "nodeId" | "vservice">): string =>
  `${by}/${nodeId}/${vservice}`;

/** The claim's name in the ledger. */
export const ledgerName = (number: E164, { by, nodeId, vservice }: Pick<ClaimSum, "by" | "nodeId" | "vservice">) =>
  claimName({ by, number, nodeId: nodeIdText(nodeId), vservice });

/** The claim without what stands beside it. */
const claimOf = ({ nodeId, vservice }: PvpClaim): PvpClaim => ({ nodeId, vservice });
