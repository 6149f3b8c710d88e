/** From packet to believed message: certificates that are not carried are fetched, apart from the link and within limits. */
import * as assert from "node:assert/strict";
import { Clock, Effect } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { ABSENT_MS } from "../../actors/reload/finder.ts";
import { makeInbox } from "../../actors/reload/inbox.ts";
import type { Opened } from "../../actors/reload/post.ts";
import { makePost } from "../../actors/reload/post.ts";
import { viprOverlay } from "../../codecs/overlay/mod.ts";
import {
  type Body,
  type Destination,
  encodeRegistrationKey,
  kindId,
  type Packet,
  type StoredData,
  toNode,
  toResource,
} from "../../codecs/reload/mod.ts";
import { nodeIdText, vserviceId } from "../../codecs/shared/mod.ts";
import { WILDCARD } from "../../machines/reload/mod.ts";
import { authorityNamed, certified } from "../kit/certificates.ts";
import { testOverlay } from "./ring-of-nodes.ts";

const FROM = 70n;
const ping: Body = { type: "pingReq", value: { padding: new Uint8Array() } };
const pong: Body = { type: "pingAns", value: { responseId: 1n, time: 1n } };

const world = Effect.gen(function* () {
  const nowMs = yield* Clock.currentTimeMillis;
  const keys = yield* Keys;
  const root = yield* authorityNamed("root", undefined, nowMs);
  const overlay = viprOverlay({ name: "ring.example", sequence: 1 });
  const member = Effect.fnUntraced(function* (id: bigint) {
    const key = yield* keys.generate;
    const uris = [`reload://${nodeIdText(id)}@ring.example/`];
    const certificate = yield* certified(key, root, {
      uris,
      notBeforeMs: nowMs - 1_000,
      notAfterMs: nowMs + 3_600_000,
    });
    const credentials = { key, certificates: [certificate], roots: [root.certificate] };
    const post = yield* makePost(credentials, { now: () => overlay, roots: () => [root.certificate] });
    return { certificate, post };
  });
  const us = yield* member(1n);
  const stored = new Map<bigint, ReadonlyArray<Uint8Array>>();
  const heard = {
    opened: [] as Array<{ packet: Packet; opened: Opened }>,
    refused: [] as Array<string>,
    dropped: [] as Array<string>,
    fetched: [] as Array<bigint>,
    askedOf: undefined as Destination | undefined,
  };
  const inbox = yield* makeInbox(us.post, () => 131_072, {
    opened: (packet, _, opened) => Effect.sync(() => void heard.opened.push({ packet, opened })),
    unbelievable: (_, __, { refused }) => Effect.sync(() => void heard.refused.push(refused)),
    drop: (why) => Effect.sync(() => void heard.dropped.push(why)),
    askedOf: () => heard.askedOf,
    fetch: (nodeId) => {
      heard.fetched.push(nodeId);
      return Effect.as(Effect.sleep(50), stored.get(nodeId) ?? []);
    },
  });
  return { member, stored, heard, inbox };
});

const sealed = (post: Effect.Success<ReturnType<typeof makePost>>, body: Body, transactionId = 5n, bare = true) =>
  post.seal({ transactionId, destinations: [toNode(1n)], body, bare });

testOverlay(
  "RFC 6940 §8: whose certificate is not carried is believed once the overlay has shown it, and from then on at once",
  Effect.gen(function* () {
    const { member, stored, heard, inbox } = yield* world;
    const far = yield* member(2n);
    stored.set(2n, [(yield* member(2n)).certificate, far.certificate]);
    // Brought by another: the first of the via list is said to have signed.
    const packet = { ...(yield* sealed(far.post, ping)), viaList: [toNode(2n), toNode(9n)] };
    yield* inbox.deliver(packet, FROM);
    assert.equal(heard.opened.length, 0); // the link is not held up
    yield* Effect.sleep(60);
    assert.deepEqual([heard.opened[0]?.opened.signer.nodeId, heard.fetched], [2n, [2n]]);
    yield* inbox.deliver(packet, FROM);
    assert.deepEqual([heard.opened.length, heard.fetched.length], [2, 1]);
    // A lie about the way finds another's certificates, which do not fit.
    const other = yield* member(3n);
    stored.set(4n, [far.certificate]);
    yield* inbox.deliver({ ...(yield* sealed(other.post, ping)), viaList: [toNode(4n)] }, FROM);
    yield* Effect.sleep(60);
    assert.deepEqual([heard.refused, heard.fetched], [["signature"], [2n, 4n]]);
  }),
);

