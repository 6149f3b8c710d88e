/** What every runtime owes its actors: the same suite for memory and for real sockets. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Fiber, type Layer } from "effect";
import {
  type ByteStreamShape,
  type Credentials,
  DIRECT_BYTES_MAX,
  Dialer,
  directOf,
  type Entropy,
  Keys,
  Listener,
} from "../../actors/ports/mod.ts";
import { concat } from "../../codecs/shared/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { lawsOn, type Run } from "./law.ts";

export type BasicPorts = Dialer | Entropy | Keys | Listener;

/** A key and a certificate under a root; `roots` are whom it trusts. */
export const credentialsUnder = Effect.fn("test.credentials")(function* (
  name: string,
  authority: Effect.Success<ReturnType<typeof makeAuthority>>,
  uris: ReadonlyArray<string> = [],
) {
  const keys = yield* Keys;
  const nowMs = yield* Clock.currentTimeMillis;
  const key = yield* keys.generate;
  const leaf = yield* authority.issue({
    csr: yield* keys.certificateRequest(key),
    uris,
    dnsNames: [name],
    emails: [],
    notBeforeMs: nowMs - 60_000,
    notAfterMs: nowMs + 3_600_000,
  });
  return { key, certificates: [leaf], roots: [authority.root] } satisfies Credentials;
});

const readAll = (stream: ByteStreamShape, size: number) =>
  Effect.gen(function* () {
    let held: Uint8Array = new Uint8Array();
    while (held.length < size) held = concat(held, yield* stream.read);
    return held;
  });

const echo = (stream: ByteStreamShape) =>
  Effect.ignore(Effect.forever(Effect.flatMap(stream.read, (bytes) => stream.write(bytes))));

/** Gives back what it is sent, without a fiber for it. */
const directEcho = (stream: ByteStreamShape) =>
  Effect.gen(function* () {
    const direct = yield* directOf(stream);
    yield* direct.each<never>((bytes) => void direct.put(bytes));
  }).pipe(Effect.scoped, Effect.ignore);

const HOST = "127.0.0.1";

