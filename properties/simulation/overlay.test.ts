/** Whole overlays on virtual time: real certificates and signatures, a network of memory, every machine unchanged. */

import * as assert from "node:assert/strict";
import { Effect } from "effect";
import { claimsOf, OverlayRefused, publishNumber, withdrawNumber } from "../../actors/reload/mod.ts";
import {
  encodeRegistration,
  encodeRegistrationKey,
  kindId,
  nodeIdFrom,
  resourceOfNumber,
} from "../../codecs/reload/mod.ts";
import { bigOf, e164, nodeIdText, vserviceId } from "../../codecs/shared/mod.ts";
import { isBetween, quotaBound } from "../../machines/reload/mod.ts";
import { chanceOf } from "../../runtime/memory.ts";
import { longOverlay, type Member, type Overlay, overlayOf, testOverlay } from "../reload/ring-of-nodes.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => e164(`+1408555${1_000 + i}`));

/** What a settled ring must look like, by the sorted array of its members. */
const assertRing = Effect.fnUntraced(function* (overlay: Overlay, members: ReadonlyArray<Member> = overlay.members) {
  const ids = overlay.ids().filter((id) => members.some(({ nodeId }) => nodeId === id));
  for (const member of members) {
    const { state, successors, predecessors } = yield* member.status;
    const at = ids.indexOf(member.nodeId);
    const others = ids.length - 1;
    const around = (by: number) =>
      Array.from({ length: Math.min(overlay.neighbours, others) }, (_, i) => ids.at((at + by * (i + 1)) % ids.length));
    assert.equal(state, "settled");
    assert.deepEqual(successors, around(1), "successors");
    assert.deepEqual(predecessors, around(-1), "predecessors");
  }
});

const ownerOf = (overlay: Overlay, number: string): bigint => {
  const id = bigOf(resourceOfNumber(e164(number)));
  const ids = overlay.ids();
  return ids.find((node, i) => isBetween(ids.at(i - 1)!, id, node))!;
};

const publish = Effect.fnUntraced(function* (overlay: Overlay, all: ReadonlyArray<string>) {
  const published = new Map<string, Member>();
  for (const [i, number] of all.entries()) {
    const member = overlay.members[i % overlay.members.length]!;
    yield* publishNumber(member, e164(number), vserviceId(BigInt(i)), 36_000);
    published.set(number, member);
  }
  return published;
});

const assertFound = Effect.fnUntraced(function* (overlay: Overlay, published: ReadonlyMap<string, Member>) {
  for (const member of overlay.members)
    for (const [number, owner] of published) {
      const claims = yield* claimsOf(member, e164(number));
      assert.deepEqual(
        claims.map(({ nodeId }) => nodeId),
        [owner.nodeId],
        `${number} from ${nodeIdText(member.nodeId)}`,
      );
    }
});

const stored = (overlay: Overlay) =>
  Effect.map(
    Effect.forEach(overlay.members, (member) => member.status),
    (all) => all.reduce((sum, member) => sum + member.stored, 0),
  );

for (const size of [1, 2, 3])
  testOverlay(
    `an overlay of ${size} keeps and finds`,
    Effect.gen(function* () {
      const overlay = yield* overlayOf(size);
      for (let i = 1; i < size; i++) yield* overlay.join();
      yield* Effect.sleep(100);
      yield* assertRing(overlay);
      const published = yield* publish(overlay, numbers(12));
      yield* Effect.sleep(100);
      yield* assertFound(overlay, published);
      assert.equal(yield* stored(overlay), 12 * size);
    }),
  );

// RFC 6940 §6.2.1, §10.4
testOverlay(
  "twenty nodes: one ring, one owner a key, two replicas, found from everywhere",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(20);
    for (let i = 1; i < 20; i++) yield* overlay.join();
    yield* Effect.sleep(2_000);
    yield* assertRing(overlay);
    const all = numbers(7);
    const published = yield* publish(overlay, all);
    yield* Effect.sleep(1_000);
    yield* assertFound(overlay, published);
    assert.equal(yield* stored(overlay), 3 * all.length);
    for (const number of all) {
      const { nodeId } = yield* overlay.members[3]!.ping({ resourceId: resourceOfNumber(number) });
      assert.equal(nodeId, ownerOf(overlay, number));
    }
    for (const { counters } of overlay.members) assert.equal(counters.badSignatures + counters.garbage, 0);
  }),
  { delayMs: [1, 20] },
);

longOverlay(
  "sixteen nodes that join at once make one ring",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(31);
    yield* Effect.forEach(Array.from({ length: 15 }), () => overlay.join(), {
      concurrency: "unbounded",
      discard: true,
    });
    yield* Effect.sleep(2_000);
    yield* assertRing(overlay);
    const published = yield* publish(overlay, numbers(8));
    yield* assertFound(overlay, published);
  }),
  { delayMs: [1, 30] },
);

