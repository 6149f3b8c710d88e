/**
 * Bad input at a node of a running overlay: each kind ends in the error that RFC 6940 §14.9 names, or in silence where it
 * says so; and what this node does in fragments, without certificates, and again. In memory, on virtual time.
 */

import * as assert from "node:assert/strict";
import { Effect } from "effect";
import { claimsOf, publishNumber } from "../../actors/reload/mod.ts";
import {
  codeOf,
  encodeBody,
  FramedMessage,
  kindId,
  MessageContents,
  messageCode,
  nodeIdFrom,
  Packet,
  type Request,
  resourceOfNumber,
  toNode,
  toResource,
} from "../../codecs/reload/mod.ts";
import { e164, vserviceId } from "../../codecs/shared/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import { fragmentsOf } from "../../machines/reload/mod.ts";
import { type Member, overlayOf, testOverlay } from "./ring-of-nodes.ts";
import { answerTo, attach, dialled, framed, nextAnswer, OUTSIDER, outsider, readToEnd } from "./stranger.ts";

const many = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, i) => e164(`+1408555${1_000 + i}`));

for (const limits of [
  { fragmentBytes: 900 },
  { carry: "strangers" as const },
  { fragmentBytes: 700, carry: "strangers" as const },
])
  testOverlay(
    `an overlay joins, stores and finds with ${JSON.stringify(limits)} as without`,
    Effect.gen(function* () {
      const overlay = yield* overlayOf(1, {}, { limits });
      for (let i = 1; i < 5; i++) yield* overlay.join();
      yield* Effect.sleep(1_000);
      const members = overlay.members;
      for (const [i, number] of many(12).entries())
        yield* publishNumber(members[i % 5]!, e164(number), vserviceId(BigInt(i)), 3_600);
      for (const [i, number] of many(12).entries())
        assert.equal((yield* claimsOf(members[(i + 2) % 5]!, e164(number))).length, 1);
      yield* members[2]!.leave;
      yield* Effect.sleep(100_000);
      for (const [i, number] of many(12).entries())
        assert.equal((yield* claimsOf(members[i % 2]!, e164(number))).length, 1);
      for (const { counters } of members) assert.deepEqual([counters.badSignatures, counters.garbage], [0, 0]);
    }),
  );

testOverlay(
  'RFC 6940 §6.3.2: the TTL is "decremented by one at every hop along the route", the first one too, whatever is sent',
  Effect.gen(function* () {
    const overlay = yield* overlayOf(2);
    const [node] = overlay.members as [Member];
    const { credentials, sign } = yield* outsider(overlay);
    const several = yield* overlay.issue([OUTSIDER + 1n, OUTSIDER + 2n]);
    for (const [tls, code] of [
      [credentials, messageCode.updateReq], // over its link, without routing
      [credentials, messageCode.pingAns],
      [several, messageCode.pingReq], // asks who is there
    ] as const) {
      const stream = yield* dialled(node, tls);
      yield* stream.write(framed(yield* sign(node)));
      yield* Effect.sleep(100);
      yield* stream.write(Uint8Array.of(0xff)); // the end of it
      const packets = (yield* readToEnd(stream)).flatMap(({ type, frame }) => {
        const packet = type === "data" ? decode(Packet, frame.message) : undefined;
        return packet?.ok && codeOf(packet.value.payload) === code ? [packet.value] : [];
      });
      assert.ok(packets.length > 0, `no ${code}`);
      for (const { ttl } of packets) assert.equal(ttl, overlay.configuration.initialTtl - 1);
    }
  }),
);

