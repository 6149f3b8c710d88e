/** From packet to believed message: certificates that are not carried are fetched, apart from the link and within limits. */

import * as assert from "node:assert/strict";
import { Clock, Effect } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { viprOverlay } from "../../codecs/overlay/mod.ts";
import {
  type Body,
  type Destination,
  encodeRegistrationKey,
  kindId,
  nodeIdFrom,
  noSignature,
  type Packet,
  resourceOfNode,
  type StoredData,
  toNode,
  toResource,
} from "../../codecs/reload/mod.ts";
import { hexOf, nodeIdText, vserviceId } from "../../codecs/shared/mod.ts";
import { ABSENT_MS, FETCHES_MAX, WAITING_MAX } from "../../machines/node/mod.ts";
import { WILDCARD } from "../../machines/reload/mod.ts";
import { authorityNamed, certified } from "../kit/certificates.ts";
import { carried, PlainNode } from "./plain-node.ts";
import { testOverlay } from "./ring-of-nodes.ts";
import { makeMessageSecurity } from "./security-host.ts";

const SELF = nodeIdFrom(1n);
const FROM = nodeIdFrom(70n);
/** Another neighbour. */
const BESIDE = nodeIdFrom(71n);
const [VIA_FROM, VIA_BESIDE] = [-1, -2];
const FETCH_MS = 50;
const ping: Body = { type: "pingReq", value: { padding: new Uint8Array() } };
const pong: Body = { type: "pingAns", value: { responseId: 1n, time: 1n } };

/** A node alone in its ring, so that the certificates which it looks for are its own to serve; it has two neighbours. */
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
    return { certificate, credentials, security };
  });
  const { credentials } = yield* member(1n);
  const node = new PlainNode(keys, { self: SELF, credentials, overlay, nowMs, limits: { carry: "answers" } });
  node.tell({ type: "published", isThere: true });
  node.core.view = { self: SELF, joined: true, predecessors: [], successors: [], fingers: [], linked: [] };
  node.link(VIA_FROM, (yield* member(FROM)).credentials);
  node.link(VIA_BESIDE, (yield* member(BESIDE)).credentials);
  const stored = new Map<bigint, ReadonlyArray<Uint8Array>>();
  const fetched: Array<bigint> = [];
  let looked = 0;

  /** Answers what the node has asked for since it was last looked at, after a while. */
  const serve = () => {
    for (const report of node.reports.slice(looked)) {
      if (report.type !== "serve" || report.request.type !== "fetchReq") continue;
      const resource = hexOf(report.request.value.resource);
      const id = nodeIds.find((one) => hexOf(resourceOfNode(nodeIdFrom(one))) === resource);
      if (id === undefined) continue;
      const { reply } = report.asked;
      fetched.push(id);
      const values = (stored.get(id) ?? []).map(
        (value, index): StoredData => ({
          storageTime: 1n,
          lifetime: 60,
          value: { index, value: { exists: true, value } },
          signature: noSignature,
        }),
      );
      const body: Body = {
        type: "fetchAns",
        value: { kinds: [{ kind: kindId.certificateByNode, generation: 0n, values }] },
      };
      node.after(FETCH_MS, () => node.tell({ type: "answered", reply, body, certificates: [] }));
    }
    looked = node.reports.length;
  };
  const receive = (packet: Packet, link = VIA_FROM) => {
    node.receive(link, packet);
    serve();
  };
  /** Long enough for a fetch. */
  const rest = (ms = FETCH_MS + 10) => {
    node.advance(ms);
    serve();
  };
  /** A request of the node's own; the transaction of its answer. */
  let refs = 0;
  const ask = (destination: Destination): bigint => {
    node.tell({ type: "requested", request: { ref: ++refs, destinations: [destination], body: ping as never } });
    serve();
    return [...node.core.requests.keys()].at(-1)!;
  };
  const counts = () => {
    const { delivered, badSignatures: rejected, dropped } = node.core.counters;
    return { delivered, rejected, dropped };
  };
  /** Requests of others that were served, by their signers. */
  const served = () =>
    node.reports.flatMap((report) => (report.type === "serve" && report.asked.signer !== SELF ? [report] : []));
  return { member, stored, fetched, node, receive, rest, ask, counts, served };
});
/** Nodes whose certificates may be looked for in these tests. */
const nodeIds: ReadonlyArray<bigint> = [
  FROM,
  BESIDE,
  ...Array.from({ length: 10 }, (_, i) => BigInt(i)),
  ...Array.from({ length: 200 }, (_, i) => BigInt(100 + i)),
];

