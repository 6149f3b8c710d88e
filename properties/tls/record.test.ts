/** Protected records: what comes out is what went in, or nothing; never something else. And what waits for its rest. */
import { ok, deepStrictEqual as same } from "node:assert";
import { cbc } from "@noble/ciphers/aes.js";
import fc from "fast-check";
import { concat } from "../../codecs/shared/mod.ts";
import type { ContentType } from "../../codecs/tls/mod.ts";
import { append, type BufferedBytes, bufferedSize, peek, take } from "../../machines/tls/buffered-bytes.ts";
import { noInbound, received, takeUnit, type Unit } from "../../machines/tls/inbound.ts";
import {
  type Protection,
  protect,
  RECORDS_MAX,
  unprotect,
  type WriteProtection,
  writeRecords,
} from "../../machines/tls/record.ts";
import { runs, test } from "../kit/harness.ts";

const writes: fc.Arbitrary<WriteProtection> = fc.record(
  {
    macKey: fc.uint8Array({ minLength: 20, maxLength: 20 }),
    key: fc.constantFrom(16, 32).chain((size) => fc.uint8Array({ minLength: size, maxLength: size })),
    ivKey: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    encryptThenMac: fc.boolean(),
    sequence: fc.nat(2 ** 31),
  },
  { noNullPrototype: true },
);
const contents = fc.uint8Array({ maxLength: 300 });
const types = fc.constantFrom<ContentType>("handshake", "alert", "applicationData", "changeCipherSpec");
const law = (name: string, property: fc.IProperty<any>) =>
  test(`records: ${name}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));

law(
  "what is protected is opened",
  fc.property(writes, types, contents, (write, type, content) => {
    same(unprotect(write, type, protect(write, type, content)), content);
  }),
);
/** A record's bytes behind its IV, by AES-CBC as they are. */
const cbcOf = ({ key }: WriteProtection, record: Uint8Array) =>
  cbc(key, record.subarray(0, 16), { disablePadding: true });
law(
  "MAC then encrypt: padding that says more than there is opens nothing, where the MAC is right too. RFC 5246 §6.2.3.2",
  fc.property(writes, fc.nat(15), fc.integer({ min: 1, max: 255 }), (write, blocks, padding) => {
    const legacy = { ...write, encryptThenMac: false };
    // Content, MAC and one byte of padding fill blocks: that byte, 0, is changed, and the rest stays.
    const sealed = protect(legacy, "applicationData", new Uint8Array(11 + 16 * blocks).fill(1));
    const plain = cbcOf(legacy, sealed).decrypt(sealed.subarray(16));
    same(plain.at(-1), 0);
    const changed = concat(sealed.subarray(0, 16), cbcOf(legacy, sealed).encrypt(plain.with(-1, padding)));
    same(unprotect(legacy, "applicationData", changed), undefined);
  }),
);
law(
  "one changed bit anywhere opens nothing",
  fc.property(writes, types, contents, fc.nat(), (write, type, content, at) => {
    const sealed = protect(write, type, content);
    const bit = at % (8 * sealed.length);
    sealed[bit >> 3]! ^= 1 << (bit & 7);
    same(unprotect(write, type, sealed), undefined);
  }),
);
law(
  "another place in the stream, type, order or key opens nothing",
  fc.property(writes, contents, (write, content) => {
    const sealed = protect(write, "applicationData", content);
    const others: ReadonlyArray<Protection> = [
      { ...write, sequence: write.sequence + 1 },
      { ...write, encryptThenMac: !write.encryptThenMac },
      { ...write, macKey: write.macKey.map((byte) => byte ^ 1) },
    ];
    for (const other of others) same(unprotect(other, "applicationData", sealed), undefined);
    same(unprotect(write, "handshake", sealed), undefined);
  }),
);
law(
  "any bytes open to nothing",
  fc.property(writes, types, fc.uint8Array({ maxLength: 200 }), (write, type, bytes) => {
    same(unprotect(write, type, bytes), undefined);
  }),
);
law(
  "truncated or lengthened, it opens to nothing",
  fc.property(writes, contents, fc.nat(), (write, content, at) => {
    const sealed = protect(write, "alert", content);
    same(unprotect(write, "alert", sealed.subarray(0, at % sealed.length)), undefined);
    same(unprotect(write, "alert", concat(sealed, sealed.subarray(0, 16))), undefined);
  }),
);
law(
  "RFC 5246 §6.2.3.2: the IV is another for each record",
  fc.property(writes, contents, (write, content) => {
    const ivs = [0, 1, 2, 3].map((n) =>
      String(protect({ ...write, sequence: write.sequence + n }, "alert", content).subarray(0, 16)),
    );
    same(new Set(ivs).size, 4);
  }),
);

const unitsOf = (read: Protection | undefined, pieces: ReadonlyArray<Uint8Array>) => {
  const units: Array<Unit> = [];
  let inbound = { ...noInbound("server"), read };
  for (const piece of pieces) {
    inbound = received(inbound, piece);
    for (let taken = takeUnit(inbound); ; taken = takeUnit(inbound)) {
      inbound = taken.inbound;
      if (taken.refusal !== undefined) return { units, refusal: taken.refusal };
      if (taken.unit === undefined) break;
      units.push(taken.unit);
    }
  }
  return { units, refusal: undefined };
};
const dataOf = (units: ReadonlyArray<Unit>) =>
  concat(...units.map((unit) => (unit.type === "applicationData" ? unit.bytes : new Uint8Array())));
const cutAt = (bytes: Uint8Array, at: ReadonlyArray<number>) => {
  const points = [0, ...at.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return points.slice(1).map((point, i) => bytes.subarray(points[i]!, point));
};

law(
  "data of any size comes through in records of at most 2^14, however they are cut",
  fc.property(writes, fc.nat(70_000), fc.array(fc.nat(), { maxLength: 6 }), (write, size, at) => {
    const content = Uint8Array.from({ length: size }, (_, i) => i % 251);
    const { bytes, write: after } = writeRecords(write, "applicationData", content);
    const { units, refusal } = unitsOf(write, cutAt(bytes, at));
    same(refusal, undefined);
    ok(Buffer.from(dataOf(units)).equals(Buffer.from(content)));
    same([units.length, after.sequence - write.sequence], [Math.max(1, Math.ceil(size / 16_384)), units.length]);
  }),
);
law(
  "records lost, repeated or in another order end the stream with bad_record_mac",
  fc.property(writes, fc.constantFrom([1], [0, 0], [1, 0], [0, 2]), (write, order) => {
    let now = write;
    const records = [0, 1, 2].map((n) => {
      const { bytes, write: after } = writeRecords(now, "applicationData", Uint8Array.of(n));
      now = after;
      return bytes;
    });
    same(
      unitsOf(
        write,
        order.map((n) => records[n]!),
      ).refusal?.alert,
      "badRecordMac",
    );
  }),
);

test("records: RFC 5246 §6.2: one that is too long, sealed or opened, is record_overflow; the last of a key is the last", () => {
  for (const encryptThenMac of [true, false]) {
    const [write] = fc.sample(writes, { numRuns: 1, seed: 1 });
    const direction = { ...write!, encryptThenMac, sequence: 5 };
    const sealed = (size: number) => protect(direction, "applicationData", new Uint8Array(size));
    const headed = (fragment: Uint8Array, length = fragment.length) =>
      concat(Uint8Array.of(23, 3, 3, length >> 8, length & 255), fragment);
    const refusal = (read: Protection, bytes: Uint8Array) => unitsOf(read, [bytes]).refusal?.alert;
    same(refusal(direction, headed(sealed(16_384))), undefined);
    same(refusal(direction, headed(sealed(16_385))), "recordOverflow");
    same(refusal(direction, headed(new Uint8Array(), 16_384 + 2_048)), undefined); // it waits for the rest
    same(refusal(direction, headed(new Uint8Array(), 16_384 + 2_049)), "recordOverflow");
    const spent = { ...direction, sequence: RECORDS_MAX };
    same(refusal(spent, headed(protect(spent, "applicationData", Uint8Array.of(1)))), "internalError");
  }
});

const pieces = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 30 });
law(
  "what is held comes out as it went in, whatever is taken and when",
  fc.property(pieces, fc.array(fc.nat(60), { maxLength: 30 }), (given, sizes) => {
    let held: BufferedBytes = [];
    let model = new Uint8Array();
    for (const [i, piece] of given.entries()) {
      held = append(held, piece);
      model = Uint8Array.from([...model, ...piece]);
      const size = sizes[i] ?? 0;
      same(Array.from(peek(held, size)), Array.from(model.subarray(0, size)));
      const [taken, rest] = take(held, size);
      same(Array.from(taken), Array.from(model.subarray(0, size)));
      [held, model] = [rest, model.slice(taken.length)];
      same(bufferedSize(held), model.length);
    }
  }),
);
test("records: bytes that come one by one are held in a few pieces", () => {
  let held: BufferedBytes = [];
  for (let i = 0; i < 20_000; i++) held = append(held, Uint8Array.of(i & 255));
  same(bufferedSize(held), 20_000);
  ok(held.length <= 16, `${held.length} pieces`);
});
