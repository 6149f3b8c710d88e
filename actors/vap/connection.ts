/**
 * What a session writes to: a stream with a queue before it, so that a client who does not read holds up nobody but itself.
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
  /** After what was sent before it. */
  readonly close: (why: string) => Effect.Effect<void>;
}

/** The writer lives as long as the scope. */
export const openConnection = Effect.fnUntraced(function* (id: number, stream: ByteStreamShape) {
  const outgoing = yield* Queue.dropping<Uint8Array | "close">(OUTGOING_MESSAGES_MAX);
  const write = Effect.flatMap(Queue.take(outgoing), (next) => (next === "close" ? stream.close : stream.write(next)));
  // A stream that cannot be written cannot be read either: its reader tells.
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
