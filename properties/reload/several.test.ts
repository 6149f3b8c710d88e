/** One certificate, several Node-IDs: its nodes link, join, store and answer like any others, each under its own. RFC 6940 §6.1.2. */

import * as assert from "node:assert/strict";
import { Clock, Effect } from "effect";
import { claimsOf, JoinFailed, publishNumber } from "../../actors/reload/mod.ts";
import {
  FramedMessage,
  nodeIdFrom,
  type Packet,
  Packet as PacketWire,
  type Request,
  toNode,
} from "../../codecs/reload/mod.ts";
import { e164, vserviceId } from "../../codecs/shared/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import { IDENTIFY_MS, UNIDENTIFIED_MESSAGES_MAX } from "../../machines/node/mod.ts";
import { type Member, type Overlay, overlayOf, testOverlay } from "./ring-of-nodes.ts";
import { makeMessageSecurity } from "./security-host.ts";
import { answerTo, attach, dialled, framed, ping, readToEnd } from "./stranger.ts";

const IDS = [nodeIdFrom(3n << 120n), nodeIdFrom(0x83n << 120n), nodeIdFrom(0xc3n << 120n)] as const;
const quick = { limits: { leaveMs: 0 } };

testOverlay(
  "RFC 6940 §6.1.2: three nodes of one certificate join one ring, among others, and through one of themselves",
  Effect.gen(function* () {
    const ring = yield* overlayOf(31, {}, quick);
    for (let i = 0; i < 2; i++) yield* ring.join();
    const credentials = yield* ring.issue(IDS);
    const [one, two] = [
      yield* ring.join({ credentials, nodeId: IDS[0] }),
      yield* ring.join({ credentials, nodeId: IDS[1] }),
    ];
    // Before its Ping is answered it cannot know which node it has dialled: the certificate there is its own.
    const overlay = { ...ring.configuration, bootstrapNodes: [{ host: one.host, port: one.port }] };
    const three = yield* ring.join({ credentials, nodeId: IDS[2], overlay });
    yield* ring.join({ overlay }); // somebody else's node, by way of one of them
    yield* Effect.sleep(20_000);
    yield* isRing(ring);
    for (const [i, member] of [one, two, three].entries()) {
      assert.equal(member.nodeId, IDS[i]);
      yield* publishNumber(member, e164(`+1408555000${i}`), vserviceId(BigInt(i)), 3_600);
    }
    for (const asker of ring.members)
      for (const [i, { nodeId }] of [one, two, three].entries()) {
        const found = yield* claimsOf(asker, e164(`+1408555000${i}`));
        assert.deepEqual(
          found.map((claim) => claim.nodeId),
          [nodeId],
        );
        if (asker.nodeId !== nodeId) assert.equal((yield* asker.ping(nodeId)).nodeId, nodeId);
      }
    // One of them dies and comes again, at another port.
    yield* two.end;
    ring.members.splice(ring.members.indexOf(two), 1);
    yield* Effect.sleep(20_000);
    yield* isRing(ring);
    yield* ring.join({ credentials, nodeId: IDS[1] });
    yield* Effect.sleep(20_000);
    yield* isRing(ring);
  }),
);

/** Every node follows the one before it. */
const isRing = Effect.fnUntraced(function* ({ members, ids }: Overlay) {
  const order = ids();
  for (const { nodeId, status } of members) {
    const next = order[(order.indexOf(nodeId) + 1) % order.length];
    assert.equal((yield* status).successors[0], next);
  }
});

testOverlay(
  "a node of a certificate with several Node-IDs has to say which it is, and be one of them",
  Effect.gen(function* () {
    const ring = yield* overlayOf(32, {}, quick);
    const credentials = yield* ring.issue(IDS);
    for (const nodeId of [undefined, nodeIdFrom(5n)]) {
      const failed = yield* Effect.flip(ring.join({ credentials, ...(nodeId === undefined ? {} : { nodeId }) }));
      assert.ok(failed instanceof JoinFailed && failed.reason === "certificate");
    }
  }),
);

const find: Request = {
  type: "findReq",
  value: { resource: new Uint8Array(16), kinds: [] },
};

/** An overlay with one node, and a client of it whose certificate names three nodes. */
const door = Effect.fnUntraced(function* (seed: number) {
  const ring = yield* overlayOf(seed, {}, quick);
  const [node] = ring.members as [Member];
  const credentials = yield* ring.issue(IDS);
  const configuration = { now: () => ring.configuration, roots: () => credentials.roots };
  let transactionId = 100n;
  const sign = Effect.fnUntraced(function* (as: bigint, body: Request) {
    const security = yield* makeMessageSecurity(credentials, configuration, nodeIdFrom(as));
    return yield* security.sign({ transactionId: transactionId++, destinations: [toNode(node.nodeId)], body });
  });
  return { ring, node, credentials, sign };
});

