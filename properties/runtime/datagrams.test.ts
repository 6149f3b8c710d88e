/** What every runtime owes whoever sends datagrams: memory first, then the sockets of the runtime that this file runs on. */
import { ok, deepStrictEqual as same } from "node:assert";
import { existsSync, readdirSync } from "node:fs";
import { Deferred, Effect, type Layer } from "effect";
import { Datagrams } from "../../actors/ports/mod.ts";
import { utf8 } from "../../codecs/shared/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { lawsOn, type Run } from "../kit/law.ts";

const HOST = "127.0.0.1";
const TRIES = 64;
/** Open ones of this process; where the system tells them. */
const descriptors = (): number => (existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0);
const silent = { received: () => {}, failed: () => {} };

/** A socket, and the first datagram that comes to it. */
const listening = Effect.gen(function* () {
  const first = yield* Deferred.make<{ bytes: Uint8Array; host: string; port: number }>();
  const socket = yield* (yield* Datagrams).open(
    { host: HOST, port: 0 },
    {
      received: (bytes, host, port) => void Effect.runSync(Deferred.succeed(first, { bytes, host, port })),
      failed: () => {},
    },
  );
  return { ...socket, first: Effect.timeout(Deferred.await(first), 5_000) };
});

const laws = (name: string, layer: () => Layer.Layer<any>, run: Run): void => {
  const law = lawsOn(name, layer, run);

  law(
    "what is sent comes whole, and from where it was sent",
    Effect.gen(function* () {
      const [one, other] = [yield* listening, yield* listening];
      const bytes = Uint8Array.from({ length: 8_000 }, (_, i) => i & 255);
      one.send(bytes, HOST, other.port);
      const came = yield* other.first;
      same([came.host, came.port], [HOST, one.port]);
      same(came.bytes, bytes);
      other.send(utf8("back"), came.host, came.port);
      same((yield* one.first).bytes, utf8("back"));
    }),
  );

  law(
    "a taken port is a ListenFailed, and a closed one is free again",
    Effect.gen(function* () {
      const datagrams = yield* Datagrams;
      const port = yield* Effect.scoped(
        Effect.gen(function* () {
          const { port } = yield* datagrams.open({ host: HOST, port: 0 }, silent);
          same((yield* Effect.flip(datagrams.open({ host: HOST, port }, silent)))._tag, "ListenFailed");
          return port;
        }),
      );
      same((yield* datagrams.open({ host: HOST, port }, silent)).port, port);
    }),
  );

  law(
    "a port that is taken costs nothing, however often it is tried",
    Effect.gen(function* () {
      const datagrams = yield* Datagrams;
      const { port } = yield* datagrams.open({ host: HOST, port: 0 }, silent);
      const before = descriptors();
      for (let i = 0; i < TRIES; i++) yield* Effect.flip(Effect.scoped(datagrams.open({ host: HOST, port }, silent)));
      yield* Effect.sleep(50);
      ok(descriptors() - before < TRIES / 2, `${descriptors() - before} more`);
    }),
  );

  law(
    "sending to nobody, too much, or after the end harms nothing",
    Effect.gen(function* () {
      const datagrams = yield* Datagrams;
      const [one, other] = [yield* listening, yield* listening];
      const closed = yield* Effect.scoped(datagrams.open({ host: HOST, port: 0 }, silent));
      closed.send(utf8("x"), HOST, other.port);
      one.send(utf8("x"), HOST, closed.port);
      one.send(new Uint8Array(70_000), HOST, closed.port);
      yield* Effect.sleep(50);
      one.send(utf8("last"), HOST, other.port);
      same((yield* other.first).bytes, utf8("last"));
    }),
  );

  law(
    "an address is its own address",
    Effect.gen(function* () {
      same(yield* (yield* Datagrams).addressesOf(HOST), [HOST]);
    }),
  );
};

laws("memory", () => memoryLayer({ seed: 1, datagrams: { delayMs: [1, 30] } }), runVirtual);
laws(
  "sockets",
  () => nodeLayer(),
  (effect) => Effect.runPromise(effect),
);