testOverlay(
  "an answer's signer is who was asked; when a resource was asked it can be the neighbour who brought it alone",
  Effect.gen(function* () {
    const { member, stored, heard, inbox } = yield* world;
    const far = yield* member(2n);
    stored.set(2n, [far.certificate]);
    const answer = yield* sealed(far.post, pong);
    yield* inbox.deliver(answer, FROM);
    yield* Effect.sleep(60);
    assert.deepEqual([heard.fetched, heard.refused.length], [[], 1]);
    for (const asked of [toResource(new Uint8Array(16)), toNode(WILDCARD)]) {
      heard.askedOf = asked;
      yield* inbox.deliver(answer, FROM);
      yield* Effect.sleep(60);
    }
    assert.deepEqual([heard.fetched, heard.refused.length], [[FROM], 3]); // not there, and not sought again at once
    heard.askedOf = toNode(2n);
    yield* inbox.deliver(answer, FROM);
    yield* Effect.sleep(60);
    assert.deepEqual([heard.fetched, heard.opened.length], [[FROM, 2n], 1]);
    const near = yield* member(FROM);
    stored.set(FROM, [near.certificate]);
    yield* Effect.sleep(ABSENT_MS);
    heard.askedOf = toResource(new Uint8Array(16));
    yield* inbox.deliver(yield* sealed(near.post, pong, 6n), FROM);
    yield* Effect.sleep(60);
    assert.equal(heard.opened[1]?.opened.signer.nodeId, FROM);
  }),
);

testOverlay(
  "values of signers that are not shown wait for them: the key of a registration names its node",
  Effect.gen(function* () {
    const { member, stored, heard, inbox } = yield* world;
    const [near, owner] = [yield* member(2n), yield* member(3n)];
    stored.set(3n, [owner.certificate]);
    const resource = new Uint8Array(16);
    const kind = kindId.viprRegistration;
    const key = encodeRegistrationKey({ nodeId: 3n, vservice: vserviceId(1n) });
    const value = { key, value: { exists: true, value: new Uint8Array(16) } };
    const signature = yield* owner.post.signValue(resource, kind, 7n, value);
    const data: StoredData = { storageTime: 7n, lifetime: 60, value, signature };
    const store: Body = {
      type: "storeReq",
      value: { resource, replica: 0, kinds: [{ kind, generation: 0n, values: [data] }] },
    };
    yield* inbox.deliver(yield* sealed(near.post, store, 5n, false), FROM);
    yield* Effect.sleep(60);
    assert.deepEqual(heard.fetched, [3n]);
    const signer = yield* heard.opened[0]!.opened.signerOf(resource, kind, data);
    assert.equal(signer?.nodeId, 3n);
  }),
);

testOverlay(
  "one neighbour's messages without certificates hold no more than their share, and nobody else's",
  Effect.gen(function* () {
    const { member, stored, heard, inbox } = yield* world;
    const strangers = yield* Effect.forEach(
      Array.from({ length: 12 }, (_, i) => BigInt(100 + i)),
      member,
    );
    for (const [i, { post }] of strangers.entries()) {
      const packet = { ...(yield* sealed(post, ping)), viaList: [toNode(BigInt(100 + i))] };
      yield* inbox.deliver(packet, FROM);
    }
    assert.equal(heard.dropped.length, 4);
    const far = yield* member(2n);
    stored.set(2n, [far.certificate]);
    yield* inbox.deliver({ ...(yield* sealed(far.post, ping)), viaList: [toNode(2n)] }, FROM + 1n);
    yield* Effect.sleep(60);
    assert.deepEqual([heard.opened.length, heard.refused.length], [1, 8]);
  }),
);

testOverlay(
  "a member whose Stores each name eight unknown signers has half of the fetches at most, and others find theirs",
  Effect.gen(function* () {
    const { member, stored, heard, inbox } = yield* world;
    const [near, far] = [yield* member(2n), yield* member(3n)];
    stored.set(3n, [far.certificate]);
    const [resource, kind] = [new Uint8Array(16), kindId.viprRegistration];
    for (let i = 0; i < 8; i++) {
      const values = Array.from({ length: 8 }, (_, j): StoredData => {
        const key = encodeRegistrationKey({ nodeId: BigInt(100 + 8 * i + j), vservice: vserviceId(1n) });
        const hash = new Uint8Array(32).fill(8 * i + j);
        const identity = { type: "certHash" as const, identity: { algorithm: 4, hash } };
        const signature = { hash: 4, signature: 3, identity, value: new Uint8Array(70) };
        return { storageTime: 7n, lifetime: 60, value: { key, value: { exists: true, value: resource } }, signature };
      });
      const store: Body = {
        type: "storeReq",
        value: { resource, replica: 0, kinds: [{ kind, generation: 0n, values }] },
      };
      yield* inbox.deliver(yield* sealed(near.post, store, BigInt(i), false), FROM);
    }
    yield* Effect.yieldNow;
    yield* inbox.deliver({ ...(yield* sealed(far.post, ping)), viaList: [toNode(3n)] }, FROM + 1n);
    yield* Effect.sleep(60);
    assert.deepEqual([heard.fetched.length, heard.fetched.includes(3n), heard.dropped.length], [17, true, 6]);
    assert.ok(heard.opened.some(({ opened }) => opened.signer.nodeId === 3n));
    // Their share is theirs again.
    yield* inbox.deliver({ ...(yield* sealed((yield* member(4n)).post, ping)), viaList: [toNode(4n)] }, FROM);
    yield* Effect.sleep(60);
    assert.equal(heard.fetched.at(-1), 4n);
  }),
);
