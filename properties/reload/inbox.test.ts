/** From packet to believed message: certificates that are not carried are fetched, apart from the link and within limits. */

import * as assert from "node:assert/strict";
import { Clock, Effect } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { ABSENT_MS } from "../../actors/reload/certificate-fetcher.ts";
import { makeInbox } from "../../actors/reload/inbox.ts";
import type { VerifiedMessage } from "../../actors/reload/message-security.ts";
import { makeMessageSecurity } from "../../actors/reload/message-security.ts";
import { viprOverlay } from "../../codecs/overlay/mod.ts";
import {
  type Body,
  type Destination,
  encodeRegistrationKey,
  kindId,
  nodeIdFrom,
  type Packet,
  type StoredData,
  toNode,
  toResource,
} from "../../codecs/reload/mod.ts";
import { nodeIdText, vserviceId } from "../../codecs/shared/mod.ts";
import { WILDCARD } from "../../machines/reload/mod.ts";
import { authorityNamed, certified } from "../kit/certificates.ts";
import { testOverlay } from "./ring-of-nodes.ts";

const FROM = nodeIdFrom(70n);
const ping: Body = { type: "pingReq", value: { padding: new Uint8Array() } };
const pong: Body = { type: "pingAns", value: { responseId: 1n, time: 1n } };

const world = Effect.gen(function* () {
  const nowMs = yield* Clock.currentTimeMillis;
  const keys = yield* Keys;
  const root = yield* authorityNamed("root", undefined, nowMs);
  const overlay = viprOverlay({ name: "ring.example", sequence: 1 });
  const member = Effect.fnUntraced(function* (id: bigint) {
    const key = yield* keys.generate;
    const uris = [`reload://${nodeIdText(nodeIdFrom(id))}@ring.example/`];
    const certificate = yield* certified(key, root, {
      uris,
      notBeforeMs: nowMs - 1_000,
      notAfterMs: nowMs + 3_600_000,
    });
    const credentials = { key, certificates: [certificate], roots: [root.certificate] };
    const security = yield* makeMessageSecurity(credentials, { now: () => overlay, roots: () => [root.certificate] });
    return { certificate, security };
  });
  const us = yield* member(1n);
  const stored = new Map<bigint, ReadonlyArray<Uint8Array>>();
  const seen = {
    received: [] as Array<{ packet: Packet; message: VerifiedMessage }>,
    rejected: [] as Array<string>,
    dropped: [] as Array<string>,
    fetched: [] as Array<bigint>,
    destination: undefined as Destination | undefined,
  };
  const inbox = yield* makeInbox(us.security, () => 131_072, {
    received: (packet, _, message) => Effect.sync(() => void seen.received.push({ packet, message })),
    rejected: (_, __, { rejected }) => Effect.sync(() => void seen.rejected.push(rejected)),
    drop: (why) => Effect.sync(() => void seen.dropped.push(why)),
    destinationOf: () => seen.destination,
    certificatesAt: (nodeId) => {
      seen.fetched.push(nodeId);
      return Effect.as(Effect.sleep(50), stored.get(nodeId) ?? []);
    },
  });
  return { member, stored, seen, inbox };
});

const signed = (
  security: Effect.Success<ReturnType<typeof makeMessageSecurity>>,
  body: Body,
  transactionId = 5n,
  bare = true,
) => security.sign({ transactionId, destinations: [toNode(nodeIdFrom(1n))], body, bare });

testOverlay(
  "RFC 6940 §8: a message without its certificate is verified once that is fetched from the overlay, and later ones at once",
  Effect.gen(function* () {
    const { member, stored, seen, inbox } = yield* world;
    const far = yield* member(2n);
    stored.set(2n, [(yield* member(2n)).certificate, far.certificate]);
    // Forwarded by another node: the first of the Via List is supposed to have signed.
    const packet = {
      ...(yield* signed(far.security, ping)),
      viaList: [toNode(nodeIdFrom(2n)), toNode(nodeIdFrom(9n))],
    };
    yield* inbox.deliver(packet, FROM);
    assert.equal(seen.received.length, 0); // the link is not held up
    yield* Effect.sleep(60);
    assert.deepEqual([seen.received[0]?.message.signer.nodeId, seen.fetched], [2n, [2n]]);
    yield* inbox.deliver(packet, FROM);
    assert.deepEqual([seen.received.length, seen.fetched.length], [2, 1]);
    // A lie about the way finds another's certificates, which do not fit.
    const other = yield* member(3n);
    stored.set(4n, [far.certificate]);
    yield* inbox.deliver({ ...(yield* signed(other.security, ping)), viaList: [toNode(nodeIdFrom(4n))] }, FROM);
    yield* Effect.sleep(60);
    assert.deepEqual([seen.rejected, seen.fetched], [["signature"], [2n, 4n]]);
  }),
);

