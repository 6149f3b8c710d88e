/** Sorted tables equal the plain definitions, and routing over all peers takes the shortest way. */

import * as assert from "node:assert/strict";
import fc from "fast-check";
import { nodeLimits } from "../../actors/reload/options.ts";
import { type NodeId, nodeIdFrom } from "../../codecs/reload/mod.ts";
import { distance, nextHop, predecessorsOf, successorsOf } from "../../machines/reload/mod.ts";
import {
  emptyTable,
  neighboursAmong,
  viewOf,
  withJoined,
  withLink,
  withPeers,
  withReady,
} from "../../machines/reload/table.ts";
import { runs, test } from "../kit/harness.ts";

/** Identifiers close enough together to meet. */
const id = fc.bigInt(0n, 2n ** 128n - 1n).chain((any) => fc.constantFrom(any, any % 64n));
const ids = fc.uniqueArray(id.map(nodeIdFrom), { minLength: 2, maxLength: 40 });
const property = (name: string, law: (self: NodeId, others: ReadonlyArray<NodeId>, count: number) => void) =>
  test(name, () =>
    fc.assert(
      fc.property(ids, fc.integer({ min: 1, max: 6 }), ([self, ...others], count) => law(self!, others, count)),
      { numRuns: runs },
    ),
  );

property("table: who would be a neighbour, by the definition", (self, others, neighbours) => {
  const half = others.length >> 1;
  const [peers, known] = [others.slice(0, half), others.slice(half)];
  const table = withPeers(emptyTable(self, neighbours, 16), peers);
  const nearest = new Set([...successorsOf(self, others, neighbours), ...predecessorsOf(self, others, neighbours)]);
  const found = neighboursAmong(table, [...known, self]);
  assert.deepEqual(new Set(found), new Set(known.filter((node) => nearest.has(node))));
});

property("table: given all at once or link by link, the view is the same", (self, others, neighbours) => {
  const empty = emptyTable(self, neighbours, 16);
  const slowly = others.reduce((table, node) => withReady(withLink(table, node), node), empty);
  assert.deepEqual(viewOf(withPeers(empty, others)), viewOf(slowly));
});

property("routing: of all peers with a link, the last before k, RFC 6940 §10.3", (self, others, neighbours) => {
  const [k, ...peers] = others;
  if (peers.length === 0) return;
  const view = viewOf(withJoined(withPeers(emptyTable(self, neighbours, 16), peers)));
  const before = peers.filter((peer) => distance(self, peer) <= distance(self, k!));
  const nearest = (nodes: ReadonlyArray<NodeId>) => nodes.reduce((a, b) => (distance(a, k!) < distance(b, k!) ? a : b));
  const first = peers.reduce((a, b) => (distance(k!, a) < distance(k!, b) ? a : b));
  assert.equal(nextHop(view, k!), before.length > 0 ? nearest(before) : first);
});

test("RFC 6940 §10.7, §10.7.4.3: a node has at least three neighbours a side, and sixteen fingers, unless it is told otherwise", () => {
  const { neighbours, fingers } = nodeLimits;
  assert.ok(neighbours >= 3 && fingers >= 16);
  const peers = Array.from({ length: 100 }, (_, i) => nodeIdFrom(1_000n * BigInt(i + 1)));
  const self = nodeIdFrom(7n);
  const view = viewOf(withJoined(withPeers(emptyTable(self, neighbours, fingers), peers)));
  assert.deepEqual([view.successors.length, view.predecessors.length], [neighbours, neighbours]);
});
