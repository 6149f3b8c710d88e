/** What a disk or a peer refuses is tried again, later and later: the waits, and a disk's failure said once. */
import { Duration, Effect, Schedule } from "effect";
import type { StoreFailed } from "../ports/mod.ts";

/** The first wait, and the longest. */
export type RetryMs = readonly [firstMs: number, longestMs: number];

const RETRY_MS: RetryMs = [1_000, 60_000];

/** Again for ever: after the first wait, then each time after twice the last one, up to the longest. */
export const doubling = ([firstMs, longestMs]: RetryMs) =>
  Schedule.modifyDelay(Schedule.exponential(firstMs), ({ duration }) =>
    Effect.succeed(Duration.min(duration, Duration.millis(longestMs))),
  );

/**
 * A write or a read of a store, until it succeeds. Nothing is lost meanwhile, and whoever waits for it is held back.
 * `what`: the name in the log, of a warning with the reason at the first failure and of a line when that is over.
 */
export const untilStored = <A>(
  what: string,
  work: Effect.Effect<A, StoreFailed>,
  retryMs: RetryMs = RETRY_MS,
): Effect.Effect<A> =>
  Effect.suspend(() => {
    let isReported = false;
    const refused = ({ reason, why }: StoreFailed) => {
      if (isReported) return Effect.void;
      isReported = true;
      return Effect.logWarning(what, { reason, why });
    };
    const done = Effect.suspend(() => (isReported ? Effect.logInfo(what, "done now") : Effect.void));
    const again = Effect.retry(Effect.tapError(work, refused), doubling(retryMs));
    return Effect.orDie(Effect.tap(again, done)); // that schedule never ends, and so no failure comes here
  });
