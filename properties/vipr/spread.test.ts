/** Several nodes in one server: every number has one, each has its share, and more numbers than one quota find room. */

import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import fc from "fast-check";
import { claimsOf } from "../../actors/reload/mod.ts";
import { openPublishing } from "../../actors/vipr/publishing.ts";
import { e164, vserviceId } from "../../codecs/shared/mod.ts";
import { nodeOrder, nodesToTry } from "../../machines/vipr/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { overlayOf, testOverlay } from "../reload/ring-of-nodes.ts";

const numberOf = (i: number) => e164(`+1408${String(5_550_000 + i)}`);

test("an order names every node once, and is the same each time", () =>
  fc.assert(
    fc.property(fc.nat(9_999_999), fc.integer({ min: 1, max: 9 }), (i, nodes) => {
      const order = nodeOrder(numberOf(i), nodes);
      same(
        order.toSorted(),
        Array.from({ length: nodes }, (_, node) => node),
      );
      same(nodeOrder(numberOf(i), nodes), order);
      // One node more takes numbers from the others, and moves none between them.
      same(
        nodeOrder(numberOf(i), nodes + 1).filter((node) => node < nodes),
        order,
      );
    }),
    { numRuns: runs },
  ));

test("blocks of numbers, whatever their step, fall on all nodes alike", () => {
  for (const step of [1, 2, 10, 100, 1_000])
    for (const nodes of [2, 3, 5]) {
      const counts = Array.from({ length: nodes }, () => 0);
      const count = 3_000;
      for (let i = 0; i < count; i++) counts[nodeOrder(numberOf(i * step), nodes)[0]!]! += 1;
      const mean = count / nodes;
      for (const found of counts) ok(Math.abs(found - mean) < 6 * Math.sqrt(mean), `${step} ${counts}`);
    }
});

test("as long as any node has room, a number finds one; where it stands already, it stays", () =>
  fc.assert(
    fc.property(
      fc.nat(9_999_999),
      fc.array(fc.record({ used: fc.nat(3), quota: fc.constant(3), holds: fc.boolean() }), {
        minLength: 1,
        maxLength: 5,
      }),
      (i, rooms) => {
        const tried = nodesToTry(numberOf(i), rooms);
        if (rooms.some(({ holds }) => holds)) return same([tried.length, rooms[tried[0]!]!.holds], [1, true]);
        same(
          tried.toSorted(),
          rooms.flatMap(({ used, quota }, node) => (used < quota ? [node] : [])),
        );
      },
    ),
    { numRuns: runs },
  ));

// ViPR overview §4
testOverlay(
  "docs/protocol/overlay.md#the-vipr-usage: a domain with more numbers than one quota publishes them all over several nodes, and no more than theirs",
  Effect.gen(function* () {
    const quota = 8;
    const ring = yield* overlayOf(21, { quota });
    for (let i = 0; i < 2; i++) yield* ring.join();
    const { store, endMs, nodeFor } = openPublishing(ring.members);
    const numbers = Array.from({ length: 3 * quota }, (_, i) => numberOf(i));
    for (const number of numbers) yield* store(vserviceId(7n), number);
    for (const { used } of ring.members) same(yield* used, quota);
    for (const number of numbers) {
      const claims = yield* claimsOf(nodeFor(number), number);
      same(claims.length, 1);
      ok((yield* endMs(vserviceId(7n), number)) !== undefined);
    }
    const more = yield* Effect.flip(store(vserviceId(7n), numberOf(999)));
    ok(/quota/.test(more.why), more.why);
    for (const number of numbers.slice(0, 5)) yield* store(vserviceId(7n), number); // what is there may be renewed
    for (const number of numbers) same((yield* claimsOf(ring.members[0]!, number)).length, 1);
  }),
);