type Security = Effect.Success<ReturnType<typeof makeMessageSecurity>>;
const signed = (security: Security, body: Body, transactionId = 5n, bare = true) =>
  security.sign({ transactionId, destinations: [toNode(SELF)], body, bare });
const forwarded = (packet: Packet, ...via: ReadonlyArray<bigint>): Packet => ({
  ...packet,
  viaList: via.map((id) => toNode(nodeIdFrom(id))),
});

testOverlay(
  "RFC 6940 §8: a message without its certificate is verified once that is fetched from the overlay, and later ones at once",
  Effect.gen(function* () {
    const { member, stored, fetched, receive, rest, served, counts, node } = yield* world;
    const far = yield* member(2n);
    stored.set(2n, [(yield* member(2n)).certificate, far.certificate]);
    // Forwarded by another node: the first of the Via List is supposed to have signed.
    const packet = forwarded(yield* signed(far.security, ping), 2n, 9n);
    receive(packet);
    assert.equal(served().length, 0);
    assert.equal(node.core.table.byNode.get(FROM)![0]!.isBusy, false); // the link is not held up
    rest();
    assert.deepEqual([served()[0]?.asked.signer, fetched], [2n, [2n]]);
    receive(packet);
    assert.deepEqual([served().length, fetched.length], [2, 1]);
    // A lie about the way finds another's certificates, which do not fit.
    const other = yield* member(3n);
    stored.set(4n, [far.certificate]);
    receive(forwarded(yield* signed(other.security, ping), 4n));
    rest();
    assert.deepEqual([counts().rejected, fetched], [1, [2n, 4n]]);
  }),
);

testOverlay(
  "what asks for certificates shows its own, and its answer is to carry all that it needs",
  Effect.gen(function* () {
    const { member, node } = yield* world;
    const far = yield* member(2n);
    // The resource is another node's, so that the request leaves.
    const nearest = { predecessors: [nodeIdFrom(0n)], successors: [FROM] };
    node.core.view = { self: SELF, joined: true, ...nearest, fingers: [], linked: [FROM] };
    const before = node.sent.length;
    node.receive(VIA_BESIDE, forwarded(yield* signed(far.security, ping), 2n));
    const [fetch] = node.sent.slice(before);
    assert.equal(fetch === undefined ? undefined : carried(fetch.packet), 1);
    assert.deepEqual(
      [...node.core.requests.values()].map(({ to }) => to.isSelfContained),
      [true],
    );
  }),
);

testOverlay(
  "the supposed signer of an answer is the node that was asked; for a resource it is the neighbour that sent the answer",
  Effect.gen(function* () {
    const { member, stored, fetched, receive, rest, ask, counts } = yield* world;
    const far = yield* member(2n);
    stored.set(2n, [far.certificate]);
    const answering = (transactionId: bigint) => signed(far.security, pong, transactionId);
    receive(yield* answering(5n));
    rest();
    assert.deepEqual([fetched, counts().rejected], [[], 1]);
    for (const asked of [toResource(new Uint8Array(16)), toNode(WILDCARD)]) {
      receive(yield* answering(ask(asked)));
      rest();
    }
    assert.deepEqual([fetched, counts().rejected], [[FROM], 3]); // not there, and not sought again at once
    const { delivered } = counts();
    const transactionId = ask(toNode(nodeIdFrom(2n)));
    receive(yield* answering(transactionId));
    rest();
    // The answer to the fetch is a message as well, and so is the fetch itself.
    assert.deepEqual([fetched, counts().delivered - delivered, counts().rejected], [[FROM, 2n], 3, 3]);
    const near = yield* member(FROM); // a certificate that its link has not shown
    stored.set(FROM, [near.certificate]);
    rest(ABSENT_MS);
    const before = counts();
    receive(yield* signed(near.security, pong, ask(toResource(new Uint8Array(16)))));
    rest();
    assert.deepEqual(fetched, [FROM, 2n, FROM]);
    assert.equal(counts().rejected, before.rejected);
  }),
);

