/**
 * No entry is overwritten or removed by another node, and no node exceeds the quota bound.
 * docs/protocol/overlay.md#storage, RFC 6940 §7.3, §7.4.1.
 * An adversary has what a real one has: every value that any owner ever signed, its own keys, any place in the ring, any
 * lifetime (it is not signed), and no owner's key.
 */

import * as assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeRegistrationKey,
  ecdsaSignature,
  identityOf,
  kindId,
  type NodeId,
  nodeIdFrom,
  resourceOfNode,
  type StoredData,
  type StoreKindData,
} from "../../codecs/reload/mod.ts";
import { bytesOfBig, hexOf, nodeIdText, vserviceId } from "../../codecs/shared/mod.ts";
import {
  AHEAD_MS_MAX,
  ENTRIES_OF_SIGNER_MAX,
  entriesIn,
  ownedFraction,
  ownersOf,
  quotaBound,
  REPLICAS,
  type RingView,
  replicatedFraction,
  type ValueStorageEvent,
} from "../../machines/reload/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { anyNodeId, nodeIds } from "../kit/node-ids.ts";
import { alone, KIND, registration, SELF, signerOf, storageOf, storing } from "./storage-talk.ts";

const [P1, P2, P3, P4] = nodeIds(SELF - (1n << 120n) / 2n, 5n, 4n, 3n) as [NodeId, NodeId, NodeId, NodeId];
const [S1, S2, S3] = nodeIds(SELF + 10n, SELF + 20n, SELF + 30n) as [NodeId, NodeId, NodeId];
const view: RingView = {
  ...alone,
  predecessors: [P1, P2, P3, P4],
  successors: [S1, S2, S3],
  linked: [P1, P2, P3, P4, S1, S2, S3],
};
const OWNERS = [70n, 71n] as const;
const THIEVES = [S1, P1, 666n] as const; // two of them neighbours, whose replicas are plausible
const RESOURCES = [SELF, SELF - 1n, P1, P1 - 1n] as const; // two that we answer for, two whose replicas we keep
const QUOTA = 2;

interface Signed {
  readonly resource: bigint;
  readonly data: StoredData;
  readonly signer: bigint;
}
const placeOf = ({ value }: StoredData): string => ("key" in value ? hexOf(value.key) : "");
const ownerOf = ({ value }: StoredData): bigint => {
  const key = decodeRegistrationKey("key" in value ? value.key : new Uint8Array());
  return key.ok ? key.value.nodeId : 0n;
};

const resource = fc.constantFrom(...RESOURCES);
const thief = fc.constantFrom(...THIEVES);
const lifetimeS = fc.constantFrom(5, 50, 4_000_000);
const anyMove = fc.oneof(
  // An owner stores or removes what is its own.
  {
    weight: 4,
    arbitrary: fc.record({
      move: fc.constant("own" as const),
      resource,
      owner: fc.constantFrom(...OWNERS),

      exists: fc.boolean(),
      lifetimeS,
    }),
  },
  // A thief sends something that was signed before, by anyone, as if it were a Store or a replica of its own.
  {
    weight: 4,
    arbitrary: fc.record({
      move: fc.constant("replay" as const),
      which: fc.nat(),
      by: thief,
      elsewhere: fc.option(resource),
      replica: fc.nat(2),
      lifetimeS,
    }),
  },
  // A thief signs by its own key whatever it likes at an owner's key, or at its own.
  {
    weight: 4,
    arbitrary: fc.record({
      move: fc.constant("forge" as const),
      resource,
      by: thief,
      node: fc.constantFrom(undefined, undefined, undefined, ...OWNERS),
      vservice: fc.constantFrom(0n, 1n, 2n, 3n, 4n, 5n).map(vserviceId),
      exists: fc.boolean(),
      isSigned: fc.boolean(),
      replica: fc.nat(1),
      aheadMs: fc.constantFrom(0, 1_000, AHEAD_MS_MAX * 2),
      lifetimeS,
    }),
  },
  // A thief may answer inquiries: the storage fetches from a node that reports a newer version.
  {
    weight: 3,
    arbitrary: fc.record({
      move: fc.constant("answer" as const),
      which: fc.nat(),
      by: thief,
      elsewhere: fc.option(resource),
      lifetimeS,
    }),
  },
  { weight: 1, arbitrary: fc.constant({ move: "look" as const }) },
);

