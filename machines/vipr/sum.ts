/**
 * What the facts of a number sum up to: calls counted, and how far each claim has come.
 *
 *   event, hour --> factOf --> fact --> summed --> sum
 *
 * Sums are values; a fact gives a new one. Nothing of them but facts decides what they are, so that a story read from disk
 * and one that was never written are the same.
 */
import { type E164, nodeIdText } from "../../codecs/shared/mod.ts";
import { vserviceText } from "../../codecs/validation/mod.ts";
import { asKept, type Fact, type StorySum } from "../../codecs/vipr/mod.ts";
import { CLAIMS_MAX, type PvpClaim } from "../validation/mod.ts";
import type { ViprEvent } from "./events.ts";
import { claimName } from "./ledger.ts";

/** What a claim's row of proofs is made of. */
export type ClaimSum = StorySum["claims"][number];

export const NOTHING_YET: StorySum = {
  count: 0,
  sent: 0,
  received: 0,
  isPublished: false,
  learned: [],
  claims: [],
};

/** The event in plain JSON. */
export const factOf = ({ number: _, ...event }: ViprEvent, atMs: number): Fact => {
  switch (event.type) {
    case "lookedUp":
      return asKept({ atMs, ...event, claimants: event.claimants.slice(0, CLAIMS_MAX).map(plainClaim) });
    case "proved":
      return asKept({ atMs, ...event, by: vserviceText(event.by), claim: plainClaim(event.claim) });
    case "attempted": {
      const { attempt } = event;
      const { method, verdict, bits } = attempt;
      const why = "why" in attempt ? attempt.why : "";
      const code = "code" in attempt ? { code: attempt.code } : {};
      const plain = { ...plainClaim(attempt), method, verdict, bits, why, ...code };
      return asKept({ atMs, ...event, by: vserviceText(event.by), attempt: plain });
    }
    default:
      return asKept({ atMs, ...event });
  }
};

export const summed = (sum: StorySum, fact: Fact): StorySum => {
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

/** A call that was not proved ends the row of those that were; whoever was not reached was not asked. */
const tried = (
  claims: ReadonlyArray<ClaimSum>,
  { by, attempt, tries }: Fact & { readonly type: "attempted" },
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
 * A row of right guesses may begin at each of its tries, and each call of the row may give it two guesses instead of one:
 * `runBits` are what that gives away. The first call's two are among the tries as well, which makes the bound wider and no
 * less true. What it did not have to guess counts for nothing: no bits, no bound.
 */
export const chanceOf = ({ tries, runBits }: Pick<ClaimSum, "tries" | "runBits">, bits: number): number =>
  Math.min(1, tries * 2 ** (runBits - bits));

export const keyOf = ({ by, nodeId, vservice }: Pick<ClaimSum, "by" | "nodeId" | "vservice">): string =>
  `${by}/${nodeId}/${vservice}`;

/** The claim's name in the ledger. */
export const ledgerName = (number: E164, { by, nodeId, vservice }: Pick<ClaimSum, "by" | "nodeId" | "vservice">) =>
  claimName({ by: BigInt(`0x${by}`), number, nodeId, vservice: BigInt(`0x${vservice}`) });

const plainClaim = ({ nodeId, vservice }: PvpClaim) => ({
  nodeId: nodeIdText(nodeId),
  vservice: vserviceText(vservice),
});
