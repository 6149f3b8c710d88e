/** Answers from what is stored: unknown Kinds, ranges of an array, Find; and what the answer to a Store has. RFC 6940 §7.4. */

import * as assert from "node:assert/strict";
import fc from "fast-check";
import {
  type BodyOf,
  ecdsaSignature,
  identityOf,
  kindId,
  nodeIdFrom,
  optionFlag,
  Packet,
  resourceOfNode,
  type StoredData,
} from "../../codecs/reload/mod.ts";
import { bytesOfBig, hexOf, vserviceId } from "../../codecs/shared/mod.ts";
import { replyTo, type ValueStorageAction, type ValueStorageEvent } from "../../machines/reload/mod.ts";
import { arbitraryOf } from "../kit/arbitrary.ts";
import { runs, test } from "../kit/harness.ts";
import { nodeIds } from "../kit/node-ids.ts";
import { alone, asking, fetching, KIND, SELF, signerOf, storageOf, storing } from "./storage-talk.ts";

const NUMBER = SELF - 5n;
const [ALICE, BOB] = [77n, 78n];
const UNKNOWN_KIND = 0xf0000777;
const first = { resource: NUMBER, node: ALICE, vservice: vserviceId(3n), storageTime: 10n };
const resource = bytesOfBig(NUMBER, 16);

const saidTo = (actions: ReadonlyArray<ValueStorageAction>): string => {
  const said = actions.find(({ type }) => type === "answer" || type === "refuse");
  if (said?.type !== "refuse") return said?.type ?? "nothing";
  return `${said.error} ${typeof said.info === "string" ? said.info : hexOf(said.info)}`.trim();
};

// RFC 6940 §7.4.1.2, §7.4.4.1, §7.4.4.2
test("RFC 6940 §7.4.2.1, §7.4.4: unknown Kinds, a Kind that stands twice, a place that is not ours", () => {
  const [before, after] = nodeIds(SELF - 10n, SELF + 10n);
  const storage = storageOf({}, { ...alone, predecessors: [before!], successors: [after!], linked: [before!, after!] });
  const asked = asking(9n, 0);
  const specifiers = [{ kind: UNKNOWN_KIND, generation: 0n, specifier: new Uint8Array() }];
  for (const type of ["fetchReq", "statReq"] as const)
    assert.equal(saidTo(storage.tell({ type, asked, body: { resource, specifiers } })), "unknownKind 04f0000777");
  const find = (kinds: ReadonlyArray<number>, of = NUMBER) =>
    saidTo(storage.tell({ type: "findReq", asked, body: { resource: bytesOfBig(of, 16), kinds } }));
  assert.equal(find([KIND, 3]), "answer");
  assert.equal(find([KIND, 3, KIND]), "invalidMessage a Kind stands twice");
  assert.equal(find([KIND], SELF + 3n), "notFound not responsible");
});

/** Alice's certificates: an array, whose values are stored at indices of their own. */
const atIndex = (index: number): ValueStorageEvent => {
  const signature = ecdsaSignature(identityOf(new Uint8Array(1)), Uint8Array.of(1));
  const data: StoredData = {
    storageTime: 1n,
    lifetime: 60,
    value: { index, value: { exists: true, value: Uint8Array.of(index) } },
    signature,
  };
  return {
    type: "storeReq",
    asked: asking(ALICE, 0),
    body: {
      resource: resourceOfNode(nodeIdFrom(ALICE)),
      replica: 0,
      kinds: [{ kind: kindId.certificateByNode, generation: 0n, values: [data] }],
    },
    signers: [[signerOf(ALICE)]],
    users: [],
  };
};

