/**
 * Where a number lies in the overlay, by the hash that its configuration names.
 * docs/protocol/overlay.md#the-vipr-usage.
 *
 * The slow one is computed once for each number and kept; only a few at a time, as each takes 32 MiB while it lasts.
 */
import { Effect, Semaphore } from "effect";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import { resourceOfNumber, resourceOfStretched, stretching } from "../../codecs/reload/mod.ts";
import { type E164, keepNewest, utf8 } from "../../codecs/shared/mod.ts";
import { Keys } from "../ports/mod.ts";

/** Numbers whose place is remembered, the one longest kept goes first: some 15 MiB. */
const NUMBERS_KEPT_MAX = 65_536;
const STRETCHED_AT_ONCE_MAX = 2;

export type ResourceOf = (number: E164) => Effect.Effect<Uint8Array>;

export const makeNumberHash = Effect.fn("reload.numberHash")(function* (
  now: () => OverlayConfiguration,
): Effect.fn.Return<ResourceOf, never, Keys> {
  const keys = yield* Keys;
  const few = yield* Semaphore.make(STRETCHED_AT_ONCE_MAX);
  const kept = new Map<E164, Uint8Array>();

  const stretched = Effect.fnUntraced(function* (number: E164) {
    const found = kept.get(number); // another fiber may have computed it while we waited
    if (found !== undefined) return found;
    const resource = resourceOfStretched(yield* keys.stretch(utf8(number), utf8(now().name), stretching));
    keepNewest(kept, NUMBERS_KEPT_MAX, number, resource);
    return resource;
  });

  return (number) =>
    Effect.suspend(() => {
      if (now().numberHash === "sha1") return Effect.succeed(resourceOfNumber(number));
      const found = kept.get(number);
      return found === undefined ? few.withPermits(1)(stretched(number)) : Effect.succeed(found);
    });
});
