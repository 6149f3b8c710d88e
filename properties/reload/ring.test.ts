/** The ring's arithmetic against a sorted array. RFC 6940 §10.1, §10.3, §10.7.4.2. */

import * as assert from "node:assert/strict";
import fc from "fast-check";
import { type NodeId, nodeIdFrom } from "../../codecs/reload/mod.ts";
import {
  distance,
  fingerRange,
  fingersOf,
  isBetween,
  isResponsible,
  nextHop,
  ownedFraction,
  ownersOf,
  predecessorsOf,
  RING_SIZE,
  type RingView,
  replicatedFraction,
  successorsOf,
  wrap,
} from "../../machines/reload/mod.ts";
import { runs, test } from "../kit/harness.ts";

/** Ids that fall together, fall on the seam of the ring, or fall anywhere. */
const id = fc.oneof(
  fc.bigInt({ min: 0n, max: RING_SIZE - 1n }),
  fc.bigInt({ min: 0n, max: 12n }),
  fc.bigInt({ min: RING_SIZE - 6n, max: RING_SIZE - 1n }),
);
const ring = fc.uniqueArray(id.map(nodeIdFrom), { minLength: 1, maxLength: 24 });

/** The model: a sorted array. The first node at or after an id is responsible for it, or else the first of all. */
const ownerIn = (nodes: ReadonlyArray<NodeId>, key: bigint): NodeId => {
  const sorted = nodes.toSorted((a, b) => (a < b ? -1 : 1));
  return sorted.find((node) => node >= key) ?? sorted[0]!;
};
const around = (nodes: ReadonlyArray<NodeId>, self: NodeId, by: 1 | -1): ReadonlyArray<NodeId> => {
  const sorted = nodes.toSorted((a, b) => (a < b ? -1 : 1));
  const at = sorted.indexOf(self);
  return Array.from({ length: sorted.length - 1 }, (_, i) => sorted.at((at + by * (i + 1)) % sorted.length)!);
};

/** A settled node's view of the whole ring: three neighbours a side, sixteen fingers. */
const viewIn = (nodes: ReadonlyArray<NodeId>, self: NodeId, neighbours = 3): RingView => {
  const fingers = fingersOf(self, nodes, 16).filter((finger) => finger !== undefined);
  const successors = successorsOf(self, nodes, neighbours);
  const predecessors = predecessorsOf(self, nodes, neighbours);
  const linked = [...new Set([...fingers, ...successors, ...predecessors])];
  return { self, joined: true, successors, predecessors, fingers, linked };
};

const law = (name: string, property: fc.IProperty<any>) =>
  test(`ring: ${name}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));

law(
  "distances add up, around the seam too",
  fc.property(id, id, id, (a, b, c) => {
    assert.equal(wrap(a + distance(a, b)), b);
    const onTheWay = distance(a, b) + distance(b, c) === distance(a, c);
    if (a !== c) assert.equal(onTheWay, b === a || isBetween(a, b, c));
    else assert.ok(isBetween(a, b, c)); // from a node to itself is the whole ring
  }),
);

law(
  "exactly one node is responsible for an id: the one of the model",
  fc.property(ring, id, (nodes, key) => {
    const responsible = nodes.filter((self) => isResponsible(viewIn(nodes, self), key));
    assert.deepEqual(responsible, [ownerIn(nodes, key)]);
  }),
);

// RFC 6940 §10.7.3
law(
  "neighbours are those of the sorted array, nearest first",
  fc.property(ring, fc.nat(), (nodes, n) => {
    const self = nodes[n % nodes.length]!;
    assert.deepEqual(successorsOf(self, nodes, 3), around(nodes, self, 1).slice(0, 3));
    assert.deepEqual(predecessorsOf(self, nodes, 3), around(nodes, self, -1).slice(0, 3));
  }),
);

law(
  "owned fractions make one whole ring, replicated ones three",
  fc.property(ring, (nodes) => {
    const owned = nodes.reduce((sum, self) => sum + ownedFraction(viewIn(nodes, self)), 0);
    assert.ok(Math.abs(owned - 1) < 1e-9);
    const kept = nodes.reduce((sum, self) => sum + replicatedFraction(viewIn(nodes, self), 2), 0);
    assert.ok(Math.abs(kept - Math.min(3, nodes.length)) < 1e-9);
  }),
);

// RFC 6940 §10.3; ViPR overview §5.1
law(
  "every hop comes nearer, and the last is the owner",
  fc.property(ring, id, fc.nat(), (nodes, key, n) => {
    let at = nodes[n % nodes.length]!;
    const owner = ownerIn(nodes, key);
    for (let hops = 0; at !== owner; hops++) {
      assert.ok(hops < nodes.length, "a loop");
      const next = nextHop(viewIn(nodes, at), key)!;
      assert.ok(next === owner || distance(next, key) < distance(at, key));
      at = next;
    }
  }),
);

// RFC 6940 §10.7.4.3
law(
  "a finger lies in its range, RFC 6940 §10.7.4.2",
  fc.property(ring, fc.nat(), (nodes, n) => {
    const self = nodes[n % nodes.length]!;
    fingersOf(self, nodes, 128).forEach((finger, i) => {
      const { from, size } = fingerRange(self, i + 1);
      const inRange = nodes.filter((node) => node !== self && distance(from, node) < size);
      assert.equal(finger, inRange.toSorted((a, b) => (distance(from, a) < distance(from, b) ? -1 : 1))[0]);
    });
  }),
);

law(
  "the owners of an id are the nodes after it, in order",
  fc.property(ring, id, fc.nat(), (nodes, key, n) => {
    const self = nodes[n % nodes.length]!;
    const all = ownersOf(viewIn(nodes, self, 24), key, nodes.length);
    assert.equal(all[0], ownerIn(nodes, key));
    assert.deepEqual(all, [all[0]!, ...around(nodes, all[0]!, 1)]);
  }),
);

test("ring: a node that has not joined answers for nothing", () => {
  assert.equal(isResponsible({ ...viewIn([nodeIdFrom(5n)], nodeIdFrom(5n)), joined: false }, 5n), false);
  assert.equal(nextHop({ ...viewIn([nodeIdFrom(5n)], nodeIdFrom(5n)), joined: false }, 9n), undefined);
});
