/**
 * What a storage accepts, refuses, answers, copies and forgets: RFC 6940 §7.4 and §10.4, docs/protocol/overlay.md#storage,
 * and a map as its model.
 */

import * as assert from "node:assert/strict";
import fc from "fast-check";
import {
  type BodyOf,
  decodeRegistrationKey,
  ecdsaSignature,
  encodeRegistrationKey,
  identityOf,
  kindId,
  type NodeId,
  nodeIdFrom,
  noSignature,
  resourceOfNode,
  type StoredData,
} from "../../codecs/reload/mod.ts";
import { bigOf, bytesOfBig, hexOf, nodeIdText, vserviceId } from "../../codecs/shared/mod.ts";
import {
  ENTRIES_OF_SIGNER_MAX,
  quotaBound,
  type RingView,
  reloadStorage,
  resourcesOf,
  type ValueStorageAction,
  type ValueStorageEvent,
} from "../../machines/reload/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";
import { nodeIds } from "../kit/node-ids.ts";
import {
  alone,
  asking,
  fetching,
  KIND,
  registration,
  SELF,
  settings,
  signerOf,
  storageOf,
  storing,
} from "./storage-talk.ts";

const NUMBER = SELF - 5n;
const [ALICE, MALLORY] = [77n, 666n];
const first = { resource: NUMBER, node: ALICE, vservice: vserviceId(3n), storageTime: 10n };

// RFC 6940 §7, §7.4.1.1, §10.4, §13.5.3
test("RFC 6940 §7.4.1: stored once, found; stored again later, replaced; earlier, refused", () => {
  const storage = storageOf();
  assert.equal(storage.store(storing(first)), "stored");
  assert.equal(storage.store(storing(first)), "stored"); // the same once more: a retransmission
  assert.equal(storage.store(storing({ ...first, storageTime: 9n })), "dataTooOld");
  assert.equal(storage.store(storing({ ...first, storageTime: 11n })), "stored");
  const found = storage.fetch(NUMBER);
  assert.equal(found.length, 1);
  assert.equal(found[0]!.storageTime, 11n);
});

// RFC 6940 §7.3, §7.4.1.1
test("docs/protocol/overlay.md#the-vipr-usage: VIPR-MATCH, from every side a thief may try", () => {
  const storage = storageOf();
  assert.equal(storage.store(storing(first)), "stored");
  const later = { ...first, storageTime: 20n };
  const refusals = [
    storing(later, { by: MALLORY }), // signed by the thief, Alice's key
    storing(later, { by: MALLORY, signer: ALICE }), // Alice's value, sent again by the thief
    storing({ ...later, node: MALLORY, contact: ALICE }, {}), // its own key, Alice's contact
    storing({ ...later, contact: MALLORY }, { by: ALICE }), // Alice's key, the thief's contact
    storing({ ...later, exists: false }, { by: MALLORY }), // a removal by another
  ];
  for (const event of refusals) assert.equal(storage.store(event), "forbidden VIPR-MATCH");
  const unsigned = storing(later) as Extract<ValueStorageEvent, { type: "storeReq" }>;
  assert.equal(storage.store({ ...unsigned, signers: [[undefined]] }), "forbidden signature");
  const none = unsigned.body.kinds.map((kind) => ({
    ...kind,
    values: (kind.values as ReadonlyArray<StoredData>).map((value) => ({ ...value, signature: noSignature })),
  }));
  assert.equal(storage.store({ ...unsigned, body: { ...unsigned.body, kinds: none } }), "forbidden signature");
  assert.deepEqual(
    storage.fetch(NUMBER).map(({ storageTime }) => storageTime),
    [10n],
  );
});

test("RFC 6940 §11.1: a Kind that the document has no longer is discarded with all that is stored of it", () => {
  const storage = storageOf();
  storage.store(storing(first));
  const look = () => storage.tell({ type: "timerFired", timer: "expire", atMs: 60_000 });
  look();
  assert.equal(storage.context().valueTable.resources, 1);
  storage.tell({
    type: "configured",
    policy: { ...settings, kinds: settings.kinds.filter(({ kind }) => kind !== KIND) },
  });
  look();
  assert.equal(storage.context().valueTable.resources, 0);
});

