/** A node against the world: garbage, strangers, forgeries, wrong overlays, and its own rates. In memory, on virtual time. */

import * as assert from "node:assert/strict";
import { Clock, Effect } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import {
  JoinFailed,
  OverlayRefused,
  OverlayUnreachable,
  publishNumber,
  startNode,
  withdrawNumber,
} from "../../actors/reload/mod.ts";
import type { viprOverlay } from "../../codecs/overlay/mod.ts";
import {
  FramedMessage,
  MessageContents,
  messageSignatureInput,
  nodeIdFrom,
  type Packet,
  Payload,
  type Request,
  toNode,
} from "../../codecs/reload/mod.ts";
import { bytesOfHex, e164, utf8, vserviceId } from "../../codecs/shared/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import { type Member, overlayOf, testOverlay } from "./ring-of-nodes.ts";
import { answerTo, dialled, framed, outsider, readToEnd } from "./stranger.ts";

testOverlay(
  "garbage, and a frame over the limit, close their own connection and nothing else",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(1);
    yield* overlay.join();
    const [node, other] = overlay.members as [Member, Member];
    const { credentials } = yield* outsider(overlay);
    const tooLong = bytesOfHex("8000000000ffffff"); // data, number 0, 16 MiB to come
    for (const bytes of [utf8("GET / HTTP/1.1\r\n\r\n"), tooLong, framedGarbage()]) {
      const stream = yield* dialled(node, credentials);
      yield* stream.write(bytes);
      yield* readToEnd(stream);
    }
    assert.equal(node.counters.garbage, 1);
    yield* publishNumber(other, e164("+14085550001"), vserviceId(1n), 60);
    assert.equal((yield* node.ping(other.nodeId)).nodeId, other.nodeId);
  }),
);
const framedGarbage = () =>
  encode(FramedMessage, { type: "data", frame: { sequence: 0, message: utf8("RELO, but not quite") } });

// RFC 6940 §6.1.1, §6.3.4
testOverlay(
  "a forged message is not answered, and its link is closed",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(2);
    const [node] = overlay.members as [Member];
    const { credentials, sign } = yield* outsider(overlay);
    const honest = yield* sign(node);
    const stream = yield* dialled(node, credentials);
    assert.equal(yield* answerTo(stream, honest), "pingAns");
    // The same signature over another transaction.
    yield* stream.write(framed({ ...honest, transactionId: 6n }));
    yield* readToEnd(stream);
    assert.equal(node.counters.badSignatures, 1);
  }),
);

// RFC 6940 §6.1, §6.3.2.1, §6.3.2.3, §6.3.3.1
testOverlay(
  "RFC 6940 §14.9: what is wrong with a request has a name",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(3);
    const [node] = overlay.members as [Member];
    const { credentials, sign } = yield* outsider(overlay);
    const good = yield* sign(node);
    const says = Effect.fnUntraced(function* (packet: Packet) {
      return yield* Effect.scoped(Effect.flatMap(dialled(node, credentials), (stream) => answerTo(stream, packet)));
    });
    assert.equal(yield* says(good), "pingAns");
    assert.equal(yield* says({ ...good, version: 1 }), "incompatibleWithOverlay");
    assert.equal(yield* says({ ...good, overlay: 1 }), "incompatibleWithOverlay");
    assert.equal(yield* says({ ...good, ttl: 101 }), "ttlExceeded");
    assert.equal(yield* says({ ...good, configurationSequence: 0 }), "configTooOld");
    assert.equal(yield* says({ ...good, configurationSequence: 2 }), "configTooNew");
    const option = { type: 77, flags: 2, option: new Uint8Array() };
    assert.equal(yield* says({ ...good, options: [option] }), "unsupportedForwardingOption");
    assert.equal(yield* says({ ...good, maxResponseLength: 200 }), "responseTooLarge");
    assert.equal(yield* says({ ...good, destinationList: [toNode(node.nodeId), toNode(nodeIdFrom(3n))] }), "silence");
    assert.equal(yield* says({ ...good, fragment: 0x80000000 }), "silence");
    const join: Request = { type: "joinReq", value: { joiningPeer: nodeIdFrom(1n), overlayData: new Uint8Array() } };
    assert.equal(yield* says(yield* sign(node, join)), "forbidden");
    const config: Request = { type: "configUpdateReq", value: { type: "config", data: new Uint8Array() } };
    assert.equal(yield* says(yield* sign(node, config)), "forbidden");
  }),
);

// RFC 6940 §6.3.3
testOverlay(
  "a body that does not match its code, and an unknown code, are invalid messages",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(4);
    const [node] = overlay.members as [Member];
    const keys = yield* Keys;
    const { credentials, sign } = yield* outsider(overlay);
    const good = yield* sign(node);
    const read = decode(Payload, good.payload);
    assert.ok(read.ok);
    const resigned = Effect.fnUntraced(function* (code: number, body: Uint8Array, critical = false) {
      const extensions = critical ? [{ type: 1, critical, contents: new Uint8Array() }] : [];
      const contents = { code, body, extensions };
      const { signature } = read.value.security;
      const input = messageSignatureInput(
        good.overlay,
        good.transactionId,
        encode(MessageContents, contents),
        signature.identity,
      );
      const value = yield* keys.sign(credentials.key, input);
      const payload = { contents, security: { ...read.value.security, signature: { ...signature, value } } };
      const packet = { ...good, payload: encode(Payload, payload) };
      return yield* Effect.scoped(Effect.flatMap(dialled(node, credentials), (stream) => answerTo(stream, packet)));
    });
    assert.equal(yield* resigned(0x17, Uint8Array.of(1)), "invalidMessage");
    assert.equal(yield* resigned(0x23, new Uint8Array()), "invalidMessage");
    assert.equal(yield* resigned(0x17, Uint8Array.of(0, 0), true), "unknownExtension");
    assert.equal(yield* resigned(0x17, Uint8Array.of(0, 0)), "pingAns");
  }),
);

