/** Messages signed and opened: both algorithms, chains, several Node-IDs, and everything that is not to be believed. RFC 6940 §6.3.4. */

import * as assert from "node:assert/strict";
import { Clock, Effect, Layer } from "effect";
import { type Credentials, Keys, type PrivateKey } from "../../actors/ports/mod.ts";
import { viprOverlay } from "../../codecs/overlay/mod.ts";
import {
  type Body,
  identityOf,
  kindId,
  nodeIdFrom,
  type Packet,
  Payload,
  type Signature,
  type Stored,
  type StoredDataValue,
  toNode,
} from "../../codecs/reload/mod.ts";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import { keysLayer } from "../../runtime/keys.ts";
import { authorityNamed, certified, type Issuer } from "../kit/certificates.ts";
import { testEffect } from "../kit/harness.ts";
import { nodeIds } from "../kit/node-ids.ts";
import { makeMessageSecurity } from "./security-host.ts";

const NAME = "ring.example";
const ping: Body = { type: "pingReq", value: { padding: new Uint8Array() } };
const unsigned = { transactionId: 5n, destinations: [toNode(nodeIdFrom(1n))], body: ping };
const uri = (id: bigint, overlay = NAME) => `reload://${nodeIdText(nodeIdFrom(id))}@${overlay}/`;
const configured = (roots: ReadonlyArray<Uint8Array>, badNodes: ReadonlyArray<bigint> = []) => {
  const overlay = viprOverlay({ name: NAME, sequence: 1, badNodes: nodeIds(...badNodes) });
  return { now: () => overlay, roots: () => roots };
};

const run = (name: string, body: Effect.Effect<unknown, unknown, Keys>) =>
  testEffect(name, Effect.provide(body, keysLayer));

/** Credentials with a certificate for these Node-IDs by that issuer. */
const holder = Effect.fnUntraced(function* (
  by: Issuer,
  ids: ReadonlyArray<bigint>,
  more: { key?: PrivateKey; chain?: ReadonlyArray<Uint8Array>; lastsMs?: number; overlay?: string } = {},
) {
  const key = more.key ?? (yield* (yield* Keys).generate);
  const nowMs = yield* Clock.currentTimeMillis;
  const leaf = yield* certified(key, by, {
    uris: ids.map((id) => uri(id, more.overlay)),
    notBeforeMs: nowMs - 60_000,
    notAfterMs: nowMs + (more.lastsMs ?? 60_000),
  });
  return { key, certificates: [leaf, ...(more.chain ?? [])], roots: [] } satisfies Credentials;
});

const payloadOf = (packet: Packet): Payload => {
  const read = decode(Payload, packet.payload);
  assert.ok(read.ok);
  return read.value;
};
const withSignature = (packet: Packet, signature: Partial<Signature>): Packet => {
  const { contents, security } = payloadOf(packet);
  const changed = { ...security, signature: { ...security.signature, ...signature } };
  return { ...packet, payload: encode(Payload, { contents, security: changed }) };
};
const withBucket = (
  packet: Packet,
  of: (certificates: ReadonlyArray<Uint8Array>) => ReadonlyArray<Uint8Array>,
): Packet => {
  const { contents, security } = payloadOf(packet);
  const shown = of(security.certificates.map(({ certificate }) => certificate));
  const certificates = shown.map((certificate) => ({ type: 0, certificate }));
  return { ...packet, payload: encode(Payload, { contents, security: { ...security, certificates } }) };
};

const ring = Effect.gen(function* () {
  const root = yield* authorityNamed("root", undefined, yield* Clock.currentTimeMillis);
  const us = yield* makeMessageSecurity(yield* holder(root, [1n]), configured([root.certificate]));
  const signerOf = Effect.fnUntraced(function* (packet: Packet, fetched?: ReadonlyArray<Uint8Array>) {
    const opened = yield* us.verify(packet, fetched);
    return "rejected" in opened ? opened.rejected : opened.signer.nodeId;
  });
  return { root, us, signerOf };
});

// RFC 6940 §13.5.1; docs/protocol/overlay.md
run(
  "RFC 6940 §6.3.4: RSA signatures are accepted as ECDSA's are, of messages and of values",
  Effect.gen(function* () {
    const { root, us, signerOf } = yield* ring;
    const key = yield* (yield* Keys).generateRsa;
    const rsa = yield* makeMessageSecurity(yield* holder(root, [7n], { key }), configured([root.certificate]));
    const signed = yield* rsa.sign(unsigned);
    assert.deepEqual(
      [payloadOf(signed).security.signature.hash, payloadOf(signed).security.signature.signature],
      [4, 1],
    );
    assert.equal(yield* signerOf(signed), 7n);
    assert.equal(yield* signerOf(withSignature(signed, { signature: 3 })), "signature"); // as if by ECDSA
    const resource = new Uint8Array(16);
    const value: StoredDataValue = { key: new Uint8Array(24), value: { exists: true, value: new Uint8Array(16) } };
    const signature = yield* rsa.signValue(resource, kindId.viprRegistration, 9n, value);
    const opened = yield* us.verify(signed);
    assert.ok(!("rejected" in opened));
    const stored = { storageTime: 9n, lifetime: 1, value, signature };
    assert.equal((yield* opened.signerOf(resource, kindId.viprRegistration, stored))?.nodeId, 7n);
    const older = { ...stored, storageTime: 8n };
    assert.equal(yield* opened.signerOf(resource, kindId.viprRegistration, older), undefined);
    assert.equal(yield* opened.signerOf(resource.with(3, 1), kindId.viprRegistration, stored), undefined);
    assert.equal(yield* opened.signerOf(resource, kindId.certificateByNode, stored), undefined);
  }),
);

