/** Keys and certificates on the runtime that runs this: both algorithms, chains in any order, what is too weak. RFC 6940 §6.3.4. */
import "reflect-metadata";
import * as assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { Clock, Effect, Layer } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { keysLayer } from "../../runtime/keys.ts";
import { authorityNamed, certified, type Issuer } from "../kit/certificates.ts";
import { testEffect } from "../kit/harness.ts";

const text = new TextEncoder().encode("who called whom");
const run = (name: string, body: Effect.Effect<unknown, unknown, Keys>) =>
  testEffect(name, Effect.provide(body, Layer.fresh(keysLayer)));

run(
  "RFC 6940 §6.3.4: RSA signs and verifies beside ECDSA, and neither passes for the other",
  Effect.gen(function* () {
    const keys = yield* Keys;
    const nowMs = yield* Clock.currentTimeMillis;
    const root = yield* authorityNamed("root", undefined, nowMs);
    const lasting = { notBeforeMs: nowMs - 1_000, notAfterMs: nowMs + 60_000 };
    const [rsa, ecdsa] = [yield* keys.generateRsa, yield* keys.generate];
    assert.deepEqual([rsa.algorithm, ecdsa.algorithm], ["rsa", "ecdsa"]);
    for (const key of [rsa, ecdsa]) {
      const certificate = yield* certified(key, root, { name: "leaf", ...lasting });
      yield* keys.verifyChain([certificate], [root.certificate], nowMs);
      const signature = yield* keys.sign(key, text);
      const other = key.algorithm === "rsa" ? "ecdsa" : "rsa";
      assert.ok(yield* keys.verify(certificate, text, signature));
      assert.ok(yield* keys.verify(certificate, text, signature, key.algorithm));
      assert.ok(!(yield* keys.verify(certificate, text, signature, other)));
      assert.ok(!(yield* keys.verify(certificate, text.with(3, 0), signature)));
      const request = new x509.Pkcs10CertificateRequest((yield* keys.certificateRequest(key)).slice());
      assert.ok(yield* Effect.promise(() => request.verify()));
    }
  }),
);

run(
  "a chain is found in any order, among strangers and rubbish; a gap, a stranger's root or an old issuer breaks it",
  Effect.gen(function* () {
    const keys = yield* Keys;
    const nowMs = yield* Clock.currentTimeMillis;
    const lasting = { notBeforeMs: nowMs - 1_000, notAfterMs: nowMs + 60_000 };
    const root = yield* authorityNamed("root", undefined, nowMs);
    const middle = yield* authorityNamed("middle", root, nowMs);
    const lower = yield* authorityNamed("lower", middle, nowMs);
    const namesake = yield* authorityNamed("lower", undefined, nowMs);
    const key = yield* keys.generate;
    const leaf = yield* certified(key, lower, { name: "leaf", ...lasting });
    const says = (chain: ReadonlyArray<Uint8Array>, roots = [root.certificate], atMs = nowMs) =>
      Effect.match(keys.verifyChain(chain, roots, atMs), {
        onFailure: ({ reason }) => reason,
        onSuccess: () => "trusted" as const,
      });
    const rubbish = Uint8Array.of(0x30, 0);
    const [m, l] = [middle.certificate, lower.certificate];
    for (const issuers of [
      [l, m],
      [m, l],
      [rubbish, m, namesake.certificate, l, m],
      [l, m, root.certificate],
    ])
      assert.equal(yield* says([leaf, ...issuers]), "trusted");
    assert.equal(yield* says([leaf, l], [m]), "trusted"); // an intermediate may itself be the root
    for (const issuers of [[], [m], [l], [namesake.certificate, m]])
      assert.equal(yield* says([leaf, ...issuers]), "noPath");
    assert.equal(yield* says([leaf, l, m], [namesake.certificate]), "signature");
    assert.equal(yield* says([leaf, l, m], undefined, nowMs + 61_000), "expired");
    // A leaf issues nothing, and an issuer must be valid too.
    const below = yield* certified(
      yield* keys.generate,
      { certificate: leaf, name: "leaf", key },
      { name: "x", ...lasting },
    );
    assert.equal(yield* says([below, leaf, l, m]), "notAuthority");
    const oldKey = yield* keys.generate;
    const old = yield* certified(oldKey, root, { name: "old", isAuthority: true, ...lasting, notAfterMs: nowMs - 1 });
    const young = yield* certified(key, { certificate: old, name: "old", key: oldKey }, { name: "young", ...lasting });
    assert.equal(yield* says([young, old]), "expired");
    const many = Array.from({ length: 97 }, () => m);
    assert.equal(yield* says([leaf, ...many, l]), "tooMany");
  }),
);