// RFC 6940 §11.1
testOverlay(
  "a certificate of another overlay, or of a bad node, opens no link",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(5, { badNodes: [nodeIdFrom(0xbadn)] });
    const [node] = overlay.members as [Member];
    for (const credentials of [yield* overlay.issue(7n, "other.example"), yield* overlay.issue(0xbadn)]) {
      const stream = yield* dialled(node, credentials);
      assert.deepEqual(yield* readToEnd(stream), []);
    }
    assert.deepEqual((yield* node.status).linked, []);
    const failed = yield* Effect.flip(overlay.join({ credentials: yield* overlay.issue(9n, "other.example") }));
    assert.ok(failed instanceof JoinFailed);
  }),
);

// RFC 6940 §6.4.2.1
testOverlay(
  "a node that finds no other node, or another configuration, fails to join with the reason",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(6);
    const [node] = overlay.members as [Member];
    const start = (given: Partial<Parameters<typeof viprOverlay>[0]>) =>
      Effect.gen(function* () {
        const credentials = yield* overlay.issue(11n);
        const configuration = { ...overlay.configuration, ...given };
        return yield* Effect.flip(
          Effect.scoped(
            startNode({
              credentials,
              overlay: configuration,
              listen: { host: "127.0.0.1", port: 0 },
              limits: { joinMs: 20_000 },
            }),
          ),
        );
      });
    const nobody = yield* start({ bootstrapNodes: [{ host: "127.0.0.1", port: 9 }] });
    assert.ok(nobody instanceof JoinFailed);
    const stale = yield* start({ bootstrapNodes: [{ host: node.host, port: node.port }], sequence: 2 });
    assert.ok(stale instanceof JoinFailed);
  }),
);

testOverlay(
  "a node asks at its overlay's pace, whatever its clients want",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(7, { storesPerSecond: 10, fetchesPerSecond: 10 });
    const [node] = overlay.members as [Member];
    const before = yield* Clock.currentTimeMillis;
    yield* Effect.forEach(
      Array.from({ length: 50 }, (_, i) => e164(`+1408555${1_000 + i}`)),
      (number) => publishNumber(node, number, vserviceId(1n), 60),
      { concurrency: 8, discard: true },
    );
    const took = (yield* Clock.currentTimeMillis) - before;
    assert.ok(took >= 2_900 && took <= 4_000, `${took} ms for 50 stores at 10 a second after a burst of 20`);
  }),
);

// RFC 6940 §6.5.2.2
testOverlay(
  "an application is found at its node; an absent application and an absent node give different errors",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(8);
    yield* overlay.join({ applications: { 61526: { host: "192.0.2.7", port: 5_621 } } });
    yield* overlay.join();
    const [a, b] = overlay.members as [Member, Member];
    assert.deepEqual(yield* a.appAttach(b.nodeId, 0xf056), { host: "192.0.2.7", port: 5_621 });
    const absent = yield* Effect.flip(a.appAttach(b.nodeId, 0xf057));
    assert.ok(absent instanceof OverlayRefused && absent.code === "notFound");
    const nobody = yield* Effect.flip(a.appAttach(nodeIdFrom(b.nodeId + 1n), 0xf056));
    assert.ok(nobody instanceof OverlayUnreachable && nobody.reason === "timedOut");
  }),
);

// RFC 6940 §10.7.1
testOverlay(
  "a lone survivor keeps its values, and takes its place again when the first node is back",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(9, {}, { limits: { leaveMs: 0 } });
    const [first] = overlay.members as [Member];
    const credentials = yield* overlay.issue(first.nodeId);
    const second = yield* overlay.join();
    yield* publishNumber(second, e164("+14085550001"), vserviceId(1n), 3_600);
    yield* Effect.sleep(100);
    yield* first.end;
    yield* Effect.sleep(1_000);
    assert.deepEqual((yield* second.status).successors, []);
    assert.equal((yield* second.status).stored, 1);
    // The bootstrap node comes back where it was, not knowing that an overlay lives without it.
    const listen = { host: first.host, port: first.port };
    const again = yield* startNode({
      credentials,
      overlay: overlay.configuration,
      listen,
      publishesCertificate: false,
    });
    yield* Effect.sleep(200_000);
    assert.deepEqual((yield* again.status).successors, [second.nodeId]);
    assert.deepEqual((yield* second.status).successors, [again.nodeId]);
    assert.equal((yield* again.status).stored, 1);
  }),
);

testOverlay(
  "a node's status: its part of the ring, what it stores for others, and its own entries in the overlay",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(10, { quota: 500 });
    yield* overlay.join();
    const [a, b] = overlay.members as [Member, Member];
    yield* Effect.sleep(100);
    for (let i = 0; i < 5; i++) yield* publishNumber(a, e164(`+1408555000${i}`), vserviceId(1n), 100 + i * 100);
    yield* publishNumber(a, e164("+14085550000"), vserviceId(1n), 100); // the same entry again
    yield* withdrawNumber(a, e164("+14085550001"), vserviceId(1n));
    const [one, two] = [yield* a.status, yield* b.status];
    assert.deepEqual([one.state, one.quota, one.quotaUsed, two.quotaUsed], ["settled", 500, 4, 0]);
    assert.ok(Math.abs(one.share + two.share - 1) < 1e-9);
    assert.deepEqual([one.linked, one.successors], [[b.nodeId], [b.nodeId]]);
    yield* Effect.sleep(150_000);
    assert.equal((yield* a.status).quotaUsed, 3);
  }),
);
