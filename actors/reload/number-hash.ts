/**
 * The Resource-ID of a number, by the hash that the overlay's configuration names.
 * docs/protocol/overlay.md#the-vipr-usage.
 *
 * scrypt is computed once for each number and cached; only a few at a time, as each computation takes 32 MiB.
 */
import { Effect, Semaphore } from "effect";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import { resourceOfNumber, resourceOfStretched, stretching } from "../../codecs/reload/mod.ts";
import { type E164, keepNewest, utf8 } from "../../codecs/shared/mod.ts";
import { Keys } from "../ports/mod.ts";

/** Numbers whose Resource-ID is cached, some 15 MiB; the one cached first is dropped first. */
const NUMBERS_CACHED_MAX = 65_536;
const STRETCHED_AT_ONCE_MAX = 2;

export type ResourceOf = (number: E164) => Effect.Effect<Uint8Array>;

export const makeNumberHash = Effect.fn("reload.numberHash")(function* (
  now: () => OverlayConfiguration,
): Effect.fn.Return<ResourceOf, never, Keys> {
  const keys = yield* Keys;
  const few = yield* Semaphore.make(STRETCHED_AT_ONCE_MAX);
  const cached = new Map<E164, Uint8Array>();

  const stretched = Effect.fnUntraced(function* (number: E164) {
    const known = cached.get(number); // another fiber may have computed it while this one waited
    if (known !== undefined) return known;
    const resource = resourceOfStretched(yield* keys.stretch(utf8(number), utf8(now().name), stretching));
    keepNewest(cached, NUMBERS_CACHED_MAX, number, resource);
    return resource;
  });

  return (number) =>
    Effect.suspend(() => {
      if (now().numberHash === "sha1") return Effect.succeed(resourceOfNumber(number));
      const known = cached.get(number);
      return known === undefined ? few.withPermits(1)(stretched(number)) : Effect.succeed(known);
    });
});
