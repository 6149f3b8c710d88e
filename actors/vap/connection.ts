/**
 * A client's connection: a stream behind a queue, so that a client that does not read delays nobody else.
 *
 *   send -> queue (bounded) -> writer fiber -> stream.write        queue full: the stream is closed
 */
import { Effect, Queue } from "effect";
import type { ByteStreamShape } from "../ports/mod.ts";

const OUTGOING_MESSAGES_MAX = 512;

export interface VapConnection {
  readonly id: number;
  /** Never waits. */
  readonly send: (bytes: Uint8Array) => Effect.Effect<void>;
  /** After everything that was sent before. */
  readonly close: (why: string) => Effect.Effect<void>;
}

/** The writer lives as long as the scope. */
export const openConnection = Effect.fnUntraced(function* (id: number, stream: ByteStreamShape) {
  const outgoing = yield* Queue.dropping<Uint8Array | "close">(OUTGOING_MESSAGES_MAX);
  const write = Effect.flatMap(Queue.take(outgoing), (next) => (next === "close" ? stream.close : stream.write(next)));
  // A stream that fails in writing fails in reading too: its reader reports it.
  yield* Effect.forkScoped(Effect.ignore(Effect.forever(write)));
  const offer = (next: Uint8Array | "close"): Effect.Effect<void> =>
    Effect.flatMap(Queue.offer(outgoing, next), (taken) =>
      taken ? Effect.void : Effect.andThen(Effect.logWarning("vap.slow", `connection ${id}`), stream.close),
    );
  const connection: VapConnection = {
    id,
    send: offer,
    close: (why) => Effect.andThen(Effect.logInfo("vap.close", why), offer("close")),
  };
  return connection;
});