run(
  "RFC 6940 §6.3.4: a bucket has no order, and carries the issuers of every certificate it needs",
  Effect.gen(function* () {
    const { root, us, signerOf } = yield* ring;
    const nowMs = yield* Clock.currentTimeMillis;
    const middle = yield* authorityNamed("middle", root, nowMs);
    const lower = yield* authorityNamed("lower", middle, nowMs);
    const chain = [lower.certificate, middle.certificate];
    const security = yield* makeMessageSecurity(yield* holder(lower, [8n], { chain }), configured([root.certificate]));
    const signed = yield* security.sign(unsigned);
    const fresh = yield* makeMessageSecurity(yield* holder(root, [2n]), configured([root.certificate]));
    for (const order of [
      (all: ReadonlyArray<Uint8Array>) => all,
      (all: ReadonlyArray<Uint8Array>) => all.toReversed(),
    ]) {
      assert.equal(yield* signerOf(withBucket(signed, order)), 8n);
      assert.ok(!("rejected" in (yield* fresh.verify(withBucket(signed, order)))));
    }
    const stranger = yield* makeMessageSecurity(yield* holder(root, [3n]), configured([root.certificate]));
    assert.ok("rejected" in (yield* stranger.verify(withBucket(signed, (all) => all.slice(0, 2)))));
    // What we pass on for others carries their issuers too.
    const opened = yield* us.verify(signed);
    assert.ok(!("rejected" in opened));
    const onward = yield* us.sign({ ...unsigned, certificates: [opened.signer.certificate] });
    assert.equal(payloadOf(onward).security.certificates.length, 4);
  }),
);

run(
  "RFC 6940 §6.3.4: a certificate of several Node-IDs signs as each of them, by the hash of both",
  Effect.gen(function* () {
    const { root, signerOf } = yield* ring;
    const several = yield* holder(root, [20n, 21n]);
    for (const id of [20n, 21n]) {
      const security = yield* makeMessageSecurity(several, configured([root.certificate]), nodeIdFrom(id));
      const signed = yield* security.sign(unsigned);
      assert.equal(payloadOf(signed).security.signature.identity.type, "certHashNodeId");
      assert.equal(yield* signerOf(signed), id);
    }
    // "In the first case, the cert_hash type MUST be used", and in the second the other.
    const nameless = yield* makeMessageSecurity(several, configured([root.certificate]));
    assert.equal(yield* signerOf(yield* nameless.sign(unsigned)), "signature");
    const foreign = yield* makeMessageSecurity(several, configured([root.certificate]), nodeIdFrom(22n));
    assert.equal(yield* signerOf(yield* foreign.sign(unsigned)), "signature");
  }),
);

// RFC 6940 §6.3, §6.3.4, §13.3
run(
  "what is rejected: no signature, another hash, a changed bit, another root or overlay, an expired certificate, a bad node",
  Effect.gen(function* () {
    const { root, us, signerOf } = yield* ring;
    const good = yield* makeMessageSecurity(yield* holder(root, [9n]), configured([root.certificate]));
    const signed = yield* good.sign(unsigned);
    assert.equal(yield* signerOf(signed), 9n);
    assert.equal(yield* signerOf(withSignature(signed, { identity: { type: "none", identity: {} } })), "signature");
    assert.equal(yield* signerOf(withSignature(signed, { hash: 0, signature: 0 })), "signature");
    assert.equal(yield* signerOf(withSignature(signed, { hash: 2 })), "signature");
    assert.equal(yield* signerOf({ ...signed, transactionId: 6n }), "signature");
    assert.equal(yield* signerOf({ ...signed, overlay: signed.overlay ^ 1 }), "signature");
    for (const at of [0, 5, signed.payload.length - 1]) {
      const payload = signed.payload.with(at, signed.payload[at]! ^ 1);
      assert.equal(typeof (yield* signerOf({ ...signed, payload })), "string");
    }
    assert.equal(typeof (yield* signerOf({ ...signed, payload: signed.payload.slice(0, -9) })), "string");
    // The parts of the header that every peer changes are not covered.
    assert.equal(yield* signerOf({ ...signed, ttl: 3, viaList: [toNode(nodeIdFrom(4n))] }), 9n);
    const nowMs = yield* Clock.currentTimeMillis;
    const others = yield* authorityNamed("root", undefined, nowMs);
    const from = (credentials: Credentials) =>
      Effect.flatMap(makeMessageSecurity(credentials, configured([root.certificate])), (security) =>
        security.sign(unsigned),
      );
    assert.equal(yield* signerOf(yield* from(yield* holder(others, [10n]))), "signature");
    assert.equal(yield* signerOf(yield* from(yield* holder(root, [11n], { lastsMs: -1_000 }))), "signature");
    assert.equal(yield* signerOf(yield* from(yield* holder(root, [12n], { overlay: "other.example" }))), "signature");
    const stern = yield* makeMessageSecurity(yield* holder(root, [1n]), configured([root.certificate], [9n]));
    assert.ok("rejected" in (yield* stern.verify(signed)));
    assert.ok(!("rejected" in (yield* us.verify(signed))));
  }),
);

