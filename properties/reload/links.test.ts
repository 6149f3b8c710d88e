/** Whom a node takes for its neighbour, and whose answers it takes: on a plain host, where nothing else ends a link. RFC 6940 §6.1.2, §6.3.4, §6.5.1.11. */
import * as assert from "node:assert/strict";
import { Clock, Effect } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import {
  type Body,
  kindId,
  nodeIdFrom,
  noSignature,
  type Packet,
  type StoredData,
  toNode,
} from "../../codecs/reload/mod.ts";
import { VALUES_MAX } from "../../machines/node/arriving.ts";
import { after, makeDisk, nextBatch, save, undone, written } from "../../machines/node/disk.ts";
import { connect } from "../../machines/node/links.ts";
import { test } from "../kit/harness.ts";
import { PlainNode } from "./plain-node.ts";
import { overlayOf, testOverlay } from "./ring-of-nodes.ts";
import { makeMessageSecurity } from "./security-host.ts";
import { ping } from "./stranger.ts";

const SELF = nodeIdFrom(7n);
const [ONE, TWO] = [nodeIdFrom(9n), nodeIdFrom(10n)];

/** A node, and members that sign what they like. */
const world = Effect.gen(function* () {
  const { configuration, issue } = yield* overlayOf(52, {}, { limits: { leaveMs: 0 } });
  const credentials = yield* issue(7n);
  const node = new PlainNode(yield* Keys, {
    self: SELF,
    credentials,
    overlay: configuration,
    nowMs: yield* Clock.currentTimeMillis,
  });
  const member = Effect.fnUntraced(function* (...ids: ReadonlyArray<bigint>) {
    const own = yield* issue(ids.length === 1 ? ids[0]! : ids.map(nodeIdFrom));
    const given = { now: () => configuration, roots: () => own.roots };
    const security = yield* makeMessageSecurity(own, given, nodeIdFrom(ids[0]!));
    const says = (body: Body, transactionId = 5n) =>
      security.sign({ transactionId, destinations: [toNode(SELF)], body });
    return { credentials: own, says };
  });
  return { node, member };
});
const pong: Body = { type: "pingAns", value: { responseId: 1n, time: 1n } };

testOverlay(
  "a neighbour that forges a message loses its link at once, one that only forwards it does not",
  Effect.gen(function* () {
    const { node, member } = yield* world;
    const one = yield* member(9n);
    const honest = yield* one.says(ping);
    node.link(-1, one.credentials);
    node.receive(-1, honest);
    assert.deepEqual(node.closed, []);
    // The same signature over another transaction.
    const forged: Packet = { ...honest, transactionId: 6n };
    node.receive(-1, { ...forged, viaList: [toNode(TWO)] });
    assert.deepEqual(node.closed, []);
    node.receive(-1, forged);
    assert.deepEqual(node.closed, [-1]);
  }),
);

testOverlay(
  "RFC 6940 §6.5.1.11: a link that was dialled for one node is closed where another member answers",
  Effect.gen(function* () {
    const { node, member } = yield* world;
    const endpoint = { host: "10.0.0.1", port: 6084 };
    for (const [link, id, closed] of [
      [1, 10n, [1]],
      [2, 9n, [1]],
    ] as const) {
      connect(node.core, ONE, endpoint);
      const { credentials } = yield* member(id);
      node.tell({ type: "connected", link, stream: { ...endpoint, certificates: credentials.certificates } });
      assert.deepEqual(node.closed, closed);
    }
  }),
);

testOverlay(
  "the end of a link with several Node-IDs is none but one of them, whoever has signed what it sends",
  Effect.gen(function* () {
    const { node, member } = yield* world;
    const several = yield* member(9n, 11n);
    const other = yield* member(10n);
    node.link(-1, several.credentials);
    node.receive(-1, yield* other.says(ping));
    assert.equal(node.core.table.links.get(-1)?.node, undefined);
    node.receive(-1, yield* several.says(ping, 6n));
    assert.equal(node.core.table.links.get(-1)?.node, ONE);
  }),
);

testOverlay(
  "RFC 6940 §6.3.4: an answer counts by the node that was asked, and by no other member",
  Effect.gen(function* () {
    const { node, member } = yield* world;
    const [one, two] = [yield* member(9n), yield* member(10n)];
    node.link(-1, one.credentials);
    node.link(-2, two.credentials);
    node.tell({ type: "requested", request: { ref: 1, destinations: [toNode(ONE)], body: ping } });
    const { transactionId } = node.sent.find(({ packet }) => packet.destinationList.length > 0)!.packet;
    const outcomes = () => node.reports.flatMap((report) => (report.type === "ended" ? [report.outcome.type] : []));
    node.receive(-2, yield* two.says(pong, transactionId));
    assert.deepEqual(outcomes(), []);
    node.receive(-1, yield* one.says(pong, transactionId));
    assert.deepEqual(outcomes(), ["answer"]);
  }),
);

testOverlay(
  "a Store of more values than are verified in one is refused before any of them is looked at",
  Effect.gen(function* () {
    const { node, member } = yield* world;
    const one = yield* member(9n);
    node.link(-1, one.credentials);
    const stored = { exists: true, value: new Uint8Array(16) };
    const value: StoredData = {
      storageTime: 1n,
      lifetime: 60,
      value: { key: new Uint8Array(24), value: stored },
      signature: noSignature,
    };
    for (const [count, served] of [
      [VALUES_MAX, 1],
      [VALUES_MAX + 1, 1],
    ] as const) {
      const kinds = [
        { kind: kindId.viprRegistration, generation: 0n, values: Array.from({ length: count }, () => value) },
      ];
      const body: Body = { type: "storeReq", value: { resource: new Uint8Array(16), replica: 0, kinds } };
      node.receive(-1, yield* one.says(body, BigInt(count)));
      assert.equal(node.reports.filter(({ type }) => type === "serve").length, served);
    }
  }),
);

test("what is decided on values that the disk has refused is refused with them", () => {
  const disk = makeDisk();
  const order = { type: "save", id: new Uint8Array(16), changes: [], before: undefined, after: undefined } as const;
  const act = { type: "answer" } as never;
  save(disk, SELF, order);
  assert.equal(after(disk, act), undefined);
  assert.equal(nextBatch(disk)?.isDoomed, false);
  assert.notEqual(written(disk, false).was, undefined);
  // The storage has not undone them yet.
  save(disk, SELF, order);
  assert.equal(nextBatch(disk)?.isDoomed, true);
  written(disk, false);
  for (let i = 0; i < 2; i++) undone(disk);
  save(disk, SELF, order);
  assert.equal(nextBatch(disk)?.isDoomed, false);
});
