/**
 * The story of a number read from a store that no server has open.
 *
 *   stories, their facts --+
 *   vcrSent ---------------+--> what a server would tell, if one ran
 *   proofs ----------------+
 */
import { Effect } from "effect";
import type { E164 } from "../../codecs/shared/mod.ts";
import { equivalentBits, methodsFor, ROUND_MS } from "../../machines/validation/mod.ts";
import {
  callNameOf,
  ledgerName,
  REQUIRED_BITS,
  type Story,
  storyFrom,
  storyNow,
  type Waiting,
} from "../../machines/vipr/mod.ts";
import type { ReadableStore, StoreFailed } from "../ports/mod.ts";
import { provedIn, waitingIn } from "./records.ts";
import { readStory } from "./stories.ts";

/**
 * `requiredBits` are those of the last server that wrote the story, and what it had published is taken as published. What
 * waiting calls are worth is reckoned with a T of 10 s, by A where a caller is known.
 */
export const storedStory = Effect.fn("vipr.storedStory")(function* (
  store: ReadableStore,
  number: E164,
  nowMs: number,
): Effect.fn.Return<Story | undefined, StoreFailed> {
  const { kept, facts } = yield* readStory(store, number);
  const requiredBits = kept?.requiredBits ?? REQUIRED_BITS;
  const waiting = (yield* waitingIn(store, number)).map(({ vcr, dueMs }): Waiting => {
    const call = callNameOf(vcr);
    const [method] = methodsFor({ isPrivate: false, call: vcr });
    return { call, dueMs, worthBits: equivalentBits(vcr, ROUND_MS, method) };
  });
  const proved = new Map<string, { readonly bits: number; readonly calls: number }>();
  for (const claim of kept?.sum.claims ?? []) {
    const name = ledgerName(number, claim);
    proved.set(name, yield* provedIn(store, name, nowMs));
  }
  const told = kept && storyFrom(number, requiredBits, kept.sum, facts);
  return storyNow(told, number, requiredBits, {
    isPublished: undefined,
    waiting,
    proved: (claim) => proved.get(ledgerName(number, claim))!,
  });
});