// RFC 6940 §7.1
run(
  "a cached certificate is not trusted any more when it has expired or its root is gone",
  Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis;
    const [root, other] = [yield* authorityNamed("a", undefined, nowMs), yield* authorityNamed("b", undefined, nowMs)];
    let roots: ReadonlyArray<Uint8Array> = [root.certificate];
    const us = yield* makeMessageSecurity(yield* holder(root, [1n]), { ...configured([]), roots: () => roots });
    const short = yield* makeMessageSecurity(
      yield* holder(root, [2n], { lastsMs: 30_000 }),
      configured([root.certificate]),
    );
    const signed = yield* short.sign(unsigned);
    assert.ok(!("rejected" in (yield* us.verify(signed))));
    const late = { ...(yield* Clock.Clock), currentTimeMillis: Effect.succeed(nowMs + 31_000) } as never;
    assert.ok("rejected" in (yield* Effect.provideService(us.verify(signed), Clock.Clock, late)));
    roots = [other.certificate];
    assert.ok("rejected" in (yield* us.verify(signed)));
  }),
);

run(
  "RFC 6940 §8: a certificate that is not carried is asked for by its identity, and one that was seen is not",
  Effect.gen(function* () {
    const { root, us, signerOf } = yield* ring;
    const credentials = yield* holder(root, [13n]);
    const security = yield* makeMessageSecurity(credentials, configured([root.certificate]));
    const bare = yield* security.sign({ ...unsigned, bare: true });
    assert.equal(payloadOf(bare).security.certificates.length, 0);
    const rejected = yield* us.verify(bare);
    assert.ok("rejected" in rejected && rejected.unknown !== undefined);
    const wrong = yield* holder(root, [13n]);
    assert.equal(yield* signerOf(bare, wrong.certificates), "signature");
    assert.equal(yield* signerOf(bare, [...wrong.certificates, ...credentials.certificates]), 13n);
    assert.equal(yield* signerOf(bare), 13n);
    // What TLS has shown is known as well.
    const neighbour = yield* holder(root, [14n]);
    assert.deepEqual(yield* us.nodesOf(neighbour.certificates), [14n]);
    const other = yield* makeMessageSecurity(neighbour, configured([root.certificate]));
    assert.equal(yield* signerOf(yield* other.sign({ ...unsigned, bare: true })), 14n);
  }),
);

run(
  "of a member that presents certificates of its own making, and names another with each value, each chain is checked once",
  Effect.gen(function* () {
    const keys = yield* Keys;
    let chains = 0;
    const counting = Layer.succeed(Keys, {
      ...keys,
      verifyChain: (...given) => {
        chains++;
        return keys.verifyChain(...given);
      },
    });
    const { root } = yield* ring;
    const us = yield* Effect.provide(
      makeMessageSecurity(yield* holder(root, [1n]), configured([root.certificate])),
      counting,
    );
    const member = yield* makeMessageSecurity(yield* holder(root, [15n]), configured([root.certificate]));
    const strangers = yield* authorityNamed("root", undefined, yield* Clock.currentTimeMillis);
    const [key, own] = [yield* keys.generate, 8];
    const made = yield* Effect.forEach(Array(own).keys(), (i) => holder(strangers, [BigInt(i), 99n], { key }));
    const shown = made.flatMap(({ certificates }) => certificates);
    const packet = withBucket(yield* member.sign(unsigned), (all) => [...all, ...shown, ...shown]);
    const opened = yield* us.verify(packet);
    assert.ok(!("rejected" in opened));
    const resource = new Uint8Array(16);
    const value: StoredDataValue = { key: new Uint8Array(24), value: { exists: true, value: new Uint8Array(16) } };
    const signed = yield* member.signValue(resource, kindId.viprRegistration, 9n, value);
    for (let i = 0; i < 50; i++) {
      const identities: ReadonlyArray<Signature["identity"]> = [
        { type: "certHashNodeId", identity: { algorithm: 4, hash: new Uint8Array(32).fill(i) } },
        identityOf(shown[i % own]!),
      ];
      for (const identity of identities) {
        const stored: Stored<StoredDataValue> = {
          storageTime: 9n,
          lifetime: 1,
          value,
          signature: { ...signed, identity },
        };
        assert.equal(yield* opened.signerOf(resource, kindId.viprRegistration, stored), undefined);
      }
    }
    assert.ok(chains <= 2 + 1 + own + 1, `${chains} chains`); // our own, the member's, the strangers', once each
  }),
);