testOverlay(
  "RFC 6940 §6.7: a request in fragments is answered, whichever node cut it; half of one is not",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(2);
    const [node] = overlay.members as [Member];
    const { credentials, sign } = yield* outsider(overlay);
    const long = yield* sign(node, { type: "pingReq", value: { padding: new Uint8Array(3_000) } });
    const pieces = fragmentsOf(long, 1_000);
    assert.ok(pieces.length > 3);
    const stream = yield* dialled(node, credentials);
    for (const piece of pieces.slice(1).toReversed()) yield* stream.write(framed(piece));
    assert.equal(yield* answerTo(stream, pieces[0]!), "pingAns");
    const others = yield* dialled(node, credentials);
    assert.equal(yield* answerTo(others, { ...pieces[0]!, transactionId: 6n }), "silence");
    // A later fragment does not show whether it is of a request: if it cannot be forwarded, no error is sent.
    const lost = {
      ...pieces[1]!,
      destinationList: [toNode(node.nodeId), toNode(nodeIdFrom(3n)), toNode(nodeIdFrom(3n))],
    };
    assert.equal(yield* answerTo(others, lost), "silence");
    const whole = { ...long, destinationList: lost.destinationList };
    assert.equal(yield* answerTo(others, whole), "invalidMessage");
  }),
);

testOverlay(
  "RFC 6940 §6.6: a message over the limit is refused before it has arrived whole, and its link closes",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(3, { maxMessageSize: 5_000 });
    const [node] = overlay.members as [Member];
    const { credentials, sign } = yield* outsider(overlay);
    const long = yield* sign(node, { type: "pingReq", value: { padding: new Uint8Array(9_000) } });
    const whole = framed(long);
    // All at once; and a byte at a time: frame, header and code are 66 bytes, and no more is waited for.
    for (const chunks of [[whole], Array.from(whole.slice(0, 66), (byte) => Uint8Array.of(byte))]) {
      const stream = yield* dialled(node, credentials);
      for (const chunk of chunks) yield* stream.write(chunk);
      assert.equal(yield* nextAnswer(stream), "messageTooLarge");
      yield* readToEnd(stream);
    }
    // An answer over the limit gets no error, nor does a header that is longer than is looked at.
    const contents = encodeBody({ type: "pingAns", value: { responseId: 1n, time: 1n } });
    const answer = { ...long, payload: encode(MessageContents, { ...contents, body: new Uint8Array(9_000) }) };
    const viaList = Array.from({ length: 500 }, (_, i) => toNode(nodeIdFrom(BigInt(i))));
    for (const packet of [answer, { ...long, viaList }]) {
      const stream = yield* dialled(node, credentials);
      yield* stream.write(framed(packet));
      assert.equal((yield* readToEnd(stream)).filter(isError).length, 0);
    }
    yield* Effect.sleep(100);
    assert.equal((yield* node.status).linked.length, 0);
  }),
);
const isError = ({ type, frame }: FramedMessage): boolean => {
  const read = type === "data" ? decode(Packet, frame.message) : undefined;
  return read?.ok === true && codeOf(read.value.payload) === messageCode.error;
};

testOverlay(
  "RFC 6940 §6.6: a message that grows over the limit on its way is refused by the node that cannot forward it",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(4, { maxMessageSize: 5_000 });
    yield* overlay.join();
    const [node, other] = overlay.members as [Member, Member];
    const { credentials, sign } = yield* outsider(overlay);
    const empty = encode(Packet, yield* sign(other, { type: "pingReq", value: { padding: new Uint8Array() } })).length;
    const full = (size: number) => sign(other, { type: "pingReq", value: { padding: new Uint8Array(size - empty) } });
    assert.equal(yield* answerTo(yield* dialled(node, credentials), yield* full(4_900)), "pingAns");
    assert.equal(yield* answerTo(yield* dialled(node, credentials), yield* full(4_998)), "messageTooLarge");
    // Our own that no link would take fails at once, and not after fifteen seconds.
    const wide = yield* Effect.flip(
      node.store({
        resourceId: 1n,
        kind: kindId.viprRegistration,
        key: new Uint8Array(24),
        value: new Uint8Array(6_000),
        exists: true,
        lifetimeS: 60,
      }),
    );
    assert.ok("why" in wide && /over 5000 bytes/.test(wide.why), JSON.stringify(wide));
  }),
);

