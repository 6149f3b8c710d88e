/** A direct stream over one that has none of its own: a fiber that writes, and one that reads while `each` lasts. */
import { Effect, Queue, type Scope } from "effect";
import { concat } from "../../codecs/shared/mod.ts";
import { type ByteStreamShape, DIRECT_BYTES_MAX, type DirectStream } from "./byte-stream.ts";

export const directOf = (stream: ByteStreamShape): Effect.Effect<DirectStream, never, Scope.Scope> =>
  stream.direct === undefined ? overFibers(stream) : Effect.succeed(stream.direct);

const overFibers = Effect.fnUntraced(function* ({ read, write }: ByteStreamShape) {
  const queue = yield* Queue.unbounded<Uint8Array>(); // DIRECT_BYTES_MAX
  let waiting = 0;
  const writeNext = Effect.flatMap(Queue.takeAll(queue), (all) => {
    const bytes = concat(...all);
    return Effect.map(write(bytes), () => {
      waiting -= bytes.length;
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
    put: (bytes) => {
      if (waiting > DIRECT_BYTES_MAX) return false;
      waiting += bytes.length;
      Queue.offerUnsafe(queue, bytes);
      return true;
    },
  } satisfies DirectStream as DirectStream;
});