test("what a bad node stored goes at the next look, and nothing else does", () => {
  const storage = storageOf();
  storage.store(storing(first));
  storage.store(storing({ ...first, node: MALLORY }));
  storage.tell({ type: "configured", policy: { ...settings, badNodes: [nodeIdFrom(MALLORY)] } });
  storage.tell({ type: "timerFired", timer: "expire", atMs: 60_000 });
  assert.deepEqual(
    storage.fetch(NUMBER).map((value) => hexOf((value.value as { key: Uint8Array }).key)),
    [hexOf(encodeRegistrationKey({ nodeId: nodeIdFrom(ALICE), vservice: vserviceId(3n) }))],
  );
});

test("RFC 6940 §7.4.1.3: an owner removes its entry, and an old copy of it does not come back", () => {
  const storage = storageOf();
  storage.store(storing(first));
  assert.equal(storage.store(storing({ ...first, storageTime: 20n, exists: false })), "stored");
  const [left] = storage.fetch(NUMBER);
  assert.ok(left !== undefined && "key" in left.value && !left.value.value.exists);
  assert.equal(storage.store(storing(first, { replica: 1 })), "dataTooOld");
});

const [BEFORE, AFTER] = [nodeIdFrom(SELF - 10n), nodeIdFrom(SELF + 10n)];
// RFC 6940 §6.3.3.1, §7.4.1.2
test("RFC 6940 §7.4.1.1: generations, Kinds, places that are not ours, atomicity", () => {
  const view = { ...alone, predecessors: [BEFORE], successors: [AFTER], linked: [BEFORE, AFTER] };
  const storage = storageOf({}, view);
  assert.equal(storage.store(storing({ ...first, resource: SELF + 3n })), "notFound not responsible");
  assert.equal(storage.store(storing(first)), "stored");
  assert.match(
    storage.store(storing({ ...first, storageTime: 30n }, { generation: 7n })),
    /^generationCounterTooLow 000ef00001000000000000000001/,
  );
  assert.equal(storage.store(storing({ ...first, storageTime: 31n }, { generation: 1n })), "stored");
  const two = storing({ ...first, storageTime: 40n }) as Extract<ValueStorageEvent, { type: "storeReq" }>;
  const kind = two.body.kinds[0]!;
  const stranger = { ...kind, kind: 0xf0000777, values: new Uint8Array() };
  assert.equal(storage.store({ ...two, body: { ...two.body, kinds: [kind, stranger] } }), "unknownKind 04f0000777");
  assert.equal(
    storage.store({ ...two, body: { ...two.body, kinds: [kind, kind] } }),
    "invalidMessage a Kind stands twice",
  );
  const bad = registration({ ...first, vservice: vserviceId(4n), node: MALLORY, storageTime: 41n });
  const values = [...(kind.values as ReadonlyArray<StoredData>), bad];
  const both = {
    ...two,
    body: { ...two.body, kinds: [{ ...kind, values }] },
    signers: [[signerOf(ALICE), signerOf(ALICE)]],
  };
  assert.equal(storage.store(both), "forbidden VIPR-MATCH");
  assert.deepEqual(
    storage.fetch(NUMBER).map(({ storageTime }) => storageTime),
    [31n],
    "a Store is done whole or not at all",
  );
});

// RFC 6940 §7.3, §7.4.1.1
test("RFC 6940 §10.4: replicas come from the replica set only", () => {
  const view = {
    ...alone,
    predecessors: nodeIds(SELF - 10n, SELF - 20n, SELF - 30n, SELF - 40n),
    successors: nodeIds(SELF + 10n, SELF + 20n, SELF + 30n),
  };
  const storage = storageOf({}, view);
  const theirs = { ...first, resource: SELF - 15n };
  const from = (by: bigint) => storage.store(storing(theirs, { by, signer: ALICE, replica: 1 }));
  assert.equal(from(SELF - 10n), "stored");
  assert.equal(from(SELF + 30n), "stored"); // a neighbour, as the ring may have lain in two
  assert.equal(from(MALLORY), "forbidden not of the replica set");
});

