/**
 * The story of a number: what happened to it here, kept for whoever asks why there is a route, or none.
 *
 *   event, hour --> remember --> the last facts, and what they sum up to --> storyOf --> storyNow
 *                                ledger, due queue, published numbers ------------------^
 *
 * A table that one actor owns and these functions change in place; with a store, story-rows.ts has the same as rows. It
 * decides nothing: what is so now is asked of those who do, and facts tell how it came. Stories are plain JSON, Node-IDs
 * and VServiceIDs in hexadecimal. Numbers are whole: it is the operator who asks. DECISIONS.md D-052.
 */
import type { E164 } from "../../codecs/shared/mod.ts";
import type { Fact, StorySum } from "../../codecs/vipr/mod.ts";
import type { CallName, ViprEvent } from "./events.ts";
import { type ClaimSum, chanceOf, factOf, NOTHING_YET, summed } from "./sum.ts";

/** How far one claim has come with the calls of one VService of ours: `by`. */
export interface ClaimStory extends ClaimSum {
  /** Bits that it still has to prove; 0 for a route. */
  readonly missingBits: number;
  /** Bits that it had proved and that count no more: PROOF_LIFETIME_MS, or the ledger has forgotten them. */
  readonly lapsedBits: number;
  /** At most this is the chance that somebody who knew nothing of the calls came so far. */
  readonly guessChance: number;
}

/** A call of ours that waits to be validated, or is being validated. */
export interface Waiting {
  readonly call: CallName;
  readonly dueMs: number;
  readonly worthBits: number;
}

export interface Story {
  readonly number: E164;
  readonly requiredBits: number;
  readonly isPublished: boolean;
  readonly sent: number;
  readonly received: number;
  /** The next one first. */
  readonly waiting: ReadonlyArray<Waiting>;
  readonly claims: ReadonlyArray<ClaimStory>;
  /** Where its route leads, as it was told last to this server's agents. */
  readonly learned: { readonly domain: string; readonly atMs: number; readonly told: number } | undefined;
  /** The newest, in order; `forgotten` counts those that had to go. */
  readonly facts: ReadonlyArray<Fact>;
  readonly forgotten: number;
}

/** What is so at this moment, by those who decide it. */
export interface StandsNow {
  /** Undefined: nobody can say, and it is as it was heard last. */
  readonly isPublished: boolean | undefined;
  readonly waiting: ReadonlyArray<Waiting>;
  /** What the ledger counts for a claim. */
  readonly proved: (claim: ClaimSum) => { readonly bits: number; readonly calls: number };
}

interface Kept {
  sum: StorySum;
  readonly facts: Array<Fact>;
}

export interface Stories {
  readonly requiredBits: number;
  /** The number heard of last stands last. */
  readonly byNumber: Map<E164, Kept>;
  facts: number;
}

/** Of one number, and of all in memory: the number heard of longest ago is forgotten first. Some 200 bytes a fact. */
export const FACTS_MAX = 64;
export const FACTS_ALL_MAX = 200_000;

export const stories = (requiredBits: number): Stories => ({ requiredBits, byNumber: new Map(), facts: 0 });

export const remember = (all: Stories, event: ViprEvent, atMs: number): void => {
  const { byNumber } = all;
  const kept = byNumber.get(event.number) ?? { sum: NOTHING_YET, facts: [] };
  byNumber.delete(event.number);
  byNumber.set(event.number, kept);
  const fact = factOf(event, atMs);
  kept.sum = summed(kept.sum, fact);
  kept.facts.push(fact);
  all.facts += 1;
  if (kept.facts.length > FACTS_MAX) {
    kept.facts.shift();
    all.facts -= 1;
  }
  while (all.facts > FACTS_ALL_MAX) {
    const [number, oldest] = byNumber.entries().next().value!;
    byNumber.delete(number);
    all.facts -= oldest.facts.length;
  }
};

export const storyOf = ({ byNumber, requiredBits }: Stories, number: E164): Story | undefined => {
  const kept = byNumber.get(number);
  return kept && storyFrom(number, requiredBits, kept.sum, kept.facts);
};

/** A story told: of the facts only the newest are shown. */
export const storyFrom = (number: E164, requiredBits: number, sum: StorySum, facts: ReadonlyArray<Fact>): Story => {
  const { isPublished, sent, received, claims, learned } = sum;
  const shown = facts.slice(-FACTS_MAX);
  return {
    number,
    requiredBits,
    isPublished,
    sent,
    received,
    waiting: [],
    claims: claims.map((claim) => standing(claim, claim, requiredBits)),
    learned: learned[0],
    facts: shown,
    forgotten: sum.count - shown.length,
  };
};

/** Bits are cut to millionths where they are kept, in the ledger's rows as in ours. */
const ROUNDED_BITS = 0.001;
const standing = (
  claim: ClaimSum,
  { bits, calls }: Pick<ClaimSum, "bits" | "calls">,
  requiredBits: number,
): ClaimStory => ({
  ...claim,
  bits,
  calls,
  missingBits: Math.max(0, requiredBits - bits),
  lapsedBits: claim.bits - bits < ROUNDED_BITS ? 0 : claim.bits - bits,
  guessChance: chanceOf(claim, bits),
});

/**
 * The story with what is so now instead of what was heard last: a fact may have been lost in a crash, and proofs grow too
 * old without anything happening. Undefined where nothing is known of the number at all.
 */
export const storyNow = (
  told: Story | undefined,
  number: E164,
  requiredBits: number,
  { isPublished, waiting, proved }: StandsNow,
): Story | undefined => {
  if (told === undefined && waiting.length === 0 && isPublished !== true) return undefined;
  const story = told ?? storyFrom(number, requiredBits, NOTHING_YET, []);
  return {
    ...story,
    isPublished: isPublished ?? story.isPublished,
    sent: Math.max(story.sent, waiting.length),
    waiting: waiting.toSorted((a, b) => a.dueMs - b.dueMs),
    claims: story.claims.map((claim) => standing(claim, proved(claim), requiredBits)),
  };
};
