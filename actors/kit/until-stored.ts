/** A write or a read that the disk refuses is tried again until it takes it, later and later, and reported once. */
import { Effect } from "effect";
import type { StoreFailed } from "../ports/mod.ts";

const RETRY_MS = [1_000, 60_000] as const;

/** `what`: the name in the log. Nothing is lost meanwhile, and whoever waits for it is held back. */
export const untilStored = Effect.fnUntraced(function* <A>(what: string, work: Effect.Effect<A, StoreFailed>) {
  for (let waitMs: number = RETRY_MS[0]; ; waitMs = Math.min(2 * waitMs, RETRY_MS[1])) {
    const done = yield* Effect.match(work, { onSuccess: (value) => ({ value }), onFailure: (failure) => failure });
    if ("value" in done) return done.value;
    if (waitMs === RETRY_MS[0]) yield* Effect.logWarning(what, done.reason, done.why);
    yield* Effect.sleep(waitMs);
  }
});