run(
  "RFC 5280 §4.2.1.9: no more issuers below an issuer than its path length allows, root or not, as a model counts them",
  Effect.gen(function* () {
    const keys = yield* Keys;
    const nowMs = yield* Clock.currentTimeMillis;
    const lasting = { notBeforeMs: nowMs - 1_000, notAfterMs: nowMs + 60_000 };
    const key = yield* keys.generate;
    /** Of root, middle, lower: any number, or so many. */
    for (const lengths of [
      [undefined, undefined, undefined],
      [2, 1, 0],
      [1, undefined, undefined],
      [undefined, 0, undefined],
      [undefined, 1, 0],
      [0, 0, 0],
      [5, 4, 3],
    ] as const) {
      const chain: Array<Issuer> = [];
      for (const [i, name] of ["root", "middle", "lower"].entries()) {
        const pathLength = lengths[i];
        chain.unshift(yield* authorityNamed(name, chain[0], nowMs, pathLength === undefined ? {} : { pathLength }));
      }
      for (const used of [1, 2, 3]) {
        const issuers = chain.slice(chain.length - used);
        const leaf = yield* certified(key, issuers[0]!, { name: "leaf", ...lasting });
        const given = [leaf, ...issuers.map(({ certificate }) => certificate)];
        const result = yield* Effect.result(keys.verifyChain(given, [chain.at(-1)!.certificate], nowMs));
        const isAllowed = lengths.slice(0, used).every((length, i) => used - 1 - i <= (length ?? 9));
        assert.equal(result._tag, isAllowed ? "Success" : "Failure", JSON.stringify({ lengths, used }));
      }
    }
  }),
);

run(
  "RFC 5280 §4.2.1.3: an issuer whose key is not for certificates issues none",
  Effect.gen(function* () {
    const keys = yield* Keys;
    const nowMs = yield* Clock.currentTimeMillis;
    const lasting = { notBeforeMs: nowMs - 1_000, notAfterMs: nowMs + 60_000 };
    const root = yield* authorityNamed("root", undefined, nowMs);
    const { digitalSignature, keyCertSign } = x509.KeyUsageFlags;
    for (const usages of [digitalSignature, keyCertSign, digitalSignature | keyCertSign]) {
      const middle = yield* authorityNamed("middle", root, nowMs, { usages });
      const leaf = yield* certified(yield* keys.generate, middle, { name: "leaf", ...lasting });
      const result = yield* Effect.result(keys.verifyChain([leaf, middle.certificate], [root.certificate], nowMs));
      assert.equal(result._tag, usages === digitalSignature ? "Failure" : "Success");
    }
  }),
);

run(
  "RSA of 1024 bits and other curves prove nothing",
  Effect.gen(function* () {
    const keys = yield* Keys;
    for (const algorithm of [
      { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 1_024, publicExponent: Uint8Array.of(1, 0, 1) },
      { name: "ECDSA", namedCurve: "P-384", hash: "SHA-256" },
    ]) {
      const { certificate, signature } = yield* Effect.promise(() => selfSigned(algorithm));
      assert.ok(!(yield* keys.verify(certificate, text, signature)));
    }
  }),
);

const selfSigned = async (algorithm: any) => {
  const { webcrypto, sign } = await import("node:crypto");
  x509.cryptoProvider.set(webcrypto as never);
  const pair = (await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as any;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=weak",
    keys: pair,
    signingAlgorithm: algorithm,
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", pair.privateKey));
  const signature = sign("sha256", text, createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" }));
  return { certificate: new Uint8Array(certificate.rawData), signature: new Uint8Array(signature) };
};