test("one node cannot fill a number with claims of its own and shut the owner out", () => {
  const storage = storageOf();
  const claim = (i: number) =>
    storing({ ...first, node: MALLORY, vservice: vserviceId(BigInt(i)), storageTime: BigInt(i + 1) });
  for (let i = 0; i < ENTRIES_OF_SIGNER_MAX; i++) assert.equal(storage.store(claim(i)), "stored");
  assert.equal(storage.store(claim(ENTRIES_OF_SIGNER_MAX)), "dataTooLarge signer");
  assert.equal(storage.store(storing({ ...first, node: ALICE, storageTime: 99n })), "stored");
});

// RFC 6940 §7.4.1.2, §13.5.2
test("docs/protocol/overlay.md#the-vipr-usage: 64 entries a number, 4 KiB each", () => {
  const storage = storageOf();
  for (let i = 0; i < 64; i++)
    assert.equal(storage.store(storing({ ...first, node: BigInt(i + 1), storageTime: 1n })), "stored");
  assert.equal(storage.store(storing({ ...first, node: 65n, storageTime: 1n })), "dataTooLarge count");
  const certificate = (size: number): ValueStorageEvent => ({
    type: "storeReq",
    asked: asking(ALICE, 0),
    body: {
      resource: resourceOfNode(nodeIdFrom(ALICE)),
      replica: 0,
      kinds: [
        {
          kind: kindId.certificateByNode,
          generation: 0n,
          values: [
            {
              storageTime: BigInt(size),
              lifetime: 60,
              value: { index: 0xffff_ffff, value: { exists: true, value: new Uint8Array(size) } },
              signature: ecdsaSignature(identityOf(new Uint8Array(1)), Uint8Array.of(1)),
            },
          ],
        },
      ],
    },
    signers: [[signerOf(ALICE)]],
    users: [],
  });
  assert.equal(storage.store(certificate(8_192)), "stored");
  assert.equal(storage.store(certificate(8_193)), "dataTooLarge size");
  assert.equal(storage.store(certificate(10)), "stored"); // appended: index 1
  const kinds = [...resourcesOf(storage.context().valueTable)].map(([, { kinds }]) => kinds[3]);
  assert.deepEqual(
    kinds.flatMap((kind) => Object.keys(kind?.entries ?? {})),
    ["0", "1"],
  );
});

// ViPR overview §5.1
test("docs/protocol/overlay.md#storage: a greedy node meets its quota, others do not feel it", () => {
  const storage = storageOf({ quota: 20 });
  const bound = quotaBound(20, 1);
  let stored = 0;
  for (let i = 0; i < 100; i++)
    if (storage.store(storing({ ...first, resource: NUMBER - BigInt(i), storageTime: 1n })) === "stored") stored++;
  assert.equal(stored, bound);
  assert.equal(storage.store(storing({ ...first, resource: 4n, storageTime: 1n })), "dataTooLarge quota");
  assert.equal(storage.store(storing({ ...first, storageTime: 2n })), "stored"); // what it has it may renew
  assert.equal(storage.store(storing({ ...first, node: 5n })), "stored");
});

test("a node that is still joining takes what the admitting peer hands over", () => {
  const storage = storageOf(
    {},
    { ...alone, joined: false, predecessors: [nodeIdFrom(SELF - 9n)], successors: [nodeIdFrom(SELF + 9n)] },
  );
  for (let i = 0n; i < 8n; i++) {
    const theirs = { ...first, resource: SELF - 1n - i };
    assert.equal(storage.store(storing(theirs, { by: SELF + 9n, signer: ALICE, replica: 1 })), "stored");
  }
});

test("docs/protocol/overlay.md#storage: a node that asks too fast is refused", () => {
  const storage = storageOf({ storesPerSecond: 2, fetchesPerSecond: 2 });
  const said = Array.from({ length: 12 }, (_, i) => storage.store(storing({ ...first, storageTime: BigInt(i + 1) })));
  assert.equal(said.filter((word) => word === "stored").length, 8);
  assert.equal(said.at(-1), "forbidden rate");
  assert.equal(storage.store(storing({ ...first, storageTime: 99n }, { atMs: 1_000 })), "stored");
});

