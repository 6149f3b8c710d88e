/** A direct stream over one that has none of its own: a fiber that writes, and one that reads while `each` lasts. */
import { Deferred, Effect, Queue, type Scope } from "effect";
import { concat } from "../../codecs/shared/mod.ts";
import { type ByteStreamShape, DIRECT_BYTES_MAX, type DirectStream } from "./byte-stream.ts";

/** The direct side of a stream; of one that has none, one that reads and writes by fibers of its own, until the scope closes. */
export const directOf = (stream: ByteStreamShape): Effect.Effect<DirectStream, never, Scope.Scope> =>
  stream.direct === undefined ? overFibers(stream) : Effect.succeed(stream.direct);

const overFibers = Effect.fnUntraced(function* ({ read, write }: ByteStreamShape) {
  const queue = yield* Queue.unbounded<Uint8Array>(); // DIRECT_BYTES_MAX
  let waiting = 0;
  /** Whoever waits until everything is written. */
  let flushing: Array<Deferred.Deferred<void>> = [];
  const writeNext = Effect.flatMap(Queue.takeAll(queue), (all) => {
    const bytes = concat(...all);
    return Effect.map(write(bytes), () => {
      waiting -= bytes.length;
      if (waiting > 0) return;
      for (const done of flushing) Deferred.doneUnsafe(done, Effect.void);
      flushing = [];
    });
  });
  yield* Effect.forkScoped(Effect.ignore(Effect.forever(writeNext)));
  return {
    each: <A>(taken: (bytes: Uint8Array) => A | undefined) =>
      Effect.gen(function* () {
        while (true) {
          const found = taken(yield* read);
          if (found !== undefined) return found;
        }
      }),
    put: (bytes, waitingMax = DIRECT_BYTES_MAX) => {
      if (waiting > waitingMax) return false;
      waiting += bytes.length;
      Queue.offerUnsafe(queue, bytes);
      return true;
    },
    flushed: Effect.suspend(() => {
      if (waiting === 0) return Effect.void;
      const done = Deferred.makeUnsafe<void>();
      flushing.push(done);
      return Deferred.await(done);
    }),
  } satisfies DirectStream as DirectStream;
});