// RFC 6940 §6.4.2.3, §10.5
longOverlay(
  "values stored before a node joins are found after, and it holds its part",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(5);
    for (let i = 1; i < 4; i++) yield* overlay.join();
    const all = numbers(12);
    const published = yield* publish(overlay, all);
    for (let i = 0; i < 4; i++) {
      const member = yield* overlay.join();
      yield* assertFound(overlay, published);
      const mine = all.filter((number) => ownerOf(overlay, number) === member.nodeId);
      const { primaries } = yield* member.status;
      assert.equal(
        Object.values(primaries).reduce((sum, count) => sum + count, 0),
        mine.length,
      );
    }
    yield* Effect.sleep(120_000);
    assert.equal(yield* stored(overlay), 3 * all.length, "who is no longer of the replica set has let go");
  }),
);

// RFC 6940 §10.7.3
longOverlay(
  "nodes die: values live on their replicas, the ring closes, and there are three copies again",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(9, {}, { limits: { leaveMs: 0 } });
    for (let i = 1; i < 12; i++) yield* overlay.join();
    yield* Effect.sleep(200);
    const all = numbers(12);
    const published = yield* publish(overlay, all);
    yield* Effect.sleep(120_000); // copies made while the ring was still changing are cleared away
    assert.equal(yield* stored(overlay), 3 * all.length);
    // Two neighbours at once, and one across the ring.
    const ids = overlay.ids();
    const dying = [ids[3]!, ids[4]!, ids[9]!];
    for (const id of dying) {
      const at = overlay.members.findIndex(({ nodeId }) => nodeId === id);
      yield* overlay.members.splice(at, 1)[0]!.end;
    }
    yield* Effect.sleep(5_000);
    yield* assertRing(overlay);
    assert.ok((yield* stored(overlay)) < 3 * all.length, "RFC 6940 §10.7.1: replicas wait for the hold-down");
    yield* assertFound(overlay, published);
    yield* Effect.sleep(32_000);
    assert.ok((yield* stored(overlay)) >= 3 * all.length);
    yield* Effect.sleep(120_000);
    assert.equal(yield* stored(overlay), 3 * all.length, "and no copy lies where it does not belong");
  }),
  { delayMs: [1, 5] },
);

// RFC 6940 §6.4.2.2
longOverlay(
  "nodes leave one after the other, down to the last: nothing is lost",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(12);
    for (let i = 1; i < 7; i++) yield* overlay.join();
    const published = yield* publish(overlay, numbers(8));
    while (overlay.members.length > 1) {
      yield* overlay.members.pop()!.end;
      yield* Effect.sleep(100);
      yield* assertRing(overlay);
      yield* assertFound(overlay, published);
    }
  }),
);

testOverlay(
  "a thief overwrites nothing and removes nothing; its own claim is stored beside the owner's",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(14);
    for (let i = 1; i < 5; i++) yield* overlay.join();
    const [alice, thief, asker] = overlay.members as [Member, Member, Member];
    const number = e164("+14085550001");
    yield* publishNumber(alice, number, vserviceId(1n), 3_600);
    const attempt = (by: Member, key: bigint, value: bigint, exists = true) =>
      Effect.flip(
        by.store({
          resourceId: resourceOfNumber(number),
          kind: kindId.viprRegistration,
          key: encodeRegistrationKey({ nodeId: nodeIdFrom(key), vservice: vserviceId(1n) }),
          value: encodeRegistration(nodeIdFrom(value)),
          exists,
          lifetimeS: 3_600,
        }),
      );
    for (const refusal of [
      yield* attempt(thief, alice.nodeId, thief.nodeId),
      yield* attempt(thief, alice.nodeId, alice.nodeId),
      yield* attempt(thief, alice.nodeId, alice.nodeId, false),
      yield* attempt(thief, thief.nodeId, alice.nodeId),
    ]) {
      assert.ok(refusal instanceof OverlayRefused);
      assert.deepEqual([refusal.code, refusal.info], ["forbidden", "VIPR-MATCH"]);
    }
    yield* publishNumber(thief, number, vserviceId(9n), 3_600);
    const claims = yield* claimsOf(asker, number);
    assert.deepEqual(new Set(claims.map(({ nodeId }) => nodeId)), new Set([alice.nodeId, thief.nodeId]));
    yield* withdrawNumber(alice, number, vserviceId(1n));
    assert.deepEqual(
      (yield* claimsOf(asker, number)).map(({ nodeId }) => nodeId),
      [thief.nodeId],
    );
  }),
);