export const portLaws = (
  name: string,
  layer: () => Layer.Layer<BasicPorts>,
  run: Run = (effect) => Effect.runPromise(effect),
): void => {
  const law = lawsOn(name, layer, run);

  law(
    "what is written is read, in order, large writes too",
    Effect.gen(function* () {
      const { port } = yield* (yield* Listener).listen({ host: HOST, port: 0 }, echo);
      const stream = yield* (yield* Dialer).dial({ host: HOST, port });
      const sent = Uint8Array.from({ length: 700_000 }, (_, i) => (i * 31) & 255);
      const reading = yield* Effect.forkChild(readAll(stream, sent.length));
      for (let i = 0; i < sent.length; i += 50_000) yield* stream.write(sent.subarray(i, i + 50_000));
      same(yield* Fiber.join(reading), sent);
    }),
  );

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
      same([whole, held], ["whole", sent]);
      // What comes behind is for the next reader, whichever way it reads.
      yield* stream.write(Uint8Array.of(7));
      same(yield* stream.read, Uint8Array.of(7));
      const reading = yield* Effect.forkChild(direct.each<never>(() => undefined));
      yield* stream.close;
      same((yield* Effect.flip(Fiber.join(reading)))._tag, "StreamClosed");
      same((yield* Effect.flip(direct.each(() => 1)))._tag, "StreamClosed");
      ok(direct.put(Uint8Array.of(1)), "it is lost");
    }),
  );

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
  );

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
  );

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
  );

  law(
    "nobody listening is a DialFailed",
    Effect.gen(function* () {
      const { port } = yield* Effect.scoped(
        Effect.flatMap(Listener, (listener) => listener.listen({ host: HOST, port: 0 }, () => Effect.void)),
      );
      const failed = yield* Effect.flip((yield* Dialer).dial({ host: HOST, port }));
      same([failed._tag, failed.reason], ["DialFailed", "refused"]);
    }),
  );

  law(
    "a taken port is a ListenFailed",
    Effect.gen(function* () {
      const listener = yield* Listener;
      const { port } = yield* listener.listen({ host: HOST, port: 0 }, () => Effect.void);
      const failed = yield* Effect.flip(listener.listen({ host: HOST, port }, () => Effect.void));
      same([failed._tag, failed.reason], ["ListenFailed", "portTaken"]);
    }),
  );

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
  );

  law(
    "mutual TLS: each end sees the other's certificate",
    Effect.gen(function* () {
      const nowMs = yield* Clock.currentTimeMillis;
      const keys = yield* Keys;
      const authority = yield* makeAuthority({ name: "laws", nowMs });
      const server = yield* credentialsUnder("server.example", authority);
      const uri = "reload://0123456789abcdef0123456789abcdef@overlay.example/";
      const client = yield* credentialsUnder("client.example", authority, [uri]);
      const seen: Array<bigint> = [];
      const { port } = yield* (yield* Listener).listen({ host: HOST, port: 0, tls: server }, (stream) =>
        Effect.gen(function* () {
          const facts = yield* keys.inspect(stream.peer.certificates[0]!);
          seen.push(...facts.nodeIds);
          yield* echo(stream);
        }).pipe(Effect.ignore),
      );
      const stream = yield* (yield* Dialer).dial({ host: HOST, port, tls: client });
      yield* stream.write(Uint8Array.of(5));
      same(yield* stream.read, Uint8Array.of(5));
      same((yield* keys.inspect(stream.peer.certificates[0]!)).dnsNames, ["server.example"]);
      same(seen, [0x0123456789abcdef0123456789abcdefn]);
    }),
  );

  law(
    "mutual TLS: a stranger's certificate gets nothing through",
    Effect.gen(function* () {
      const nowMs = yield* Clock.currentTimeMillis;
      const [ours, others] = [
        yield* makeAuthority({ name: "ours", nowMs }),
        yield* makeAuthority({ name: "others", nowMs }),
      ];
      const server = yield* credentialsUnder("server.example", ours);
      const stranger = { ...(yield* credentialsUnder("stranger.example", others)), roots: [ours.root] };
      let served = 0;
      const { port } = yield* (yield* Listener).listen({ host: HOST, port: 0, tls: server }, (stream) => {
        served += 1;
        return echo(stream);
      });
      const attempt = Effect.gen(function* () {
        const stream = yield* (yield* Dialer).dial({ host: HOST, port, tls: stranger });
        yield* stream.write(Uint8Array.of(5));
        return yield* stream.read;
      });
      ok(["DialFailed", "StreamClosed"].includes((yield* Effect.flip(attempt))._tag));
      same(served, 0);
    }),
  );

  law(
    "TLS of the server alone: its chain and its name are proved, and we show nothing",
    Effect.gen(function* () {
      const authority = yield* makeAuthority({ name: "laws", nowMs: yield* Clock.currentTimeMillis });
      const other = yield* makeAuthority({ name: "others", nowMs: yield* Clock.currentTimeMillis });
      const tls = yield* credentialsUnder("carrier.example", authority);
      const shown: Array<number> = [];
      const listener = yield* Listener;
      const { port } = yield* listener.listen({ host: HOST, port: 0, tls, anyClient: true }, (stream) => {
        shown.push(stream.peer.certificates.length);
        return echo(stream);
      });
      const right = { roots: [authority.root], name: "carrier.example" };
      const dial = (server: typeof right, at = port) =>
        Effect.flatMap(Effect.service(Dialer), (dialer) => dialer.dial({ host: HOST, port: at, server }));
      const stream = yield* dial(right);
      yield* stream.write(Uint8Array.of(1, 2, 3));
      same(yield* readAll(stream, 3), Uint8Array.of(1, 2, 3));
      same(shown, [0]);
      for (const wrong of [
        { ...right, name: "other.example" },
        { ...right, roots: [other.root] },
        { ...right, roots: [] },
      ])
        same((yield* Effect.flip(Effect.scoped(dial(wrong)))).reason, "notTrusted");
      const plain = yield* listener.listen({ host: HOST, port: 0 }, echo);
      const refused = dial(right, plain.port).pipe(Effect.scoped, Effect.timeout(15_000), Effect.flip);
      ok(["DialFailed", "TimeoutError"].includes((yield* refused)._tag));
    }),
  );

  law(
    "keys: what is signed verifies; a flipped bit, another certificate or rubbish does not",
    Effect.gen(function* () {
      const keys = yield* Keys;
      const authority = yield* makeAuthority({ name: "laws", nowMs: yield* Clock.currentTimeMillis });
      const [a, b] = [yield* credentialsUnder("a.example", authority), yield* credentialsUnder("b.example", authority)];
      const text = new TextEncoder().encode("who called whom");
      const signature = yield* keys.sign(a.key, text);
      ok(yield* keys.verify(a.certificates[0]!, text, signature));
      ok(!(yield* keys.verify(b.certificates[0]!, text, signature)));
      ok(!(yield* keys.verify(a.certificates[0]!, text.with(0, 0), signature)));
      ok(!(yield* keys.verify(Uint8Array.of(1, 2), text, signature)));
      ok(!(yield* keys.verify(a.certificates[0]!, text, Uint8Array.of(1))));
    }),
  );

  law(
    "keys: a chain counts only under its own root and in its own time",
    Effect.gen(function* () {
      const keys = yield* Keys;
      const nowMs = yield* Clock.currentTimeMillis;
      const authority = yield* makeAuthority({ name: "laws", nowMs });
      const other = yield* makeAuthority({ name: "laws", nowMs }); // the same name, another key
      const { certificates } = yield* credentialsUnder("a.example", authority);
      same((yield* keys.verifyChain(certificates, [authority.root], nowMs)).dnsNames, ["a.example"]);
      for (const [chain, roots, atMs] of [
        [certificates, [other.root], nowMs],
        [certificates, [authority.root], nowMs + 7_200_000],
        [[], [authority.root], nowMs],
        [[Uint8Array.of(0x30, 0)], [authority.root], nowMs],
      ] as const)
        same((yield* Effect.flip(keys.verifyChain(chain, roots, atMs)))._tag, "CertificateError");
    }),
  );
};
