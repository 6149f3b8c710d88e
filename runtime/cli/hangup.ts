/** SIGHUP: what the operator has changed is read again, and nothing is ended. */
import process from "node:process";
import { Effect, Queue, type Scope } from "effect";
import { Notes } from "./service.ts";

const reloading = (work: Effect.Effect<void>) => Effect.flatMap(Notes, (notes) => notes.reloading(work));

/** One came before there was something to read again. */
let isEarly = false;

/** Performs `work` at each SIGHUP, also at one that `surviveHangUp` has seen before, until the scope closes, one after another; a second one meanwhile is one more, not two. */
export const atHangUp = (work: Effect.Effect<void>): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const asked = yield* Queue.sliding<void>(1);
    const ask = () => void Queue.offerUnsafe(asked, undefined);
    yield* Effect.acquireRelease(
      Effect.sync(() => process.on("SIGHUP", ask)),
      () => Effect.sync(() => process.off("SIGHUP", ask)),
    );
    if (isEarly) ask();
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Queue.take(asked), reloading(work))));
  });

/** From the first moment: SIGHUP ends nothing, also before there is something to read again. */
export const surviveHangUp: Effect.Effect<void, never, Scope.Scope> = Effect.gen(function* () {
  // A company's programs share one process: what one has seen too early is not forgotten because the next one starts.
  if (process.listenerCount("SIGHUP") === 0) isEarly = false;
  const ignored = () => {
    isEarly = true;
  };
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("SIGHUP", ignored)),
    () => Effect.sync(() => process.off("SIGHUP", ignored)),
  );
});