test("whatever an adversary does, an owner's entries stay, and no signer has more than the bound", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyMove, fc.constantFrom(0, 1, 10, 4_000, 9_000)), { maxLength: 60, size: "max" }),
      (moves) => {
        const storage = storageOf({ quota: QUOTA }, view);
        const signed: Array<Signed> = [];
        /** The newest version of each entry that the storage held, and until when it must not forget it. */
        const held = new Map<string, { time: bigint; untilMs: number }>();
        let atMs = 1_000_000;
        for (const [given, afterMs] of moves) {
          atMs += afterMs;
          const sent = moveOf(given, signed, atMs);
          if (sent === undefined) continue;
          storage.tell(sent);
          checkEntries(storage, signed, held, atMs);
          checkBounds(storage);
        }
      },
    ),
    { numRuns: Math.max(runs, 100) },
  );
});

type Move = typeof anyMove extends fc.Arbitrary<infer M> ? M : never;

const moveOf = (given: Move, signed: Array<Signed>, atMs: number): ValueStorageEvent | undefined => {
  switch (given.move) {
    case "own": {
      const { resource, owner, exists, lifetimeS } = given;
      const what = { resource, node: owner, vservice: vserviceId(1n), exists, lifetimeS, storageTime: BigInt(atMs) };
      signed.push({ resource, data: registration(what), signer: owner });
      return storing(what, { by: owner, atMs });
    }
    case "forge": {
      const { by, replica, isSigned, aheadMs, node = by, ...rest } = given;
      const what = { ...rest, node, storageTime: BigInt(atMs + aheadMs) };
      if (isSigned && node === by) signed.push({ resource: rest.resource, data: registration(what), signer: by });
      const event = storing(what, { by, signer: by, replica, atMs });
      return isSigned ? event : { ...event, signers: [[undefined]] };
    }
    case "look":
      return { type: "timerFired", timer: "expire", atMs };
    default: {
      const found = signed[given.which % Math.max(1, signed.length)];
      if (found === undefined) return undefined;
      const to = given.elsewhere ?? found.resource;
      // A signature covers the Resource-ID: elsewhere it does not hold.
      const signer = to === found.resource ? signerOf(found.signer) : undefined;
      const id = bytesOfBig(to, 16);
      const values = [{ ...found.data, lifetime: given.lifetimeS }];
      const kinds: ReadonlyArray<StoreKindData> = [
        { kind: KIND, generation: given.move === "replay" && given.replica === 0 ? 0n : 9n, values },
      ];
      if (given.move === "answer")
        return {
          type: "recalled",
          to: given.by === undefined ? undefined : nodeIdFrom(given.by),
          resource: id,
          versions: [],
          kinds,
          signers: [[signer]],
          atMs,
        };
      const event = storing(
        { resource: to, node: given.by, vservice: vserviceId(0n), storageTime: 1n },
        { by: given.by, atMs },
      );
      return { ...event, body: { resource: id, replica: given.replica, kinds }, signers: [[signer]] };
    }
  }
};

type Talk = ReturnType<typeof storageOf>;

const checkEntries = (
  storage: Talk,
  signed: ReadonlyArray<Signed>,
  held: Map<string, { time: bigint; untilMs: number }>,
  atMs: number,
) => {
  const now = new Map<string, StoredData>();
  for (const resource of RESOURCES)
    for (const data of storage.fetch(resource, atMs)) {
      const owner = ownerOf(data);
      const isTheirs = signed.some(
        (known) =>
          known.resource === resource &&
          known.signer === owner &&
          known.data.storageTime === data.storageTime &&
          hexOf(known.data.signature.value) === hexOf(data.signature.value),
      );
      assert.ok(isTheirs, "an entry that its owner never signed");
      assert.ok(Number(data.storageTime) <= atMs + AHEAD_MS_MAX || owner === 666n || THIEVES.includes(owner as never));
      now.set(`${resource} ${placeOf(data)}`, data);
    }
  for (const [name, { time, untilMs }] of held) {
    const data = now.get(name);
    if (atMs >= untilMs) held.delete(name);
    else assert.ok(data !== undefined && data.storageTime >= time, "an entry went back, or went away before its time");
  }
  for (const [name, data] of now) {
    const before = held.get(name);
    if (before !== undefined && before.time === data.storageTime) continue;
    const endMs = atMs + data.lifetime * 1_000;
    const isRemoval = "key" in data.value && !data.value.value.exists;
    // A removal is stored for as long as the removed value would have been.
    held.set(name, { time: data.storageTime, untilMs: isRemoval ? Math.max(endMs, before?.untilMs ?? 0) : endMs });
  }
};

