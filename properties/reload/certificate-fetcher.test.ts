/** Certificates fetched for messages that do not carry them: each once, within limits, and absent ones not again at once. */

import * as assert from "node:assert/strict";
import { Effect } from "effect";
import {
  ABSENT_MS,
  FETCHES_MAX,
  makeCertificateFetcher,
  WAITING_MAX,
} from "../../actors/reload/certificate-fetcher.ts";
import { identityOf, nodeIdFrom, type SignerIdentity } from "../../codecs/reload/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";

const identity = (n: number): SignerIdentity => ({
  type: "certHash",
  identity: { algorithm: 4, hash: new Uint8Array(32).fill(n) },
});
const certificate = Uint8Array.of(1);

const run = (name: string, body: Effect.Effect<unknown>) =>
  test(name, async () => {
    await runVirtual(Effect.provide(Effect.scoped(body), memoryLayer({ seed: 1 })));
  });

const counted = (answer: ReadonlyArray<Uint8Array>, afterMs = 100) => {
  const asked: Array<bigint> = [];
  const fetcher = makeCertificateFetcher((nodeId) => {
    asked.push(nodeId);
    return Effect.as(Effect.sleep(afterMs), answer);
  });
  return { asked, fetcher };
};

run(
  "many messages of one signer wait for one fetch, and no more than the limit wait",
  Effect.gen(function* () {
    const { asked, fetcher } = counted([certificate]);
    const all = Array.from({ length: WAITING_MAX + 10 }, () =>
      fetcher.fetch({ identity: identity(1), nodeId: nodeIdFrom(7n) }),
    );
    const found = yield* Effect.all(all, { concurrency: "unbounded" });
    assert.deepEqual(asked, [7n]);
    assert.equal(found.filter(({ length }) => length === 1).length, WAITING_MAX + 1);
  }),
);

run(
  "a certificate that was not found is not fetched again for a while",
  Effect.gen(function* () {
    const { asked, fetcher } = counted([]);
    const fetch = fetcher.fetch({ identity: identity(1), nodeId: nodeIdFrom(7n) });
    assert.deepEqual(yield* fetch, []);
    assert.deepEqual(yield* fetch, []);
    assert.equal(asked.length, 1);
    // The same hash under another Node-ID is another fetch.
    yield* fetcher.fetch({ identity: identity(1), nodeId: nodeIdFrom(8n) });
    assert.equal(asked.length, 2);
    yield* Effect.sleep(ABSENT_MS);
    yield* fetch;
    assert.equal(asked.length, 3);
  }),
);

run(
  "a thousand unknown signers start no more fetches than the limit",
  Effect.gen(function* () {
    const { asked, fetcher } = counted([]);
    const all = Array.from({ length: 200 }, (_, i) =>
      fetcher.fetch({ identity: identity(i), nodeId: nodeIdFrom(BigInt(i)) }),
    );
    yield* Effect.all(all, { concurrency: "unbounded" });
    assert.equal(asked.length, FETCHES_MAX);
  }),
);

run(
  "where other certificates are stored than the one wanted, it is not fetched again for a while either",
  Effect.gen(function* () {
    const { asked, fetcher } = counted([certificate]);
    for (let i = 0; i < 5; i++) yield* fetcher.fetch({ identity: identity(1), nodeId: nodeIdFrom(7n) });
    assert.deepEqual(asked, [7n]);
    // The one that is there is found each time.
    for (let i = 0; i < 3; i++) yield* fetcher.fetch({ identity: identityOf(certificate), nodeId: nodeIdFrom(7n) });
    assert.equal(asked.length, 4);
  }),
);
