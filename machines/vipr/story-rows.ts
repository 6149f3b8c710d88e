/**
 * Stories as rows of a store: what a row of events changes there, and a story read from it. codecs/vipr/story.ts draws them.
 *
 *   a sum as it lies there, new facts --> its row anew, a row for each fact; those beyond the newest FACTS_MAX go
 */
import type { E164 } from "../../codecs/shared/mod.ts";
import { encodeFact, encodeStory, type Fact, factKey, type StorySum, storyKey } from "../../codecs/vipr/mod.ts";
import { PROOF_LIFETIME_MS } from "./ledger.ts";
import { FACTS_MAX } from "./story.ts";
import { NOTHING_YET, summed } from "./sum.ts";

/**
 * A story goes when its number has not been heard of for so long: by then every proof that it tells of has lapsed, and
 * every route that came of it.
 */
export const STORY_LIFETIME_MS = PROOF_LIFETIME_MS;

export type StoryChange =
  | { readonly type: "put"; readonly key: Uint8Array; readonly value: Uint8Array; readonly dueMs?: number }
  | { readonly type: "remove"; readonly key: Uint8Array };
export interface StoryChanges {
  readonly sums: ReadonlyArray<StoryChange>;
  readonly facts: ReadonlyArray<StoryChange>;
}

/** `facts` have happened since `sum` was written, at least one; undefined: it never was. */
export const storyRows = (
  number: E164,
  requiredBits: number,
  sum: StorySum | undefined,
  facts: ReadonlyArray<Fact>,
): StoryChanges => {
  const key = storyKey(number);
  const before = sum ?? NOTHING_YET;
  const after = facts.reduce(summed, before);
  const first = Math.max(0, after.count - FACTS_MAX); // the oldest place that is kept
  const written = facts.flatMap((fact, i): ReadonlyArray<StoryChange> => {
    const place = before.count + i;
    return place < first ? [] : [{ type: "put", key: factKey(key, place), value: encodeFact(fact) }];
  });
  const gone = placesGone(before.count, first).map(
    (place): StoryChange => ({
      type: "remove",
      key: factKey(key, place),
    }),
  );
  const dueMs = facts.at(-1)!.atMs + STORY_LIFETIME_MS;
  const value = encodeStory({ requiredBits, sum: after });
  return { sums: [{ type: "put", key, value, dueMs }], facts: [...gone, ...written] };
};

/** Places below `first` that a story of so many facts has rows at. */
const placesGone = (count: number, first: number): ReadonlyArray<number> => {
  const least = Math.max(0, count - FACTS_MAX);
  return Array.from({ length: Math.max(0, Math.min(first, count) - least) }, (_, i) => least + i);
};
