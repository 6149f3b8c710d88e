/** A node's certificate in the overlay: found by Node-ID and by user, stored once, refreshed in time. RFC 6940 §8. */

import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import { Keys } from "../../actors/ports/mod.ts";
import { kindId, nodeIdFrom, resourceOf, resourceOfNode } from "../../codecs/reload/mod.ts";
import { nodeIdText, utf8 } from "../../codecs/shared/mod.ts";
import { nodeIds } from "../kit/node-ids.ts";
import { NAME, overlayOf, testOverlay } from "./ring-of-nodes.ts";

const DAY_MS = 86_400_000;

testOverlay(
  "RFC 6940 §8: a certificate is found by its Node-ID, and is stored once, in an overlay of three",
  Effect.gen(function* () {
    const ring = yield* overlayOf(5, {}, { publishesCertificate: true });
    for (let i = 0; i < 2; i++) yield* ring.join();
    const byNode = (nodeId: bigint) =>
      ring.members[0]!.fetch({ resourceId: resourceOfNode(nodeIdFrom(nodeId)), kind: kindId.certificateByNode });
    yield* Effect.sleep(35_000);
    const keys = yield* Keys;
    for (const { nodeId } of ring.members) {
      const found = yield* byNode(nodeId);
      same(
        found.map(({ index, signer }) => [index, signer]),
        [[0, nodeId]],
      );
      same((yield* keys.inspect(found[0]!.value)).nodeIds, [nodeId]);
    }
  }),
);

testOverlay(
  "RFC 6940 §8: a certificate stays as long as its node, at the same place",
  Effect.gen(function* () {
    const { members } = yield* overlayOf(5, {}, { publishesCertificate: true });
    const [node] = members;
    const place = { resourceId: resourceOfNode(node!.nodeId), kind: kindId.certificateByNode };
    yield* Effect.sleep(35_000);
    same(node!.lifeOf({ ...place, index: 0 }), undefined, "appended: where it stands is the owner's to say");
    yield* Effect.sleep(0.9 * DAY_MS); // it lasts a day
    ok(node!.lifeOf({ ...place, index: 0 }) !== undefined, "stored again");
    same(
      (yield* node!.fetch(place)).map(({ index }) => index),
      [0],
    );
  }),
);

testOverlay(
  "RFC 6940 §8: certificates of one user stand side by side at its name",
  Effect.gen(function* () {
    const ring = yield* overlayOf(6, {}, { publishesCertificate: true });
    const keys = yield* Keys;
    const user = "operator@example.com";
    for (const nodeId of [77n << 100n, 78n << 100n])
      yield* ring.join({ credentials: yield* ring.issue(nodeId, NAME, [user]) });
    yield* Effect.sleep(40_000);
    const found = yield* ring.members[0]!.fetch({ resourceId: resourceOf(utf8(user)), kind: kindId.certificateByUser });
    same(
      found.map(({ signer }) => nodeIdText(signer)).sort(),
      nodeIds(77n << 100n, 78n << 100n)
        .map(nodeIdText)
        .sort(),
    );
    same(found.map(({ index }) => index).sort(), [0, 1]);
    for (const { value, signer } of found) same((yield* keys.inspect(value)).nodeIds, [signer]);
  }),
);
