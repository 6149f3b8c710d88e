/** VAP over TLS: the agent knows the server by a root it was given, the server knows the agent by its seals. */
import * as assert from "node:assert/strict";
import { Clock, Effect, Layer, Logger, type Scope } from "effect";
import { Dialer, type Entropy, Keys, Listener } from "../../actors/ports/mod.ts";
import { connectVap, serveVap } from "../../actors/vap/mod.ts";
import { vapKey } from "../../codecs/vap/mod.ts";
import { makeAuthority, type OwnAuthority } from "../../runtime/authority.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { document, VSERVICE } from "./values.ts";

const ANSWERED_MS = 30_000;
const HOST = "127.0.0.1";
const HOUR_MS = 3_600_000;

const credentialsUnder = Effect.fnUntraced(function* (authority: OwnAuthority, nowMs: number) {
  const keys = yield* Keys;
  const key = yield* keys.generate;
  const certificate = yield* authority.issue({
    csr: yield* keys.certificateRequest(key),
    uris: [],
    dnsNames: ["vap.example"],
    emails: [],
    notBeforeMs: nowMs - HOUR_MS,
    notAfterMs: nowMs + HOUR_MS,
  });
  return { key, certificates: [certificate], roots: [authority.root] };
});

const body: Effect.Effect<void, unknown, Dialer | Entropy | Keys | Listener | Scope.Scope> = Effect.gen(function* () {
  const nowMs = yield* Clock.currentTimeMillis;
  const [ours, others] = [
    yield* makeAuthority({ name: "ours", nowMs }),
    yield* makeAuthority({ name: "others", nowMs }),
  ];
  const [server, own] = [yield* credentialsUnder(ours, nowMs), yield* credentialsUnder(others, nowMs)];
  const users = new Map([["ann", vapKey("ann", "secret")]]);
  const { port } = yield* serveVap(
    {
      host: HOST,
      port: 0,
      tls: server,
      users: (name) => users.get(name),
    },
    {
      publishVService: () => Effect.succeed({ quotaLimit: 100, quotaCurrent: 7, dhtLifetimeS: 3_600 }),
      withdrawVService: () => Effect.void,
      publishNumber: () => Effect.void,
      uploadVcr: () => Effect.void,
    },
  );
  // What the agent has itself is of another authority, and is not asked for.
  const agent = (roots: ReadonlyArray<Uint8Array>, password: string) =>
    connectVap({
      host: HOST,
      port,
      tls: { ...own, roots },
      username: "ann",
      password,
      name: "test/1.0",
      vservice: VSERVICE,
      reconnectMs: [50, 100],
    });
  /** The good ones end at the answer, however busy this machine is; the others have no end but `withinMs`. */
  const published = (roots: ReadonlyArray<Uint8Array>, password: string, withinMs = 500) =>
    Effect.scoped(
      Effect.gen(function* () {
        const client = yield* agent(roots, password);
        return yield* Effect.timeoutOption(client.publishVService(document), withinMs);
      }),
    );
  assert.deepEqual((yield* published([ours.root], "secret", ANSWERED_MS))._tag, "Some");
  assert.equal((yield* published([others.root], "secret"))._tag, "None", "an impostor of a server is spoken to");
  assert.equal((yield* published([ours.root], "guess"))._tag, "None");
  users.set("ann", vapKey("ann", "guess"));
  assert.equal((yield* published([ours.root], "guess", ANSWERED_MS))._tag, "Some", "a key that changed counts at once");

  // Where a certificate is asked for, a stranger's is still refused.
  const { listen } = yield* Listener;
  const strict = yield* listen({ host: HOST, port: 0, tls: server }, () => Effect.die("never served"));
  const stranger = { ...own, roots: [ours.root] };
  const attempt = Effect.gen(function* () {
    return yield* (yield* (yield* Dialer).dial({ ...strict, tls: stranger })).read;
  });
  assert.ok(["DialFailed", "StreamClosed"].includes((yield* Effect.flip(Effect.scoped(attempt)))._tag));
});
const quiet = Logger.layer([]);

test("VAP over TLS: a root of the server's, no certificate of the agent's: on sockets", () =>
  Effect.runPromise(Effect.scoped(body).pipe(Effect.provide(Layer.merge(nodeLayer(), quiet)))));

test("VAP over TLS: a root of the server's, no certificate of the agent's: in memory", () =>
  runVirtual(Effect.scoped(body).pipe(Effect.provide(Layer.merge(memoryLayer({ seed: 1 }), quiet)))));
