/** Requests of a node's own: what of them carries its certificate, how often they are sent, and when they are not sent at all. */

import * as assert from "node:assert/strict";
import { Clock, Effect } from "effect";
import { makeMessageSecurity } from "../../actors/reload/message-security.ts";
import { makeRequests, REQUESTS_MAX } from "../../actors/reload/requests.ts";
import { nodeIdFrom, type Packet, Payload, type Request, toNode } from "../../codecs/reload/mod.ts";
import { decode } from "../../codecs/wire/mod.ts";
import { overlayOf, testOverlay } from "./ring-of-nodes.ts";
import { ping } from "./stranger.ts";

const RETRANSMIT_MS = 3_000;

/** Sends requests that are never answered, without its certificate where that is allowed. */
const asker = Effect.gen(function* () {
  const { configuration, issue } = yield* overlayOf(51, {}, { limits: { leaveMs: 0 } });
  const credentials = yield* issue(7n);
  const security = yield* makeMessageSecurity(credentials, {
    now: () => configuration,
    roots: () => credentials.roots,
  });
  const sent: Array<{ readonly atMs: number; readonly packet: Packet }> = [];
  const startMs = yield* Clock.currentTimeMillis;
  const requests = yield* makeRequests(
    () => RETRANSMIT_MS,
    security,
    () => ({ self: nodeIdFrom(7n), joined: true, predecessors: [], successors: [], fingers: [], linked: [] }),
    () => configuration.maxMessageSize,
    () => true,
    (packet) => Effect.map(Clock.currentTimeMillis, (nowMs) => void sent.push({ atMs: nowMs - startMs, packet })),
  );
  return { requests, sent, security };
});

const carried = (packet: Packet): number => {
  const read = decode(Payload, packet.payload);
  return read.ok ? read.value.security.certificates.length : assert.fail("no payload");
};

testOverlay(
  "RFC 6940 §6.2.1: a request without an answer is sent again, and then carries the certificate that it first left out",
  Effect.gen(function* () {
    const { requests, sent, security } = yield* asker;
    const { outcome } = yield* requests.request([toNode(nodeIdFrom(9n))], ping);
    assert.equal(outcome.type, "timedOut");
    assert.deepEqual(
      sent.map(({ atMs }) => atMs),
      [0, 1, 2, 3, 4].map((times) => times * RETRANSMIT_MS),
    );
    assert.deepEqual(
      sent.map(({ packet }) => carried(packet)),
      [0, 1, 1, 1, 1],
    );
    assert.equal(new Set(sent.map(({ packet }) => packet.transactionId)).size, 1);
    for (const { packet } of sent) assert.ok("signer" in (yield* security.verify(packet)));
  }),
);

testOverlay(
  "what asks for certificates shows its own",
  Effect.gen(function* () {
    const { requests, sent } = yield* asker;
    yield* requests.request([toNode(nodeIdFrom(9n))], ping, { selfContained: true });
    assert.ok(sent.every(({ packet }) => carried(packet) === 1));
    assert.equal(requests.destinationOf(sent[0]!.packet.transactionId), undefined);
  }),
);

testOverlay(
  "a request over the overlay's limit, and one beyond those under way, end at once",
  Effect.gen(function* () {
    const { requests, sent } = yield* asker;
    const huge: Request = {
      type: "storeReq",
      value: {
        resource: new Uint8Array(16),
        replica: 0,
        kinds: [{ kind: 0x1234, generation: 0n, values: new Uint8Array(200_000) }],
      },
    };
    assert.equal((yield* requests.request([toNode(nodeIdFrom(9n))], huge)).outcome.type, "lost");
    assert.equal(sent.length, 0);
    yield* Effect.scoped(
      Effect.gen(function* () {
        for (let i = 0; i < REQUESTS_MAX; i++)
          yield* Effect.forkScoped(requests.request([toNode(nodeIdFrom(9n))], ping));
        yield* Effect.sleep(1);
        assert.equal(sent.length, REQUESTS_MAX);
        assert.deepEqual((yield* requests.request([toNode(nodeIdFrom(9n))], ping)).outcome, {
          type: "lost",
          why: "too many requests",
        });
      }),
    );
    assert.equal((yield* requests.request([toNode(nodeIdFrom(9n))], ping)).outcome.type, "timedOut"); // who gives up makes room
  }),
);