testOverlay(
  "the supposed signer of an answer is the node that was asked; for a resource it is the neighbour that sent the answer",
  Effect.gen(function* () {
    const { member, stored, seen, inbox } = yield* world;
    const far = yield* member(2n);
    stored.set(2n, [far.certificate]);
    const answer = yield* signed(far.security, pong);
    yield* inbox.deliver(answer, FROM);
    yield* Effect.sleep(60);
    assert.deepEqual([seen.fetched, seen.rejected.length], [[], 1]);
    for (const asked of [toResource(new Uint8Array(16)), toNode(WILDCARD)]) {
      seen.destination = asked;
      yield* inbox.deliver(answer, FROM);
      yield* Effect.sleep(60);
    }
    assert.deepEqual([seen.fetched, seen.rejected.length], [[FROM], 3]); // not there, and not sought again at once
    seen.destination = toNode(nodeIdFrom(2n));
    yield* inbox.deliver(answer, FROM);
    yield* Effect.sleep(60);
    assert.deepEqual([seen.fetched, seen.received.length], [[FROM, 2n], 1]);
    const near = yield* member(FROM);
    stored.set(FROM, [near.certificate]);
    yield* Effect.sleep(ABSENT_MS);
    seen.destination = toResource(new Uint8Array(16));
    yield* inbox.deliver(yield* signed(near.security, pong, 6n), FROM);
    yield* Effect.sleep(60);
    assert.equal(seen.received[1]?.message.signer.nodeId, FROM);
  }),
);

testOverlay(
  "values of signers that are not shown wait for them: the key of a registration names its node",
  Effect.gen(function* () {
    const { member, stored, seen, inbox } = yield* world;
    const [near, owner] = [yield* member(2n), yield* member(3n)];
    stored.set(3n, [owner.certificate]);
    const resource = new Uint8Array(16);
    const kind = kindId.viprRegistration;
    const key = encodeRegistrationKey({ nodeId: nodeIdFrom(3n), vservice: vserviceId(1n) });
    const value = { key, value: { exists: true, value: new Uint8Array(16) } };
    const signature = yield* owner.security.signValue(resource, kind, 7n, value);
    const data: StoredData = { storageTime: 7n, lifetime: 60, value, signature };
    const store: Body = {
      type: "storeReq",
      value: { resource, replica: 0, kinds: [{ kind, generation: 0n, values: [data] }] },
    };
    yield* inbox.deliver(yield* signed(near.security, store, 5n, false), FROM);
    yield* Effect.sleep(60);
    assert.deepEqual(seen.fetched, [3n]);
    const signer = yield* seen.received[0]!.message.signerOf(resource, kind, data);
    assert.equal(signer?.nodeId, 3n);
  }),
);

testOverlay(
  "one neighbour's messages without certificates wait in their share of the room, and not in that of others",
  Effect.gen(function* () {
    const { member, stored, seen, inbox } = yield* world;
    const strangers = yield* Effect.forEach(
      Array.from({ length: 12 }, (_, i) => BigInt(100 + i)),
      member,
    );
    for (const [i, { security }] of strangers.entries()) {
      const packet = { ...(yield* signed(security, ping)), viaList: [toNode(nodeIdFrom(BigInt(100 + i)))] };
      yield* inbox.deliver(packet, FROM);
    }
    assert.equal(seen.dropped.length, 4);
    const far = yield* member(2n);
    stored.set(2n, [far.certificate]);
    yield* inbox.deliver(
      { ...(yield* signed(far.security, ping)), viaList: [toNode(nodeIdFrom(2n))] },
      nodeIdFrom(FROM + 1n),
    );
    yield* Effect.sleep(60);
    assert.deepEqual([seen.received.length, seen.rejected.length], [1, 8]);
  }),
);

testOverlay(
  "a member whose Stores each name eight unknown signers gets half of the fetches at most, and others get theirs",
  Effect.gen(function* () {
    const { member, stored, seen, inbox } = yield* world;
    const [near, far] = [yield* member(2n), yield* member(3n)];
    stored.set(3n, [far.certificate]);
    const [resource, kind] = [new Uint8Array(16), kindId.viprRegistration];
    for (let i = 0; i < 8; i++) {
      const values = Array.from({ length: 8 }, (_, j): StoredData => {
        const key = encodeRegistrationKey({ nodeId: nodeIdFrom(BigInt(100 + 8 * i + j)), vservice: vserviceId(1n) });
        const hash = new Uint8Array(32).fill(8 * i + j);
        const identity = { type: "certHash" as const, identity: { algorithm: 4, hash } };
        const signature = { hash: 4, signature: 3, identity, value: new Uint8Array(70) };
        return { storageTime: 7n, lifetime: 60, value: { key, value: { exists: true, value: resource } }, signature };
      });
      const store: Body = {
        type: "storeReq",
        value: { resource, replica: 0, kinds: [{ kind, generation: 0n, values }] },
      };
      yield* inbox.deliver(yield* signed(near.security, store, BigInt(i), false), FROM);
    }
    yield* Effect.yieldNow;
    yield* inbox.deliver(
      { ...(yield* signed(far.security, ping)), viaList: [toNode(nodeIdFrom(3n))] },
      nodeIdFrom(FROM + 1n),
    );
    yield* Effect.sleep(60);
    assert.deepEqual([seen.fetched.length, seen.fetched.includes(3n), seen.dropped.length], [17, true, 6]);
    assert.ok(seen.received.some(({ message }) => message.signer.nodeId === 3n));
    // Their share is theirs again.
    yield* inbox.deliver(
      { ...(yield* signed((yield* member(4n)).security, ping)), viaList: [toNode(nodeIdFrom(4n))] },
      FROM,
    );
    yield* Effect.sleep(60);
    assert.equal(seen.fetched.at(-1), 4n);
  }),
);
