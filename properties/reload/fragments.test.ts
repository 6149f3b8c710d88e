/** Messages in pieces: cut anywhere, joined once, and never more held than the limits say. RFC 6940 §6.7. */

import * as assert from "node:assert/strict";
import fc from "fast-check";
import { fragmentFor, fragmentWhole, nodeIdFrom, Packet, pieceOf, toNode } from "../../codecs/reload/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import {
  FRAGMENTS_MS,
  fragmentsOf,
  type Gathering,
  gather,
  nothingGathered,
  OPEN_MAX,
  OPEN_OF_NEIGHBOUR_MAX,
  SIZES_MAX,
  SIZES_OF_NEIGHBOUR_MAX,
} from "../../machines/reload/mod.ts";
import { runs, test } from "../kit/harness.ts";

const LIMIT = 8_192;
const bytesOf = (size: number, seed = 0): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => (i * 7 + seed) & 255);
const packet = (more: Partial<Packet> = {}): Packet => ({
  overlay: 1,
  configurationSequence: 1,
  version: 10,
  ttl: 50,
  fragment: fragmentWhole,
  transactionId: 7n,
  maxResponseLength: 0,
  viaList: [toNode(nodeIdFrom(1n))],
  destinationList: [toNode(nodeIdFrom(2n))],
  options: [{ type: 1, flags: 0, option: Uint8Array.of(5) }],
  payload: bytesOf(4_000),
  ...more,
});
const part = (offset: number, size: number, isLast: boolean, more: Partial<Packet> = {}): Packet =>
  packet({ fragment: fragmentFor({ offset, isLast }), payload: bytesOf(LIMIT).slice(offset, offset + size), ...more });
const heldBytes = (held: Gathering, from?: bigint): number =>
  [...held.values()]
    .filter((open) => from === undefined || open.from === from)
    .reduce((sum, { bytes }) => sum + bytes, 0);

/** Whole messages out of fragments that came in this order. */
const gathered = (fragments: ReadonlyArray<Packet>, from = 3n, atMs = 0) => {
  let held = nothingGathered;
  const whole: Array<Packet> = [];
  const dropped: Array<string> = [];
  for (const fragment of fragments) {
    const next = gather(held, fragment, nodeIdFrom(from), atMs, LIMIT);
    held = next.held;
    if (next.whole !== undefined) whole.push(next.whole);
    if (next.dropped !== undefined) dropped.push(next.dropped);
  }
  return { held, whole, dropped };
};

const payload = fc.uint8Array({ minLength: 0, maxLength: 6_000 });
const mtu = fc.integer({ min: 650, max: 3_000 });

test("RFC 6940 §6.7: cut, cut again, shuffled and repeated, a message comes out once and as it was", () =>
  fc.assert(
    fc.property(
      payload,
      mtu,
      mtu,
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      (bytes, a, b, keys) => {
        const sent = packet({ payload: bytes });
        const pieces = fragmentsOf(sent, a).flatMap((piece) => fragmentsOf(piece, b));
        const shuffled = pieces
          .map((piece) => ({ piece, key: keys.next().value! }))
          .sort((one, other) => one.key - other.key)
          .map(({ piece }) => piece);
        const half = shuffled.slice(0, -1);
        const { whole, dropped, held } = gathered([...half, ...half, shuffled.at(-1)!]);
        assert.deepEqual(dropped, []);
        assert.deepEqual(whole, pieces.length === 1 ? [sent] : [sent]);
        assert.equal(held.size, 0);
      },
    ),
    { numRuns: runs },
  ));

test("RFC 6940 §6.7: each fragment is a message of its own, has 256 bytes of the body, and fits", () =>
  fc.assert(
    fc.property(payload, mtu, (bytes, most) => {
      const pieces = fragmentsOf(packet({ payload: bytes }), most);
      for (const piece of pieces) {
        const written = encode(Packet, piece);
        assert.ok(written.length <= most);
        assert.ok(pieces.length === 1 || piece.payload.length >= 256);
        assert.deepEqual(
          [piece.viaList, piece.destinationList, piece.options.length],
          [[toNode(nodeIdFrom(1n))], [toNode(nodeIdFrom(2n))], 1],
        );
      }
      assert.equal(pieces.filter(({ fragment }) => pieceOf(fragment)?.isLast).length, 1);
    }),
    { numRuns: runs },
  ));

test("RFC 6940 §6.7: where the header leaves no room a message stays whole", () => {
  const viaList = Array.from({ length: 60 }, (_, i) => toNode(nodeIdFrom(BigInt(i))));
  assert.equal(fragmentsOf(packet({ viaList }), 1_400).length, 1);
});