// RFC 6940 §6.4.2.5.2, §7.4.2.2, §7.4.4.2
test("RFC 6940 §7.4.2, §7.4.3, §7.4.4, §6.4.2.5: keys asked for, digests, the nearest resource, a probe", () => {
  const storage = storageOf();
  storage.store(storing(first));
  const reply = (event: ValueStorageEvent) => {
    const said = storage.tell(event).find(({ type }) => type === "answer");
    assert.ok(said?.type === "answer");
    return said.body;
  };
  const key = encodeRegistrationKey({ nodeId: nodeIdFrom(ALICE), vservice: vserviceId(3n) });
  const absent = encodeRegistrationKey({ nodeId: nodeIdFrom(ALICE), vservice: vserviceId(4n) });
  const specifiers = [{ kind: KIND, generation: 0n, specifier: [key, absent] }];
  const body = { resource: bytesOfBig(NUMBER, 16), specifiers };
  const fetched = reply({ type: "fetchReq", asked: asking(9n, 0), body }) as { value: BodyOf<"fetchAns"> };
  const [present, missing] = fetched.value.kinds[0]!.values as ReadonlyArray<StoredData>;
  assert.equal(present!.storageTime, 10n);
  assert.deepEqual(missing!.signature, noSignature);
  const again = { ...body, specifiers: [{ ...specifiers[0]!, generation: 1n }] };
  const unchanged = reply({ type: "fetchReq", asked: asking(9n, 0), body: again }) as { value: BodyOf<"fetchAns"> };
  assert.deepEqual(unchanged.value.kinds[0]!.values, []);
  const stat = reply({ type: "statReq", asked: asking(9n, 0), body }) as { value: BodyOf<"statAns"> };
  assert.equal((stat.value.kinds[0]!.values as ReadonlyArray<unknown>).length, 2);
  const find = reply({
    type: "findReq",
    asked: asking(9n, 0),
    body: { resource: bytesOfBig(1n, 16), kinds: [KIND, 3] },
  });
  assert.deepEqual(find.value, {
    results: [
      { kind: KIND, closest: bytesOfBig(NUMBER, 16) },
      { kind: 3, closest: new Uint8Array() },
    ],
  });
  const probe = reply({
    type: "probeReq",
    asked: asking(9n, 7_000),
    body: { requested: ["uptime", 77, "responsibleSet", "numResources"] },
  });
  assert.deepEqual(probe.value, {
    information: [
      { type: "uptime", value: 7 },
      { type: "responsibleSet", value: 1e9 },
      { type: "numResources", value: 1 },
    ],
  });
});

// RFC 6940 §7.4.1.1
test("a value ends with its lifetime, which shrinks as it is passed on", () => {
  const storage = storageOf();
  storage.store(storing({ ...first, lifetimeS: 100 }));
  assert.equal(storage.fetch(NUMBER, 40_000)[0]!.lifetime, 60);
  assert.equal(storage.fetch(NUMBER, 100_000).length, 0);
  storage.tell({ type: "timerFired", timer: "expire", atMs: 100_000 });
  assert.equal(storage.context().valueTable.resources, 0);
  assert.deepEqual(storage.context().primaries, {});
});

// RFC 6940 §7.4.1.1, §10.7.1
test("RFC 6940 §10.4, §10.7.3: two replicas, and new ones when the ring changes", () => {
  const [a, b, c] = nodeIds(SELF + 10n, SELF + 20n, SELF + 30n) as [NodeId, NodeId, NodeId];
  const view = { ...alone, predecessors: [c, b, a], successors: [a, b, c], linked: [a, b, c] };
  const storage = storageOf({}, view);
  const copies = (actions: ReadonlyArray<ValueStorageAction>) =>
    actions.flatMap((action) => (action.type === "copy" ? [action] : []));
  const sent = copies(storage.tell(storing(first)));
  assert.deepEqual(
    sent.map(({ to, body }) => [to, body.replica, body.kinds[0]!.generation]),
    [
      [a, 1, 1n],
      [b, 2, 1n],
    ],
  );
  for (const { to, versions } of sent) storage.tell({ type: "copied", to, versions, outcome: "stored", atMs: 1 });
  // A loss: nothing until the hold-down is over, then the node without a copy gets one.
  const without = { ...view, successors: [b, c], predecessors: [c, b], linked: [b, c] };
  const lost = storage.tell({ type: "ring", view: without, change: "lost", atMs: 2 });
  assert.deepEqual(copies(lost), []);
  assert.deepEqual(
    lost.filter(({ type }) => type === "startTimer").map((action) => (action as { ms: number }).ms),
    [30_000],
  );
  const repaired = copies(storage.tell({ type: "timerFired", timer: "repair", atMs: 30_002 }));
  assert.deepEqual(
    repaired.map(({ to }) => to),
    [c],
  );
});

