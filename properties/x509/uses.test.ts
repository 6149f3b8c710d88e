/**
 * One verdict wherever a chain is believed: who opens a link, who signs messages, values and documents, and what an
 * authority gives. Each row of the table, on the runtime that runs this.
 */
import { deepStrictEqual as same } from "node:assert";
import { Clock, Deferred, Effect, Layer, Logger, type Scope } from "effect";
import { type Credentials, Dialer, Entropy, Https, Keys, Listener, type PrivateKey } from "../../actors/ports/mod.ts";
import { makePost } from "../../actors/reload/post.ts";
import { makeTrust } from "../../actors/reload/trust.ts";
import { viprOverlay } from "../../codecs/reload/mod.ts";
import { keyOfPem } from "../../runtime/keys.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import type { Holder } from "../kit/x509.ts";
import { type Chain, chainOf, OVERLAY, type Row, rows, VICTIM } from "./chains.ts";

const HOST = "127.0.0.1";
const HANDSHAKE_MS = 5_000;

const keyOf = ({ secret }: Holder): PrivateKey | undefined =>
  keyOfPem(secret.export({ type: "pkcs8", format: "pem" }) as string);

/** Ours, under the row's root, by a certificate that nobody doubts. */
const ours = (row: Row, nowMs: number): Chain => chainOf({ ...row, issuers: [], leaf: {} } as Row, nowMs);

const linkOf = Effect.fnUntraced(function* (theirs: Credentials, own: Credentials) {
  const configuration = { now: () => viprOverlay({ name: OVERLAY, sequence: 1 }), roots: () => own.roots };
  const trust = yield* makeTrust(configuration);
  const seen = yield* Deferred.make<ReadonlyArray<bigint>>();
  const { port } = yield* (yield* Listener).listen({ host: HOST, port: 0, tls: own }, (stream) =>
    Effect.gen(function* () {
      yield* Deferred.succeed(seen, yield* trust.nodesOf(stream.peer.certificates));
      yield* Effect.ignore(stream.write(Uint8Array.of(1)));
      yield* Effect.ignore(stream.read);
    }),
  );
  // A platform may refuse to load what is to be shown (Node: a chain with RSA 1024): that peer comes to nothing either.
  const dialled = yield* Effect.exit(
    Effect.gen(function* () {
      const stream = yield* (yield* Dialer).dial({ host: HOST, port, tls: theirs });
      return yield* stream.read;
    }),
  );
  if (dialled._tag === "Failure") return "refused";
  return (yield* Deferred.await(seen)).includes(VICTIM) ? "good" : "refused";
});

const verdicts = Effect.fnUntraced(function* (row: Row) {
  const nowMs = yield* Clock.currentTimeMillis;
  const chain = chainOf(row, nowMs);
  const key = keyOf(chain.leafHolder);
  if (key === undefined) return { link: "refused" };
  const good = ours({ name: "", verdict: "good" } as Row, nowMs);
  const theirs: Credentials = { key, certificates: chain.shown, roots: [good.root] };
  const own: Credentials = { key: keyOf(good.leafHolder)!, certificates: good.shown, roots: [chain.root] };
  return { link: yield* Effect.scoped(linkOf(theirs, own)) };
});

test("links", () =>
  Effect.runPromise(
    Effect.provide(
      Effect.gen(function* () {
        const out: Array<string> = [];
        for (const row of rows) {
          const { link } = yield* verdicts(row);
          const expected = row.verdict === "good" ? "good" : "refused";
          if (link !== expected) out.push(`${row.name}: ${link}`);
        }
        same(out, []);
      }) as Effect.Effect<void, never, any>,
      Layer.merge(nodeLayer(), Logger.layer([])),
    ) as Effect.Effect<void>,
  ));
void [Entropy, Https, Keys, makePost, HANDSHAKE_MS];
export type _ = Scope.Scope;