const checkBounds = (storage: Talk) => {
  const { primaries, replicas, valueTable } = storage.context();
  const owned = quotaBound(QUOTA, ownedFraction(view));
  const shared = quotaBound(QUOTA, replicatedFraction(view, REPLICAS) - ownedFraction(view));
  for (const count of Object.values(primaries)) assert.ok(count <= owned);
  for (const count of Object.values(replicas)) assert.ok(count <= shared);
  const bySigner = new Map<string, number>();
  for (const [key, , signer] of entriesIn(valueTable)) {
    const name = `${key} ${signer}`;
    bySigner.set(name, (bySigner.get(name) ?? 0) + 1);
  }
  for (const count of bySigner.values()) assert.ok(count <= ENTRIES_OF_SIGNER_MAX);
};

test("the adversary's moves are not all in vain: honest stores succeed among them", () => {
  const storage = storageOf({ quota: QUOTA }, view);
  for (let i = 0n; i < 9n; i++)
    storage.tell(
      storing({ resource: SELF, node: 666n, vservice: vserviceId(i), storageTime: 5n }, { by: 666n, atMs: 10 }),
    );
  assert.equal(
    storage.store(storing({ resource: SELF, node: 70n, vservice: vserviceId(1n), storageTime: 5n }, { atMs: 10 })),
    "stored",
  );
  assert.equal(
    storage.store(
      storing(
        { resource: SELF, node: 70n, vservice: vserviceId(1n), storageTime: BigInt(AHEAD_MS_MAX) + 11n },
        { atMs: 10 },
      ),
    ),
    "forbidden storage time",
  );
});

const GREEDY = nodeIdText(nodeIdFrom(666n));

/** A ring of so many peers, each knowing all. */
const ringOf = (ids: ReadonlyArray<NodeId>, quota: number) =>
  ids.map((self) => {
    const after = ids.filter((id) => id > self).concat(ids.filter((id) => id < self));
    const before = after.toReversed();
    const full = { ...alone, self, predecessors: before.slice(0, 20), successors: after.slice(0, 20), linked: ids };
    return { self, storage: storageOf({ quota, storesPerSecond: 1e6 }, full), view: full };
  });
const anyIds = fc
  .uniqueArray(anyNodeId(1n, (1n << 128n) - 2n), { minLength: 1, maxLength: 24 })
  .map((ids) => ids.sort((a, b) => (a < b ? -1 : 1)));

test("docs/protocol/overlay.md#storage: a greedy node keeps at most q + 3·sqrt(q·N) + 2N entries in an overlay of N peers, whatever it tries", () => {
  fc.assert(
    fc.property(
      anyIds,
      fc.integer({ min: 1, max: 60 }),
      fc.infiniteStream(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n })),
      (ids, quota, drawn) => {
        const peers = ringOf(ids, quota);
        const bound = quota + 3 * Math.sqrt(quota * ids.length) + 2 * ids.length;
        for (let tries = 0; tries < 2 * bound + 20; tries++) {
          const resource = drawn.next().value!;
          const owner = ownersOf(peers[0]!.view, resource, 1)[0];
          const peer = peers.find(({ self }) => self === owner)!;
          peer.storage.tell(storing({ resource, node: 666n, vservice: vserviceId(0n), storageTime: 1n }));
        }
        const stored = peers.reduce((sum, { storage }) => sum + (storage.context().primaries[GREEDY] ?? 0), 0);
        assert.ok(stored <= bound, `${stored} stored, the bound is ${bound}`);
      },
    ),
    { numRuns: Math.min(runs, 25) },
  );
});