testOverlay(
  "RFC 6940 §6.1.2: before an Attach a link of several Node-IDs brings Pings; all else is Error_Forbidden, and so is another of its names",
  Effect.gen(function* () {
    const { node, credentials, sign } = yield* door(33);
    const stream = yield* dialled(node, credentials);
    assert.deepEqual((yield* node.status).linked, []);
    // The first request that was not forwarded identifies the node.
    assert.equal(yield* answerTo(stream, yield* sign(IDS[0], find)), "forbidden");
    assert.deepEqual((yield* node.status).linked, [IDS[0]]);
    assert.equal(yield* answerTo(stream, yield* sign(IDS[0], ping)), "pingAns");
    assert.equal(yield* answerTo(stream, yield* sign(IDS[0], find)), "forbidden");
    assert.equal(yield* answerTo(stream, yield* sign(IDS[0], attach)), "attachAns");
    assert.equal(yield* answerTo(stream, yield* sign(IDS[0], find)), "findAns");
    for (const body of [ping, find, attach])
      assert.equal(yield* answerTo(stream, yield* sign(IDS[1], body)), "forbidden");
    // The other node's own link, beside it.
    const beside = yield* dialled(node, credentials);
    assert.equal(yield* answerTo(beside, yield* sign(IDS[1], attach)), "attachAns");
    assert.equal(yield* answerTo(beside, yield* sign(IDS[1], find)), "findAns");
    assert.deepEqual((yield* node.status).linked, [IDS[0], IDS[1]]);
  }),
);

testOverlay(
  "a certificate with one Node-ID needs no Attach",
  Effect.gen(function* () {
    const { ring, node } = yield* door(34);
    const credentials = yield* ring.issue(IDS[0]);
    const security = yield* makeMessageSecurity(credentials, {
      now: () => ring.configuration,
      roots: () => credentials.roots,
    });
    const stream = yield* dialled(node, credentials);
    const packet = yield* security.sign({ transactionId: 1n, destinations: [toNode(node.nodeId)], body: find });
    assert.equal(yield* answerTo(stream, packet), "findAns");
  }),
);

testOverlay(
  "the other end is asked to identify itself, which only an answer to that Ping does; after ten seconds its link is closed",
  Effect.gen(function* () {
    const { node, credentials, sign } = yield* door(35);
    const question = (packets: ReadonlyArray<FramedMessage>): Packet => {
      for (const { type, frame } of packets) {
        const read = type === "data" ? decode(PacketWire, frame.message) : undefined;
        if (read?.ok) return read.value;
      }
      return assert.fail("no question");
    };
    const answering = Effect.fnUntraced(function* (transactionId: bigint, as: bigint) {
      const configuration = { now: () => node.configuration.now(), roots: () => credentials.roots };
      const security = yield* makeMessageSecurity(credentials, configuration, nodeIdFrom(as));
      const body = { type: "pingAns", value: { responseId: 1n, time: 1n } } as const;
      return yield* security.sign({ transactionId, destinations: [toNode(node.nodeId)], body });
    });
    const chunk = Effect.fnUntraced(function* (stream: Effect.Success<ReturnType<typeof dialled>>) {
      const read = decode(FramedMessage, yield* stream.read);
      return read.ok ? [read.value] : assert.fail("no frame");
    });
    const stream = yield* dialled(node, credentials);
    const asked = question(yield* chunk(stream));
    // Answers have no Via List: one to another request proves nothing about this link.
    yield* stream.write(framed(yield* answering(asked.transactionId + 1n, IDS[1])));
    // Nor does a request that was forwarded.
    yield* stream.write(framed({ ...(yield* sign(IDS[1], ping)), viaList: [toNode(IDS[1])] }));
    yield* Effect.sleep(100);
    assert.deepEqual((yield* node.status).linked, []);
    yield* stream.write(framed(yield* answering(asked.transactionId, IDS[2])));
    yield* Effect.sleep(100);
    assert.deepEqual((yield* node.status).linked, [IDS[2]]);
    assert.deepEqual([node.counters.delivered, node.counters.dropped], [2, 1]); // what had waited, in its order: an answer nobody asked for, a Ping

    const silent = yield* dialled(node, credentials);
    const startMs = yield* Clock.currentTimeMillis;
    yield* readToEnd(silent);
    assert.equal((yield* Clock.currentTimeMillis) - startMs, IDENTIFY_MS);
  }),
);

testOverlay(
  "a node that sends much without identifying itself is cut off, and so is the tenth unidentified stream",
  Effect.gen(function* () {
    const { node, credentials, sign } = yield* door(36);
    const stream = yield* dialled(node, credentials);
    const passed = { ...(yield* sign(IDS[1], ping)), viaList: [toNode(IDS[1])] };
    for (let i = 0; i <= UNIDENTIFIED_MESSAGES_MAX; i++) yield* stream.write(encode(FramedMessage, dataOf(passed, i)));
    yield* readToEnd(stream);
    const streams = yield* Effect.forEach(Array.from({ length: 9 }), () => dialled(node, credentials));
    const tenth = yield* dialled(node, credentials);
    assert.deepEqual(yield* readToEnd(tenth), []);
    assert.equal(yield* answerTo(streams[8]!, yield* sign(IDS[0], ping)), "pingAns");
    // Ours to others is untouched.
    assert.deepEqual((yield* node.status).linked, [IDS[0]]);
  }),
);
const dataOf = (packet: Packet, sequence: number): FramedMessage => ({
  type: "data",
  frame: { sequence, message: encode(PacketWire, packet) },
});
