/** A value that does not fit is our own fault: thrown, with the field's path. */
import * as assert from "node:assert/strict";
import {
  bytes,
  encode,
  enumeration,
  lengthOf,
  list,
  opaque,
  openEnumeration,
  struct,
  text,
  textVector,
  Unfit,
  u8,
  u32,
  u64,
  vector,
  type Wire,
} from "../../codecs/wire/mod.ts";
import { test } from "../kit/harness.ts";
import * as shapes from "./shapes.ts";

const unfit = (wire: Wire<any>, value: unknown, at: string): void =>
  assert.throws(
    () => encode(wire, value),
    (thrown) => thrown instanceof Unfit && thrown.at === at,
  );

const Item = struct("Item", "ours", { kind: enumeration(u8, { a: 1 }), data: opaque(u8) });
const Items = struct("Items", "ours", { length: lengthOf("items", u8), items: list(Item), name: textVector(u8, 4) });

test("the path leads to what does not fit", () => {
  const fit = { kind: "a", data: new Uint8Array(2) };
  unfit(Items, { items: [fit, { kind: "b", data: new Uint8Array(0) }], name: "" }, "Items.items[1].kind");
  unfit(Items, { items: [fit, { kind: "a", data: new Uint8Array(256) }], name: "" }, "Items.items[1].data");
  unfit(Items, { items: [fit, undefined], name: "" }, "Items.items[1]");
  unfit(Items, { items: [fit], name: "12345" }, "Items.name");
  unfit(Items, { items: [fit], name: "\ud800" }, "Items.name");
  unfit(Items, { items: "abc", name: "" }, "Items.items");
  unfit(Items, { items: Array.from({ length: 100 }, () => fit), name: "" }, "Items.length");
  unfit(shapes.Destination, { opaqueId: 7 }, "firstBit.opaqueId");
  unfit(shapes.Attribute, { type: "unknown", code: 6, value: new Uint8Array(0) }, "Attribute.code");
});

test("integers are integers of their width", () => {
  for (const value of [-1, 256, 1.5, Number.NaN, "1", undefined, 1n]) unfit(u8, value, "uint");
  for (const value of [-1, 2 ** 32, 0.1, Number.POSITIVE_INFINITY]) unfit(u32, value, "uint");
  for (const value of [-1n, 2n ** 64n, 1]) unfit(u64, value, "uint");
  unfit(bytes(2), new Uint8Array(3), "bytes");
  unfit(bytes(2), [1, 2], "bytes");
  unfit(text(3), "four", "text");
});

test("a number that has a name is written by its name only", () => {
  const Open = openEnumeration(u8, { a: 1 });
  assert.deepEqual(encode(Open, 2), Uint8Array.of(2));
  assert.deepEqual(encode(Open, "a"), Uint8Array.of(1));
  for (const value of [1, 256, -1, 0.5, "b"]) unfit(Open, value, "enumeration");
});

test("a writer that failed leaves the next one whole", () => {
  unfit(Items, { items: [{ kind: "b" }], name: "" }, "Items.items[0].kind");
  assert.deepEqual(encode(Items, { items: [], name: "ab" }), Uint8Array.of(0, 2, 0x61, 0x62));
});

test("messages larger than the buffer they are written in come out whole, and so do those after them", () => {
  const big = encode(vector(opaque(u32), u32), [new Uint8Array(3_000_000).fill(1), new Uint8Array(5).fill(2)]);
  assert.equal(big.length, 4 + 4 + 3_000_000 + 4 + 5);
  assert.deepEqual(big.subarray(-9), Uint8Array.of(0, 0, 0, 5, 2, 2, 2, 2, 2));
  assert.deepEqual(encode(u32, 7), Uint8Array.of(0, 0, 0, 7));
});