// RFC 6940 §6.4.2.1
test("RFC 6940 §10.5 step 6: a joining node gets the values that it will be responsible for, and then this is reported", () => {
  const storage = storageOf();
  const joiner = SELF / 2n;
  storage.store(storing({ ...first, resource: joiner - 1n }));
  storage.store(storing({ ...first, resource: joiner + 1n }));
  const actions = storage.tell({ type: "handOver", to: nodeIdFrom(joiner), atMs: 1 });
  const [copy] = actions.flatMap((action) => (action.type === "copy" ? [action] : []));
  assert.equal(actions.filter(({ type }) => type === "copy").length, 1);
  assert.equal(bigOf(copy!.body.resource), joiner - 1n);
  const done = storage.tell({
    type: "copied",
    to: nodeIdFrom(joiner),
    versions: copy!.versions,
    outcome: "stored",
    atMs: 2,
  });
  assert.deepEqual(done, [{ type: "handedOver", to: joiner }]);
});

const roundedUp = (endMs: number, atMs: number): number => atMs + Math.ceil((endMs - atMs) / 1_000) * 1_000;

/** The storage alone in its ring against a map: what is stored, replaced, removed and expired. */
// RFC 6940 §7.4.1.3; docs/protocol/overlay.md
test("the storage does as a map would", () => {
  const nodes = fc.constantFrom(1n, 2n, 3n);
  const command = fc.record({
    resource: fc.constantFrom(10n, 11n),
    node: nodes,
    by: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: nodes }),
    vservice: fc.constantFrom(0n, 1n).map(vserviceId),
    storageTime: fc.bigInt({ min: 1n, max: 6n }),
    exists: fc.boolean(),
    lifetimeS: fc.integer({ min: 1, max: 20 }),
    afterMs: fc.nat(5_000),
  });
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
      const storage = storageOf();
      const model = new Map<string, { time: bigint; exists: boolean; endMs: number }>();
      let atMs = 0;
      for (const { by, afterMs, ...given } of commands) {
        atMs += afterMs;
        for (const [key, { endMs }] of model) if (endMs <= atMs) model.delete(key);
        const key = `${given.resource} ${given.node} ${given.vservice}`;
        const held = model.get(key);
        const said = storage.store(storing(given, { by: by ?? given.node, atMs }));
        if (by !== undefined && by !== given.node) assert.equal(said, "forbidden VIPR-MATCH");
        else if (held !== undefined && held.time > given.storageTime) assert.equal(said, "dataTooOld");
        else if (held === undefined || held.time < given.storageTime) {
          assert.equal(said, "stored");
          const endMs = atMs + given.lifetimeS * 1_000;
          // A removal is remembered for as long as what it removed would have lived.
          const untilMs = given.exists || held === undefined ? endMs : Math.max(endMs, roundedUp(held.endMs, atMs));
          model.set(key, { time: given.storageTime, exists: given.exists, endMs: untilMs });
        }
        for (const resource of [10n, 11n]) {
          const found = storage.fetch(resource, atMs).map(({ value, storageTime }) => {
            assert.ok("key" in value);
            const read = decodeRegistrationKey(value.key);
            assert.ok(read.ok);
            return [`${resource} ${read.value.nodeId} ${read.value.vservice}`, storageTime, value.value.exists];
          });
          const wanted = [...model].flatMap(([key, { time, exists }]) =>
            key.startsWith(`${resource} `) ? [[key, time, exists]] : [],
          );
          assert.deepEqual(found.sort(), wanted.sort());
        }
      }
    }),
    { numRuns: runs },
  );
});

const anyId = fc.constantFrom(...nodeIds(SELF, SELF - 10n, SELF + 10n, SELF + 20n, 5n, 1n << 127n));
const anyView = fc
  .record({ joined: fc.boolean(), others: fc.uniqueArray(anyId, { maxLength: 5 }) })
  .map(({ joined, others }): RingView => {
    const linked = others.filter((node) => node !== SELF);
    return {
      self: SELF,
      joined,
      predecessors: linked.slice(0, 3),
      successors: linked.toReversed().slice(0, 3),
      fingers: [],
      linked,
    };
  });