test("RFC 6940 §6.7: two transmissions cut differently make one message; pieces that contradict each other make none", () => {
  const sent = packet();
  const [a, b] = [fragmentsOf(sent, 1_400), fragmentsOf(sent, 900)];
  assert.deepEqual(gathered([a[0]!, ...b.slice(1)]).whole, [sent]);
  assert.deepEqual(gathered([part(0, 600, false), part(500, 600, true)]).whole.length, 1);
  const forged = { ...part(300, 400, false), payload: bytesOf(400, 1) };
  assert.deepEqual(gathered([part(0, 600, false), forged]).dropped, ["fragments that contradict each other"]);
  assert.deepEqual(gathered([part(600, 300, true), part(700, 300, true)]).dropped, ["two ends of one message"]);
  assert.deepEqual(gathered([part(600, 300, true), part(800, 256, false)]).dropped, ["a fragment beyond the end"]);
  assert.deepEqual(gathered([part(800, 256, false), part(300, 300, true)]).dropped, ["a fragment beyond the end"]);
  assert.deepEqual(gathered([part(0, 255, false)]).dropped, ["a fragment under 256 bytes"]);
  assert.deepEqual(gathered([part(LIMIT - 100, 101, true, { payload: bytesOf(101) })]).dropped, [
    "fragments of a message over the limit",
  ]);
});

test("RFC 6940 §6.3.2: reserved bits are passed over; a whole message with them is whole", () => {
  const odd = packet({ fragment: 0xff000000 });
  assert.deepEqual(gathered([odd]).whole, [packet()]);
});

// RFC 6940 §6.7
test("fragments of two neighbours are never joined, and what is late is forgotten", () => {
  const sent = packet();
  const [first, ...others] = fragmentsOf(sent, 1_400);
  const one = gather(nothingGathered, first!, nodeIdFrom(3n), 0, LIMIT);
  const two = others.reduce((held, piece) => gather(held, piece, nodeIdFrom(4n), 0, LIMIT).held, one.held);
  assert.equal(two.size, 2);
  const late = others.reduce((held, piece) => gather(held, piece, nodeIdFrom(3n), FRAGMENTS_MS, LIMIT).held, one.held);
  assert.equal(late.size, 1);
});

// RFC 6940 §6.7
test("whatever neighbours send, no more is held than the limits say, and an honest one still gets its message through", () => {
  const fragment = fc.record({
    from: fc.bigInt({ min: 10n, max: 16n }),
    transactionId: fc.bigInt({ min: 0n, max: 40n }),
    offset: fc.integer({ min: 0, max: LIMIT }),
    size: fc.integer({ min: 0, max: LIMIT }),
    isLast: fc.boolean(),
    afterMs: fc.integer({ min: 0, max: 400 }),
  });
  const few = fragmentsOf(packet({ payload: bytesOf(1_500) }), 900);
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 120 }), (sent) => {
      let held = nothingGathered;
      let atMs = 0;
      for (const { from, transactionId, offset, size, isLast, afterMs } of sent) {
        atMs += afterMs;
        held = gather(held, part(offset, size, isLast, { transactionId }), nodeIdFrom(from), atMs, LIMIT).held;
        assert.ok(held.size <= OPEN_MAX && heldBytes(held) <= SIZES_MAX * LIMIT);
        for (const open of held.values()) {
          assert.ok(heldBytes(held, open.from) <= SIZES_OF_NEIGHBOUR_MAX * LIMIT);
          assert.ok([...held.values()].filter(({ from }) => from === open.from).length <= OPEN_OF_NEIGHBOUR_MAX);
        }
      }
      const through = few.reduce((now, piece) => gather(now.held, piece, nodeIdFrom(3n), atMs, LIMIT), {
        held,
      } as ReturnType<typeof gather>);
      assert.ok(through.whole !== undefined);
    }),
    { numRuns: runs },
  );
});

test("one neighbour has so many messages begun, and room is left for the others", () => {
  const begun = Array.from({ length: OPEN_OF_NEIGHBOUR_MAX + 1 }, (_, i) =>
    part(0, 256, false, { transactionId: BigInt(i) }),
  );
  let { held } = gathered(begun);
  assert.equal(held.size, OPEN_OF_NEIGHBOUR_MAX);
  held = gather(held, part(0, 256, false), nodeIdFrom(4n), 0, LIMIT).held;
  assert.equal(held.size, OPEN_OF_NEIGHBOUR_MAX + 1);
});
