/** What streams over TLS owe, as a list of laws: whom each end sees, and who gets nothing through. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, type Layer } from "effect";
import { Dialer, Keys, Listener } from "../../actors/ports/mod.ts";
import { makeAuthority } from "../../runtime/authority.ts";
import { credentialsUnder } from "./credentials.ts";
import type { Law } from "./laws.ts";
import { echo, HOST, readAll, type StreamPorts } from "./laws-of-streams.ts";
import { lawOn, type Run, runPlainly } from "./port-law.ts";

/** The authority's certificates are made by @peculiar/x509. */
export const tlsLawsOf = (
  name: string,
  layer: () => Layer.Layer<StreamPorts | Keys>,
  run: Run = runPlainly,
): ReadonlyArray<Law> => {
  const law = lawOn(name, layer, run);
  return [
    // RFC 6940 §6.5.1.13
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
    ),
    // RFC 6940 §13.2
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
    ),
    // docs/protocol/overlay.md
    law(
      "TLS of the server alone: its chain and its name are proved, and we show nothing",
      Effect.gen(function* () {
        const authority = yield* makeAuthority({ name: "laws", nowMs: yield* Clock.currentTimeMillis });
        const other = yield* makeAuthority({ name: "others", nowMs: yield* Clock.currentTimeMillis });
        const tls = yield* credentialsUnder("laws.example", authority);
        const shown: Array<number> = [];
        const listener = yield* Listener;
        const { port } = yield* listener.listen({ host: HOST, port: 0, tls, anyClient: true }, (stream) => {
          shown.push(stream.peer.certificates.length);
          return echo(stream);
        });
        const right = { roots: [authority.root], name: "laws.example" };
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
    ),
  ];
};