testOverlay(
  "a greedy node meets its quota, at every peer and in the sum",
  Effect.gen(function* () {
    const quota = 40;
    const overlay = yield* overlayOf(15, { quota });
    for (let i = 1; i < 6; i++) yield* overlay.join();
    yield* Effect.sleep(100);
    const [, greedy, honest] = overlay.members as [Member, Member, Member];
    let kept = 0;
    for (const number of numbers(300)) {
      const outcome = yield* Effect.result(publishNumber(greedy, number, vserviceId(1n), 3_600));
      if (outcome._tag === "Success") kept++;
      else
        assert.deepEqual([outcome.failure._tag, (outcome.failure as OverlayRefused).info], ["OverlayRefused", "quota"]);
    }
    const n = overlay.members.length;
    assert.ok(kept <= quota + 3 * Math.sqrt(quota * n) + 2 * n, `${kept} kept`);
    assert.ok(kept >= quota, `${kept} kept`);
    const ids = overlay.ids();
    for (const member of overlay.members) {
      const { primaries } = yield* member.status;
      const before = ids.at(ids.indexOf(member.nodeId) - 1)!;
      const share = Number((member.nodeId - before + (1n << 128n)) % (1n << 128n)) / 2 ** 128;
      assert.ok((primaries[nodeIdText(greedy.nodeId)] ?? 0) <= quotaBound(quota, share));
    }
    yield* publishNumber(honest, e164("+14085559999"), vserviceId(1n), 3_600);
  }),
);

/** Joins alone and three at once, deaths, leaves, and all of it together: after each the ring is right and nothing is lost. */
for (const seed of [4, 28])
  longOverlay(
    `nodes come and go, seed ${seed}: the ring closes, every value is found, and three copies of it remain`,
    Effect.gen(function* () {
      const chance = chanceOf(seed);
      const overlay = yield* overlayOf(seed, {}, { limits: { leaveMs: chance.next() < 0.5 ? 0 : 2_000 } });
      const joinThree = Effect.forEach([1, 2, 3], () => overlay.join(), { concurrency: "unbounded", discard: true });
      yield* Effect.andThen(joinThree, joinThree);
      yield* Effect.sleep(1_000);
      const all = numbers(20);
      for (const number of all) yield* publishNumber(overlay.members[0]!, number, vserviceId(1n), 36_000);
      const end = Effect.suspend(() => {
        const at = chance.between(1, overlay.members.length - 1);
        return overlay.members.length > 4 ? overlay.members.splice(at, 1)[0]!.end : Effect.void;
      });
      const both = Effect.all([end, end, overlay.join()], { concurrency: "unbounded", discard: true });
      for (let step = 0; step < 8; step++) {
        yield* [overlay.join(), joinThree, end, both][chance.between(0, 3)]!;
        yield* Effect.sleep(45_000);
        yield* assertRing(overlay);
        for (const number of all) {
          const asker = overlay.members[chance.between(0, overlay.members.length - 1)]!;
          assert.equal((yield* claimsOf(asker, number)).length, 1, `${number} after step ${step}`);
        }
      }
      yield* Effect.sleep(200_000);
      assert.equal(yield* stored(overlay), 3 * all.length);
    }),
    { delayMs: [1, 40] },
  );

/** Which nodes are in the other part of a partitioned network, by their certificates, and whether it is partitioned. */
const far = { certificates: new Set<Uint8Array>(), ports: new Set<number>(), cut: false };
testOverlay(
  "RFC 6940 §10.7.4.4: an overlay cut in two is two rings, and one again when the cut is healed",
  Effect.gen(function* () {
    const overlay = yield* overlayOf(3, {}, { limits: { neighbours: 20 } });
    for (let i = 1; i < 9; i++) yield* overlay.join();
    const all = numbers(12);
    const published = yield* publish(overlay, all);
    yield* Effect.sleep(60_000);
    const [, ...others] = overlay.members as [Member, ...Array<Member>];
    const there = others.filter((_, i) => i % 2 === 0);
    const here = overlay.members.filter((member) => !there.includes(member));
    for (const { port } of there) far.ports.add(port);
    for (const { nodeId } of there) for (const der of overlay.shown(nodeId)) far.certificates.add(der);
    far.cut = true;
    yield* Effect.sleep(1_800_000);
    yield* assertRing(overlay, here);
    yield* assertRing(overlay, there);
    // What is published on one side meanwhile must be found on both later.
    yield* publishNumber(there[1]!, e164("+14085559998"), vserviceId(1n), 36_000);
    yield* publishNumber(here[1]!, e164("+14085559999"), vserviceId(1n), 36_000);
    published.set(e164("+14085559998"), there[1]!).set(e164("+14085559999"), here[1]!);
    far.cut = false;
    // The bootstrap node is on this side: those there look for it every ten minutes.
    yield* Effect.sleep(1_200_000);
    yield* assertRing(overlay);
    yield* assertFound(overlay, published);
  }),
  {
    delayMs: [1, 20],
    isCut: ({ port, tls }) => far.cut && far.ports.has(port) !== far.certificates.has(tls!.certificates[0]!),
  },
);
