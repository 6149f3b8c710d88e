/** TLS-SRP streams over streams in memory, on virtual time: what an application sees of them. */
import { ok, deepStrictEqual as same } from "node:assert";
import { inspect } from "node:util";
import { Deferred, Effect, Exit, Fiber, Layer, Logger, References, type Scope } from "effect";
import { Arithmetic, type ByteStreamShape, Entropy, type StreamClosed } from "../../actors/ports/mod.ts";
import {
  type TlsSrpClientOptions,
  type TlsSrpServerOptions,
  tlsSrpClient,
  tlsSrpServer,
} from "../../actors/tls/mod.ts";
import { concat, hexOf, utf8 } from "../../codecs/shared/mod.ts";
import { arithmeticLayer } from "../../runtime/arithmetic.ts";
import { memoryLayer, memoryPair, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";

const peer = { host: "memory", port: 1, certificates: [] };
const world = Layer.merge(memoryLayer({ seed: 3 }), arithmeticLayer);
const virtually = <E>(name: string, body: Effect.Effect<unknown, E, Arithmetic | Entropy | Scope.Scope>) =>
  test(`tls stream: ${name}`, async () => {
    await runVirtual(Effect.scoped(Effect.provide(body, world)));
  });

const clientOptions: TlsSrpClientOptions = { userName: "alice", password: "secret", groupBitsMin: 1024 };
const serverOptions: TlsSrpServerOptions = {
  lookUp: (name) => Effect.succeed(name === "alice" ? { type: "password", password: "secret" } : undefined),
  seedKey: new Uint8Array(32).fill(1),
  group: 1024,
};

/** Both ends of one protected stream; each byte pipe may be watched or changed. */
const join = Effect.fnUntraced(function* (
  over: (stream: ByteStreamShape) => ByteStreamShape = (stream) => stream,
  options: { readonly client?: Partial<TlsSrpClientOptions>; readonly server?: Partial<TlsSrpServerOptions> } = {},
) {
  const [a, b] = yield* memoryPair(peer, peer, () => 5);
  const server = yield* Effect.forkScoped(tlsSrpServer(b, { ...serverOptions, ...options.server }));
  const client = yield* Effect.exit(tlsSrpClient(over(a), { ...clientOptions, ...options.client }));
  return { below: a, client, server: yield* Effect.exit(Fiber.join(server)) };
});

const opened = Effect.fnUntraced(function* () {
  const { client, server, below } = yield* join();
  if (Exit.isFailure(client) || Exit.isFailure(server)) throw new Error("not opened");
  return { client: client.value, server: server.value, below };
});

const readAll = (stream: ByteStreamShape, size: number): Effect.Effect<Uint8Array, StreamClosed> =>
  Effect.gen(function* () {
    let held: Uint8Array = new Uint8Array();
    while (held.length < size) held = concat(held, yield* stream.read);
    return held;
  });

virtually(
  "what one end writes the other reads, both ways, a megabyte as well as a byte",
  Effect.gen(function* () {
    const { client, server } = yield* opened();
    for (const size of [1, 20_000, 1_000_000])
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        const bytes = new Uint8Array(size).fill(size & 255);
        const writing = yield* Effect.forkScoped(from.write(bytes));
        ok(Buffer.from(yield* readAll(to, size)).equals(Buffer.from(bytes)));
        yield* Fiber.join(writing);
      }
    same(client.facts, server.facts);
    same(client.facts.encryptThenMac && client.facts.extendedMasterSecret, true);
  }),
);

virtually(
  "after a close, what was written is still read, and then both ends are closed for good",
  Effect.gen(function* () {
    const { client, server } = yield* opened();
    yield* client.write(utf8("last words"));
    yield* client.close;
    yield* client.close;
    same(yield* server.read, utf8("last words"));
    for (const stream of [server, client]) {
      same((yield* Effect.flip(stream.read)).why, "closed");
      same((yield* Effect.flip(stream.read)).why, "closed");
      same((yield* Effect.flip(stream.write(utf8("x"))))._tag, "StreamClosed");
    }
  }),
);

virtually(
  "a stream that breaks off is distinguished from one that ended",
  Effect.gen(function* () {
    const { server, below } = yield* opened();
    yield* below.close; // no close_notify came: data may be missing
    same((yield* Effect.flip(server.read)).why, "lost: closed");
  }),
);

virtually(
  "an end that does not read holds the other back, and loses nothing",
  Effect.gen(function* () {
    const { client, server } = yield* opened();
    let written = 0;
    const piece = new Uint8Array(16_384).fill(9);
    const writing = yield* Effect.forkScoped(
      Effect.forEach(Array.from({ length: 200 }), () =>
        Effect.andThen(
          client.write(piece),
          Effect.sync(() => {
            written += 1;
          }),
        ),
      ),
    );
    yield* Effect.sleep(60_000);
    const held = written;
    ok(held < 150, `${held} pieces taken from a writer whose reader sleeps`);
    same((yield* readAll(server, 200 * piece.length)).length, 200 * piece.length);
    yield* Fiber.join(writing);
  }),
);

virtually(
  "a wrong password and an unknown user fail alike on both sides",
  Effect.gen(function* () {
    for (const client of [{ password: "wrong" }, { userName: "bob" }]) {
      const found = yield* join(undefined, { client });
      for (const exit of [found.client, found.server]) {
        const failure = yield* Effect.flip(exit);
        same(failure.reason, "wrongPassword");
      }
    }
  }),
);

