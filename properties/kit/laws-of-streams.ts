/**
 * What a Dialer and a Listener owe whoever uses them, as a list of laws: streams in order, their ends, reasons of failures.
 *
 *   for (const { name, check } of streamLawsOf("mine", () => myLayer)) test(name, check);
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Fiber, type Layer } from "effect";
import { type ByteStreamShape, DIRECT_BYTES_MAX, Dialer, directOf, Listener } from "../../actors/ports/mod.ts";
import { concat } from "../../codecs/shared/mod.ts";
import type { Law } from "./laws.ts";
import { lawOn, type Run, runPlainly } from "./port-law.ts";

export type StreamPorts = Dialer | Listener;

/** Until `size` bytes have come. */
export const readAll = (stream: ByteStreamShape, size: number) =>
  Effect.gen(function* () {
    let held: Uint8Array = new Uint8Array();
    while (held.length < size) held = concat(held, yield* stream.read);
    return held;
  });

/** As `deepStrictEqual`, which computes for minutes, and takes gigabytes, to show how 700,000 bytes differ. */
const sameBytes = (actual: Uint8Array, expected: Uint8Array): void => {
  const at = expected.findIndex((byte, i) => byte !== actual[i]);
  same({ size: actual.length, differsAt: at }, { size: expected.length, differsAt: -1 });
};

/** Gives back what it is sent. */
export const echo = (stream: ByteStreamShape) =>
  Effect.ignore(Effect.forever(Effect.flatMap(stream.read, (bytes) => stream.write(bytes))));

/** Gives back what it is sent, without a fiber for it. */
const directEcho = (stream: ByteStreamShape) =>
  Effect.gen(function* () {
    const direct = yield* directOf(stream);
    yield* direct.each<never>((bytes) => void direct.put(bytes));
  }).pipe(Effect.scoped, Effect.ignore);

/** Where the laws listen. */
export const HOST = "127.0.0.1";