testOverlay(
  "values of signers that are not shown wait for them: the key of a registration names its node",
  Effect.gen(function* () {
    const { member, stored, fetched, receive, rest, served } = yield* world;
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
    receive(yield* signed(near.security, store, 5n, false));
    rest();
    assert.deepEqual(fetched, [3n]);
    assert.equal(served()[0]?.signers[0]?.[0]?.nodeId, 3n);
  }),
);

testOverlay(
  "one neighbour's messages without certificates wait in their share of the room, and not in that of others",
  Effect.gen(function* () {
    const { member, stored, receive, rest, counts, served } = yield* world;
    for (let i = 0; i < 12; i++) {
      const { security } = yield* member(BigInt(100 + i));
      receive(forwarded(yield* signed(security, ping), BigInt(100 + i)));
    }
    assert.equal(counts().dropped, 4);
    const far = yield* member(2n);
    stored.set(2n, [far.certificate]);
    receive(forwarded(yield* signed(far.security, ping), 2n), VIA_BESIDE);
    rest();
    assert.deepEqual([served().length, counts().rejected], [1, 8]);
  }),
);

testOverlay(
  "a member whose Stores each name eight unknown signers gets half of the fetches at most, and others get theirs",
  Effect.gen(function* () {
    const { member, stored, fetched, receive, rest, counts, served } = yield* world;
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
      receive(yield* signed(near.security, store, BigInt(i), false));
    }
    receive(forwarded(yield* signed(far.security, ping), 3n), VIA_BESIDE);
    rest();
    assert.deepEqual([fetched.length, fetched.includes(3n), counts().dropped], [17, true, 6]);
    assert.ok(served().some(({ asked }) => asked.signer === 3n));
    // Their share is theirs again.
    receive(forwarded(yield* signed((yield* member(4n)).security, ping), 4n));
    rest();
    assert.equal(fetched.at(-1), 4n);
  }),
);

testOverlay(
  "many messages of one signer wait for one fetch, and no more than the limit wait",
  Effect.gen(function* () {
    const { member, stored, fetched, node, rest, served, receive } = yield* world;
    const far = yield* member(2n);
    stored.set(2n, [far.certificate]);
    // One neighbour alone has room for fewer.
    const neighbours = Array.from({ length: 4 }, (_, i) => ({ id: BigInt(200 + i), link: -10 - i }));
    for (const { id, link } of neighbours) node.link(link, (yield* member(id)).credentials);
    for (let i = 0; i < WAITING_MAX + 10; i++)
      receive(forwarded(yield* signed(far.security, ping, BigInt(i)), 2n), neighbours[i % 4]!.link);
    rest();
    assert.deepEqual([fetched, served().length], [[2n], WAITING_MAX + 1]);
  }),
);

testOverlay(
  "a certificate that was not found is not fetched again for a while; the same hash under another Node-ID is another fetch",
  Effect.gen(function* () {
    const { member, stored, fetched, receive, rest } = yield* world;
    const far = yield* member(7n);
    const bare = yield* signed(far.security, ping);
    // Where other certificates are stored than the one wanted, it was not found either.
    stored.set(7n, [(yield* member(7n)).certificate]);
    for (const via of [7n, 7n, 8n]) {
      receive(forwarded(bare, via));
      rest();
    }
    assert.deepEqual(fetched, [7n, 8n]);
    rest(ABSENT_MS);
    receive(forwarded(bare, 7n));
    assert.deepEqual(fetched, [7n, 8n, 7n]);
  }),
);

testOverlay(
  "hundreds of unknown signers, seen by many neighbours, start no more fetches than the limit",
  Effect.gen(function* () {
    const { member, fetched, node, receive } = yield* world;
    const { security } = yield* member(7n);
    const bare = yield* signed(security, ping);
    for (let i = 0; i < 10; i++) {
      node.link(-10 - i, (yield* member(BigInt(200 + i))).credentials);
      for (let j = 0; j < 8; j++) receive(forwarded(bare, BigInt(100 + 8 * i + j)), -10 - i);
    }
    assert.equal(fetched.length, FETCHES_MAX);
  }),
);