virtually(
  "a peer that never answers is given up after the handshake's time, 20 s",
  Effect.gen(function* () {
    const [a] = yield* memoryPair(peer, peer, () => 0);
    const failure = yield* Effect.flip(tlsSrpClient(a, clientOptions));
    same(failure.outcome, { type: "timedOut" });
    const [, b] = yield* memoryPair(peer, peer, () => 0);
    same((yield* Effect.flip(tlsSrpServer(b, { ...serverOptions, handshakeTimeoutMs: 500 }))).outcome, {
      type: "timedOut",
    });
  }),
);

virtually(
  "a look-up that never comes back is given up as well",
  Effect.gen(function* () {
    const found = yield* join(undefined, { server: { lookUp: () => Effect.never } });
    same((yield* Effect.flip(found.server)).outcome, { type: "timedOut" });
  }),
);

virtually(
  "a stream is closed with its scope, and says so to the other end",
  Effect.gen(function* () {
    const [a, b] = yield* memoryPair(peer, peer, () => 0);
    const server = yield* Effect.forkScoped(tlsSrpServer(b, serverOptions));
    yield* Effect.scoped(tlsSrpClient(a, clientOptions));
    same((yield* Effect.flip((yield* Fiber.join(server)).read)).why, "closed");
  }),
);

virtually(
  "no log line holds a password, or any random byte of the handshake",
  Effect.gen(function* () {
    const lines: Array<string> = [];
    const drawn: Array<Uint8Array> = [];
    const listening = Layer.mergeAll(
      Logger.layer([Logger.make((options) => void lines.push(inspect(options, { depth: 20 })))]),
      Layer.succeed(References.MinimumLogLevel, "All"),
    );
    const watched = Effect.map(Entropy, (entropy) =>
      Entropy.of({
        ...entropy,
        bytes: (size) => Effect.tap(entropy.bytes(size), (bytes) => Effect.sync(() => drawn.push(bytes.slice()))),
      }),
    );
    for (const client of [{}, { password: "a wrong guess" }, { userName: "bob" }]) {
      const found = yield* Effect.provide(
        Effect.provideServiceEffect(join(undefined, { client }), Entropy, watched),
        listening,
      );
      // An event that no state asked for is noted: here, data before there is a session.
      if (Exit.isSuccess(found.client)) yield* Effect.provide(found.client.value.close, listening);
      yield* Effect.provide(Effect.logDebug("the end", found.client, found.server), listening);
    }
    const text = lines.join("\n");
    ok(text.includes("the end") && drawn.length === 18);
    const secrets = ["secret", "a wrong guess", ...drawn.flatMap((bytes) => [hexOf(bytes), [...bytes].join(", ")])];
    for (const secret of secrets) ok(!text.includes(secret), `logged: ${secret}`);
  }),
);

virtually(
  "the random bytes of a handshake are zeroed once they have been used",
  Effect.gen(function* () {
    const drawn: Array<Uint8Array> = [];
    const watched = Effect.map(Entropy, (entropy) =>
      Entropy.of({
        ...entropy,
        bytes: (size) => Effect.tap(entropy.bytes(size), (bytes) => Effect.sync(() => drawn.push(bytes))),
      }),
    );
    const [a, b] = yield* memoryPair(peer, peer, () => 0);
    const zeroed = () => drawn.map((bytes) => bytes.every((byte) => byte === 0));
    yield* Effect.forkScoped(tlsSrpServer(b, serverOptions));
    const client = yield* Effect.provideServiceEffect(tlsSrpClient(a, clientOptions), Entropy, watched);
    same(zeroed(), [false, true, false]); // its hello's random, a, the IVs' key
    yield* client.close;
    same(zeroed(), [false, true, true]);
  }),
);

virtually(
  "bytes changed on the way end the stream, and are not read",
  Effect.gen(function* () {
    const isTampering = { now: false };
    const over = (stream: ByteStreamShape): ByteStreamShape => ({
      ...stream,
      write: (bytes) =>
        stream.write(isTampering.now ? bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)) : bytes),
    });
    const { client, server } = yield* join(over);
    const [from, to] = [yield* client, yield* server];
    isTampering.now = true;
    yield* from.write(utf8("pay 1"));
    same((yield* Effect.flip(to.read)).why, "we refused: record does not open (badRecordMac)");
    same((yield* Effect.flip(from.read)).why, "the peer sent badRecordMac");
  }),
);

virtually(
  "a defect of our own ends the stream instead of leaving its reader waiting",
  Effect.gen(function* () {
    const [a, b] = yield* memoryPair(peer, peer, () => 0);
    const broken = Layer.succeed(Arithmetic, { power: () => Effect.die("broken") });
    yield* Effect.forkScoped(Effect.exit(tlsSrpServer(b, serverOptions)));
    const waited = yield* Deferred.make<string>();
    yield* Effect.forkScoped(
      Effect.provide(
        Effect.matchEffect(tlsSrpClient(a, clientOptions), {
          onFailure: ({ why }) => Deferred.succeed(waited, why),
          onSuccess: () => Deferred.succeed(waited, "opened"),
        }),
        broken,
      ),
    );
    ok((yield* Deferred.await(waited)) !== "opened");
  }),
);