test("RFC 6940 §7.4.2.1: of ranges of an array each index is answered once, whatever the ranges are", () => {
  const end = fc.integer({ min: -1, max: 9 });
  const ranges = fc.array(fc.record({ first: end, last: end }, { noNullPrototype: true }), { maxLength: 5 });
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { minLength: 1 }), ranges, (indices, specifier) => {
      const storage = storageOf();
      for (const index of indices) assert.equal(storage.store(atIndex(index)), "stored");
      const specifiers = [{ kind: kindId.certificateByNode, generation: 0n, specifier }];
      const body = { resource: resourceOfNode(nodeIdFrom(ALICE)), specifiers };
      const said = storage.tell({ type: "fetchReq", asked: asking(9n, 0), body }).find(({ type }) => type === "answer");
      assert.ok(said?.type === "answer" && said.body.type === "fetchAns");
      const found = (said.body.value.kinds[0]!.values as ReadonlyArray<StoredData>).map(({ value }) => {
        assert.ok("index" in value);
        return [value.index, value.value.exists] as const;
      });
      // -1 is the array's end. A range whose first index is above its second has none.
      const last = Math.max(...indices);
      const wanted = [0, 1, 2, 3].filter((index) =>
        specifier.some((range) => {
          const [from, to] = [range.first, range.last].map((one) => (one === -1 ? last : one)) as [number, number];
          return index >= from && index <= Math.min(to, last);
        }),
      );
      assert.deepEqual(
        found.toSorted(([a], [b]) => a - b),
        wanted.map((index) => [index, indices.includes(index)]),
      );
    }),
    { numRuns: runs },
  );
});

test("RFC 6940 §7.4.1.2: the answer to a Store has each Kind's generation and the nodes that get replicas", () => {
  const [a, b, c] = nodeIds(SELF + 10n, SELF + 20n, SELF + 30n);
  const storage = storageOf({}, { ...alone, predecessors: [c!], successors: [a!, b!, c!], linked: [a!, b!, c!] });
  for (const generation of [1n, 2n]) {
    const said = storage
      .tell(storing({ ...first, storageTime: 10n + generation }))
      .find(({ type }) => type === "answer");
    assert.ok(said?.type === "answer" && said.body.type === "storeAns");
    const { kinds }: BodyOf<"storeAns"> = said.body.value;
    assert.deepEqual(kinds, [{ kind: KIND, generation, replicas: [a, b] }]);
  }
});

const view = { ...alone, predecessors: nodeIds(SELF - 10n, SELF - 20n), successors: nodeIds(SELF + 10n) };
const copy = (generation: bigint, storageTime: bigint) =>
  storing({ ...first, resource: SELF - 15n, storageTime }, { by: SELF - 10n, signer: ALICE, replica: 1, generation });

test("RFC 6940 §7.4.1.1: a replica's generation is taken over, is not compared, and is not 0", () => {
  const storage = storageOf({}, view);
  const generation = () => {
    const said = storage.tell(fetching(SELF - 15n)).find(({ type }) => type === "answer");
    return said?.type === "answer" && said.body.type === "fetchAns" ? said.body.value.kinds[0]!.generation : undefined;
  };
  for (const [at, taken] of [7n, 3n, 99n].entries()) {
    assert.equal(storage.store(copy(taken, BigInt(10 + at))), "stored");
    assert.equal(generation(), taken);
  }
  assert.equal(storage.store(copy(0n, 20n)), "invalidMessage a replica without a generation");
  assert.equal(generation(), 99n);
});

test("RFC 6940 §7.3: a replica is stored for the signer of its value, whoever brings it, and for nobody else", () => {
  const storage = storageOf({}, view);
  const theirs = copy(1n, 10n);
  assert.equal(storage.store({ ...theirs, signers: [[signerOf(BOB)]] }), "forbidden VIPR-MATCH");
  assert.equal(storage.store({ ...theirs, signers: [[undefined]] }), "forbidden signature");
  assert.equal(storage.fetch(SELF - 15n).length, 0);
  assert.equal(storage.store(theirs), "stored");
});

// RFC 6940 §14.12
test("RFC 6940 §6.3.2.3: an answer has the options that are to be copied, their flags cleared, and no others", () => {
  fc.assert(
    fc.property(arbitraryOf(Packet), (packet) => {
      const copied = packet.options.filter(({ flags }) => (flags & optionFlag.responseCopy) !== 0);
      const { options } = replyTo(packet, SELF);
      assert.deepEqual(
        options,
        copied.map((option) => ({ ...option, flags: option.flags & ~7 })),
      );
    }),
    { numRuns: runs },
  );
  const option = (flags: number) => ({ type: 9, flags, option: Uint8Array.of(flags) });
  const options = [0, 1, 2, 4, 7, 0xf4].map(option);
  const [packet] = fc.sample(arbitraryOf(Packet), 1);
  assert.deepEqual(
    replyTo({ ...packet!, options }, SELF).options.map(({ flags, option }) => [option[0], flags]),
    [
      [4, 0],
      [7, 0],
      [0xf4, 0xf0],
    ],
  );
});