testOverlay(
  "RFC 6940 §6.2.1: a Store that comes again is answered again and stored once; a Fetch is simply served",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(5);
    const [node] = overlay.members as [Member];
    const { credentials, sign } = yield* outsider(overlay);
    const appAttach: Request = {
      type: "appAttachReq",
      value: { ufrag: new Uint8Array(), password: new Uint8Array(), application: 9, role: "active", candidates: [] },
    };
    const asked = yield* sign(node, appAttach);
    assert.equal(yield* answerTo(yield* dialled(node, credentials), asked), "notFound");
    assert.equal(yield* answerTo(yield* dialled(node, credentials), asked), "notFound");
    assert.equal(node.counters.repeated, 1);
    yield* Effect.sleep(15_000);
    assert.equal(yield* answerTo(yield* dialled(node, credentials), asked), "silence");
    assert.equal(node.counters.repeated, 2);
    const ping = yield* sign(node);
    for (let i = 0; i < 2; i++) assert.equal(yield* answerTo(yield* dialled(node, credentials), ping), "pingAns");
    assert.equal(node.counters.repeated, 2);
  }),
);

testOverlay(
  "a message recorded by a third node and brought again is not served twice, and its link stays",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(6);
    const [node] = overlay.members as [Member];
    const victim = yield* outsider(overlay, 0x111n);
    const thief = yield* outsider(overlay, 0x222n);
    const recorded = yield* victim.sign(node, attach);
    assert.equal(yield* answerTo(yield* dialled(node, victim.credentials), recorded), "attachAns");
    yield* Effect.sleep(20_000);
    const stream = yield* dialled(node, thief.credentials);
    assert.equal(yield* answerTo(stream, recorded), "silence");
    assert.equal(yield* answerTo(stream, yield* thief.sign(node)), "pingAns");
  }),
);

testOverlay(
  "RFC 6940 §6.2, §6.3.4: an answer without a request, an answer in another's name, an error for an error: nothing is sent",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(7);
    yield* overlay.join();
    const [node, other] = overlay.members as [Member, Member];
    const { credentials, security } = yield* outsider(overlay);
    const signed = (body: Parameters<typeof security.sign>[0]["body"], to: bigint) =>
      security.sign({ transactionId: 5n, destinations: [toNode(nodeIdFrom(to))], body });
    const stream = yield* dialled(node, credentials);
    const before = { ...node.counters };
    const unasked = yield* signed({ type: "pingAns", value: { responseId: 1n, time: 1n } }, node.nodeId);
    assert.equal(yield* answerTo(stream, unasked), "silence");
    const lost = yield* signed({ type: "error", value: { code: 3, info: new Uint8Array() } }, other.nodeId);
    assert.equal(yield* answerTo(stream, { ...lost, ttl: 0 }), "silence");
    assert.equal(yield* answerTo(stream, { ...lost, version: 9 }), "silence");
    assert.equal(node.counters.dropped, before.dropped + 3);
    const resource = toResource(resourceOfNumber(e164("+14085551000")));
    const looping = { ...(yield* signed({ type: "pingReq", value: { padding: new Uint8Array() } }, node.nodeId)) };
    const twice = { ...looping, destinationList: [toNode(other.nodeId), toNode(node.nodeId), toNode(other.nodeId)] };
    assert.equal(yield* answerTo(stream, twice), "invalidMessage");
    assert.equal(
      yield* answerTo(stream, { ...looping, destinationList: [resource, toNode(nodeIdFrom(1n))] }),
      "silence",
    );
    assert.equal(yield* answerTo(stream, { ...looping, destinationList: [{ compactId: 0x8001 }] }), "silence");
    assert.equal(
      yield* answerTo(stream, { ...looping, destinationList: [toNode(other.nodeId)], ttl: 0 }),
      "ttlExceeded",
    );
    const critical = [{ type: 77, flags: 1, option: new Uint8Array() }];
    const onward = { ...looping, destinationList: [toNode(other.nodeId)], options: critical };
    assert.equal(yield* answerTo(stream, onward), "unsupportedForwardingOption");
    // The end of a truncated one is unknown: the link closes, the node stays.
    const whole = encode(Packet, looping);
    yield* stream.write(encode(FramedMessage, { type: "data", frame: { sequence: 1, message: whole.slice(0, 60) } }));
    yield* readToEnd(stream);
    assert.equal(node.counters.garbage, before.garbage + 1);
    assert.equal((yield* node.ping(other.nodeId)).nodeId, other.nodeId);
  }),
);