/** `layer` is asked anew for each law. Listeners are asked for port 0, a free one, at 127.0.0.1. */
export const streamLawsOf = (
  name: string,
  layer: () => Layer.Layer<StreamPorts>,
  run: Run = runPlainly,
): ReadonlyArray<Law> => {
  const law = lawOn(name, layer, run);
  return [
    law(
      "what is written is read, in order, large writes too",
      Effect.gen(function* () {
        const { port } = yield* (yield* Listener).listen({ host: HOST, port: 0 }, echo);
        const stream = yield* (yield* Dialer).dial({ host: HOST, port });
        const sent = Uint8Array.from({ length: 700_000 }, (_, i) => (i * 31) & 255);
        const reading = yield* Effect.forkChild(readAll(stream, sent.length));
        for (let i = 0; i < sent.length; i += 50_000) yield* stream.write(sent.subarray(i, i + 50_000));
        sameBytes(yield* Fiber.join(reading), sent);
      }),
    ),
    law(
      "direct: what is put comes in order, up to the end, and each gives what it found or why there is no more",
      Effect.gen(function* () {
        const { port } = yield* (yield* Listener).listen({ host: HOST, port: 0 }, directEcho);
        const stream = yield* (yield* Dialer).dial({ host: HOST, port });
        const direct = yield* directOf(stream);
        const sent = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31) & 255);
        for (let i = 0; i < sent.length; i += 500) ok(direct.put(sent.subarray(i, i + 500)));
        let held: Uint8Array = new Uint8Array();
        const whole = yield* direct.each((bytes) => {
          held = concat(held, bytes);
          return held.length === sent.length ? "whole" : undefined;
        });
        same(whole, "whole");
        sameBytes(held, sent);
        // What comes behind is for the next reader, whichever way it reads.
        yield* stream.write(Uint8Array.of(7));
        same(yield* stream.read, Uint8Array.of(7));
        const reading = yield* Effect.forkChild(direct.each<never>(() => undefined));
        yield* stream.close;
        same((yield* Effect.flip(Fiber.join(reading)))._tag, "StreamClosed");
        same((yield* Effect.flip(direct.each(() => 1)))._tag, "StreamClosed");
        ok(direct.put(Uint8Array.of(1)), "it is lost");
      }),
    ),
    law(
      "direct: whoever throws over a chunk closes the own stream and no other",
      Effect.gen(function* () {
        let count = 0;
        const { port } = yield* (yield* Listener).listen({ host: HOST, port: 0 }, (stream) => {
          if (count++ === 1) return directEcho(stream);
          return Effect.scoped(
            Effect.flatMap(directOf(stream), (direct) =>
              Effect.ignore(
                direct.each<never>(() => {
                  throw new Error("as the test wants it");
                }),
              ),
            ),
          );
        });
        const dialer = yield* Dialer;
        const doomed = yield* dialer.dial({ host: HOST, port });
        yield* doomed.write(Uint8Array.of(1));
        same((yield* Effect.flip(doomed.read))._tag, "StreamClosed");
        const healthy = yield* dialer.dial({ host: HOST, port });
        yield* healthy.write(Uint8Array.of(7));
        same(yield* healthy.read, Uint8Array.of(7));
      }),
    ),
    law(
      "direct: a stream that nobody reads takes so much and no more",
      Effect.gen(function* () {
        const { port } = yield* (yield* Listener).listen({ host: HOST, port: 0 }, () => Effect.never);
        const direct = yield* directOf(yield* (yield* Dialer).dial({ host: HOST, port }));
        const megabyte = new Uint8Array(1_048_576);
        let put = 0;
        while (put < 64 && direct.put(megabyte)) put++;
        ok(put >= DIRECT_BYTES_MAX / megabyte.length && put < 64, `${put} MiB`);
      }),
    ),
    law(
      "a closed stream is told to the other end, after what was written before",
      Effect.gen(function* () {
        const { port } = yield* (yield* Listener).listen({ host: HOST, port: 0 }, (stream) =>
          Effect.ignore(Effect.andThen(stream.write(Uint8Array.of(1, 2, 3)), stream.close)),
        );
        const stream = yield* (yield* Dialer).dial({ host: HOST, port });
        same(yield* readAll(stream, 3), Uint8Array.of(1, 2, 3));
        same((yield* Effect.flip(stream.read))._tag, "StreamClosed");
        yield* stream.close;
        same((yield* Effect.flip(stream.write(Uint8Array.of(1))))._tag, "StreamClosed");
        same((yield* Effect.flip(stream.read))._tag, "StreamClosed");
      }),
    ),
    law(
      "nobody listening is a DialFailed",
      Effect.gen(function* () {
        const { port } = yield* Effect.scoped(
          Effect.flatMap(Listener, (listener) => listener.listen({ host: HOST, port: 0 }, () => Effect.void)),
        );
        const failed = yield* Effect.flip((yield* Dialer).dial({ host: HOST, port }));
        same([failed._tag, failed.reason], ["DialFailed", "refused"]);
      }),
    ),
    law(
      "a taken port is a ListenFailed",
      Effect.gen(function* () {
        const listener = yield* Listener;
        const { port } = yield* listener.listen({ host: HOST, port: 0 }, () => Effect.void);
        const failed = yield* Effect.flip(listener.listen({ host: HOST, port }, () => Effect.void));
        same([failed._tag, failed.reason], ["ListenFailed", "portTaken"]);
      }),
    ),
    law(
      "a serve that dies closes its stream and no other",
      Effect.gen(function* () {
        let first = true;
        const { port } = yield* (yield* Listener).listen({ host: HOST, port: 0 }, (stream) => {
          if (!first) return echo(stream);
          first = false;
          return Effect.die("as the test wants it");
        });
        const dialer = yield* Dialer;
        const doomed = yield* dialer.dial({ host: HOST, port });
        same((yield* Effect.flip(doomed.read))._tag, "StreamClosed");
        const healthy = yield* dialer.dial({ host: HOST, port });
        yield* healthy.write(Uint8Array.of(7));
        same(yield* healthy.read, Uint8Array.of(7));
      }),
    ),
  ];
};