const anyRegistration = fc.record(
  {
    resource: anyId,
    node: anyId,
    vservice: fc.constantFrom(0n, 1n).map(vserviceId),
    storageTime: fc.bigInt({ min: 1n, max: 4n }),
    lifetimeS: fc.integer({ min: 1, max: 9 }),
  },
  { noNullPrototype: true },
);
const hour = fc.nat(20_000);
/** What only looks at values: their metadata, the resources that have some, how much there is. */
const looking = ([id, atMs, type]: readonly [
  bigint,
  number,
  "statReq" | "findReq" | "probeReq",
]): ValueStorageEvent => {
  const asked = asking(9n, atMs);
  const resource = bytesOfBig(id, 16);
  if (type === "probeReq") return { type, asked, body: { requested: ["responsibleSet", "numResources", "uptime"] } };
  if (type === "findReq") return { type, asked, body: { resource, kinds: [KIND] } };
  return { type, asked, body: { resource, specifiers: [{ kind: KIND, generation: 0n, specifier: [] }] } };
};
machineLaws(reloadStorage, {
  inputs: fc
    .record({ quota: fc.integer({ min: 1, max: 5 }), storesPerSecond: fc.constantFrom(1, 1_000) })
    .map((given) => ({ ...settings, ...given })),
  events: () =>
    fc.oneof(
      fc
        .tuple(anyRegistration, anyId, fc.nat(2), hour)
        .map(([given, by, replica, atMs]) => storing(given, { by, signer: given.node, replica, atMs })),
      fc.tuple(anyId, hour).map(([resource, atMs]) => fetching(resource, atMs)),
      fc.tuple(anyId, hour, fc.constantFrom("statReq" as const, "findReq" as const, "probeReq" as const)).map(looking),
      fc
        .tuple(anyView, fc.constantFrom("joined" as const, "lost" as const), hour)
        .map(([view, change, atMs]): ValueStorageEvent => ({ type: "ring", view, change, atMs })),
      fc.tuple(anyId, hour).map(([to, atMs]): ValueStorageEvent => ({ type: "handOver", to, atMs })),
      fc.tuple(anyId, fc.constantFrom("stored" as const, "refused" as const, "unanswered" as const), anyId, hour).map(
        ([to, outcome, resource, atMs]): ValueStorageEvent => ({
          type: "copied",
          to,
          versions: [
            {
              resource: hexOf(bytesOfBig(resource, 16)),
              kind: KIND,
              place: `${nodeIdText(nodeIdFrom(5n))}0000000000000000`,
              storageTime: 1n,
            },
          ],
          outcome,
          atMs,
        }),
      ),
      fc.tuple(anyRegistration, fc.option(anyId, { nil: undefined }), hour).map(
        ([given, to, atMs]): ValueStorageEvent => ({
          type: "recalled",
          to,
          resource: bytesOfBig(given.resource, 16),
          versions: [],
          kinds: [{ kind: KIND, generation: 2n, values: [registration(given)] }],
          signers: [[signerOf(given.node)]],
          atMs,
        }),
      ),
      fc.tuple(anyRegistration, hour).map(([given, atMs]): ValueStorageEvent => {
        const entry = { data: registration(given), signer: signerOf(given.node), storedMs: 1, copies: [], safe: false };
        const resource = bytesOfBig(given.resource, 16);
        return { type: "restored", values: [{ type: "entry", resource, kind: KIND, entry }], atMs };
      }),
      anyId.map(
        (id): ValueStorageEvent => ({ type: "unsaved", was: [{ id: bytesOfBig(id, 16), resource: undefined }] }),
      ),
      fc.nat(9).map((ticket): ValueStorageEvent => ({ type: "statusAsked", ticket })),
      fc
        .integer({ min: 1, max: 5 })
        .map((quota): ValueStorageEvent => ({ type: "configured", policy: { ...settings, quota } })),
      fc.constant<ValueStorageEvent>({ type: "closed" }),
    ),
});