test("docs/protocol/overlay.md#storage: the bound follows the fraction when nodes join and leave; what is there may be renewed, not added to", () => {
  const half: RingView = {
    ...alone,
    predecessors: [nodeIdFrom(SELF + (1n << 127n))],
    successors: [nodeIdFrom(SELF + (1n << 127n))],
  };
  const storage = storageOf({ quota: 40 });
  const whole = quotaBound(40, 1);
  const near = (i: number) => ({ resource: SELF - BigInt(i), node: 666n, vservice: vserviceId(0n), storageTime: 1n });
  for (let i = 0; i < whole; i++) assert.equal(storage.store(storing(near(i))), "stored");
  storage.tell({ type: "ring", view: half, change: "joined", atMs: 1 });
  assert.ok(quotaBound(40, 0.5) < whole);
  assert.equal(storage.store(storing(near(whole))), "dataTooLarge quota");
  assert.equal(storage.store(storing({ ...near(0), storageTime: 2n })), "stored");
  storage.tell({ type: "ring", view: alone, change: "lost", atMs: 2 });
  assert.equal(storage.store(storing(near(whole))), "dataTooLarge quota", "the whole ring again: the bound is met");
});

test("docs/protocol/overlay.md#storage: limits are the identity's: one Node-ID from many places meets one limit, many at one place each its own", () => {
  const storage = storageOf({ storesPerSecond: 1 });
  const from = (signer: bigint, way: bigint, i: number) => {
    const event = storing(
      { resource: SELF, node: signer, vservice: vserviceId(0n), storageTime: BigInt(i + 1) },
      { atMs: 0 },
    );
    return storage.store({ ...event, asked: { ...event.asked, from: nodeIdFrom(way) } });
  };
  const one = Array.from({ length: 12 }, (_, i) => from(70n, BigInt(i), i));
  assert.equal(one.filter((said) => said === "stored").length, 4); // twice the rate, two seconds' worth
  assert.equal(one.at(-1), "forbidden rate");
  for (let i = 0; i < 12; i++) assert.equal(from(100n + BigInt(i), 5n, i), "stored");
});

test("RFC 6940 §7.4.1.1: a newer version is fetched from the node that has it, and stored like a replica: within the bounds", () => {
  const storage = storageOf({ quota: QUOTA }, view);
  const what = { resource: SELF, node: 70n, vservice: vserviceId(1n), storageTime: 5n };
  const [copy] = storage
    .tell(storing(what, { atMs: 10 }))
    .flatMap((action) => (action.type === "copy" ? [action] : []));
  const asked = storage.tell({ type: "copied", to: S1, versions: copy!.versions, outcome: "older", atMs: 20 });
  const resource = bytesOfBig(SELF, 16);
  assert.deepEqual(asked, [{ type: "inquire", to: S1, resource, versions: copy!.versions, isNewer: true }]);
  const told = (storageTime: bigint, node = 70n, id = SELF): ValueStorageEvent => ({
    type: "recalled",
    to: S1,
    resource: bytesOfBig(id, 16),
    versions: [],
    kinds: [{ kind: KIND, generation: 6n, values: [registration({ ...what, node, storageTime })] }],
    signers: [[signerOf(node)]],
    atMs: 30,
  });
  const types = storage.tell(told(9n)).map(({ type }) => type);
  assert.equal(types[0], "save", "the newer version is kept before anything else");
  assert.deepEqual(
    storage.fetch(SELF, 40).map(({ storageTime }) => storageTime),
    [9n],
  );
  storage.tell(told(7n));
  assert.equal(storage.fetch(SELF, 40)[0]!.storageTime, 9n, "an older one replaces nothing");
  for (let i = 0; i < 50; i++) storage.tell(told(9n, 666n, nodeIdFrom(SELF - BigInt(i))));
  assert.equal(storage.context().primaries[GREEDY], quotaBound(QUOTA, ownedFraction(view)));
});

test("an array ends where its count ends: no value far out makes every fetch a list of gaps", () => {
  const storage = storageOf();
  const at = (index: number): ValueStorageEvent => {
    const event = storing({
      resource: SELF,
      node: 70n,
      vservice: vserviceId(0n),
      storageTime: BigInt(index % 1_000) + 1n,
    });
    const value = { index, value: { exists: true, value: Uint8Array.of(1) } };
    const signature = ecdsaSignature(identityOf(new Uint8Array(1)), bytesOfBig(BigInt(index), 8));
    const values = [{ storageTime: BigInt(index % 1_000) + 1n, lifetime: 60, value, signature }];
    const kinds = [{ kind: kindId.certificateByNode, generation: 0n, values }];
    return { ...event, body: { resource: resourceOfNode(nodeIdFrom(70n)), replica: 0, kinds } };
  };
  assert.equal(storage.store(at(3)), "stored");
  for (const index of [4, 1_000, 0x7fff_ffff, 0xffff_fffe])
    assert.equal(storage.store(at(index)), "dataTooLarge count");
});
