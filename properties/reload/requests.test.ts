/** Requests of a node's own: what of them carries its certificate, how often they are sent, and when they are not sent at all. */

import * as assert from "node:assert/strict";
import { Clock, Effect } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { nodeIdFrom, type Request, toNode } from "../../codecs/reload/mod.ts";
import { type NodeReport, REQUESTS_MAX } from "../../machines/node/mod.ts";
import { carried, PlainNode } from "./plain-node.ts";
import { overlayOf, testOverlay } from "./ring-of-nodes.ts";
import { makeMessageSecurity } from "./security-host.ts";
import { ping } from "./stranger.ts";

const RETRANSMIT_MS = 3_000;
const OTHER = nodeIdFrom(9n);

/** A node with one neighbour, which answers nothing; its certificate is left out where that is allowed. */
const asker = Effect.gen(function* () {
  const { configuration, issue } = yield* overlayOf(51, {}, { limits: { leaveMs: 0 } });
  const credentials = yield* issue(7n);
  const security = yield* makeMessageSecurity(credentials, {
    now: () => configuration,
    roots: () => credentials.roots,
  });
  const nowMs = yield* Clock.currentTimeMillis;
  const self = nodeIdFrom(7n);
  const node = new PlainNode(yield* Keys, {
    self,
    credentials,
    overlay: configuration,
    nowMs,
    limits: { carry: "strangers" },
  });
  node.link(-1, yield* issue(9n));
  const ask = (ref: number, body: Request = ping) =>
    node.tell({ type: "requested", request: { ref, destinations: [toNode(OTHER)], body } });
  const outcomeOf = (ref: number) =>
    node.reports.find(
      (report): report is NodeReport & { type: "ended" } => report.type === "ended" && report.ref === ref,
    )?.outcome;
  return { node, ask, outcomeOf, security, nowMs };
});

testOverlay(
  "RFC 6940 §6.2.1: a request without an answer is sent again, and then carries the certificate that it first left out",
  Effect.gen(function* () {
    const { node, ask, outcomeOf, security, nowMs } = yield* asker;
    ask(1);
    node.advance(5 * RETRANSMIT_MS - 1);
    assert.equal(outcomeOf(1), undefined);
    node.advance(1);
    assert.equal(outcomeOf(1)?.type, "timedOut");
    assert.deepEqual(
      node.sent.map(({ atMs }) => atMs - nowMs),
      [0, 1, 2, 3, 4].map((times) => times * RETRANSMIT_MS),
    );
    assert.deepEqual(
      node.sent.map(({ packet }) => carried(packet)),
      [0, 1, 1, 1, 1],
    );
    assert.equal(new Set(node.sent.map(({ packet }) => packet.transactionId)).size, 1);
    for (const { packet } of node.sent) assert.ok("signer" in (yield* security.verify(packet)));
  }),
);

testOverlay(
  "RFC 6940 §6.3.2: transaction ids are 64 random bits, drawn anew for each request",
  Effect.gen(function* () {
    const { node, ask } = yield* asker;
    for (let ref = 1; ref <= 128; ref++) ask(ref);
    const ids = node.sent.map(({ packet }) => packet.transactionId);
    assert.equal(new Set(ids).size, 128);
    // Each of the 64 bits is drawn: all of 128 fair bits are alike once in 2^127 times.
    for (let bit = 0n; bit < 64n; bit++) assert.equal(new Set(ids.map((id) => (id >> bit) & 1n)).size, 2, `bit ${bit}`);
    for (const { packet } of node.sent) assert.equal(packet.maxResponseLength, 0);
  }),
);

testOverlay(
  "a request over the overlay's limit, and one beyond those under way, end at once",
  Effect.gen(function* () {
    const { node, ask, outcomeOf } = yield* asker;
    const huge: Request = {
      type: "storeReq",
      value: {
        resource: new Uint8Array(16),
        replica: 0,
        kinds: [{ kind: 0x1234, generation: 0n, values: new Uint8Array(200_000) }],
      },
    };
    ask(0, huge);
    assert.equal(outcomeOf(0)?.type, "lost");
    assert.equal(node.sent.length, 0);
    for (let i = 1; i <= REQUESTS_MAX; i++) ask(i);
    assert.equal(node.sent.length, REQUESTS_MAX);
    ask(-1);
    assert.deepEqual(outcomeOf(-1), { type: "lost", why: "too many requests" });
    for (let i = 1; i <= REQUESTS_MAX; i++) node.tell({ type: "abandoned", ref: i });
    assert.deepEqual(
      node.running.filter((timer) => timer.startsWith("request")),
      [],
    );
    ask(-2);
    node.advance(5 * RETRANSMIT_MS);
    assert.equal(outcomeOf(-2)?.type, "timedOut"); // who gives up makes room
  }),
);
