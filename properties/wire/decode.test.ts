/** The laws for every shape the language can say, and what errors tell. */
import * as assert from "node:assert/strict";
import {
  decode,
  decodeFirst,
  empty,
  encode,
  enumeration,
  lengthOf,
  list,
  opaque,
  opaqueOf,
  rest,
  select,
  struct,
  tagged,
  tlv,
  Unfit,
  u8,
  u16,
  vector,
  type Wire,
} from "../../codecs/wire/mod.ts";
import { test } from "../kit/harness.ts";
import { wireLaws } from "../kit/wire-laws.ts";
import * as shapes from "./shapes.ts";

wireLaws(shapes.Stun, { limit: 65_555 });
wireLaws(shapes.Destination, { name: "Destination" });
wireLaws(shapes.Overlay);
wireLaws(shapes.Forwarded);
wireLaws(shapes.Stored);
wireLaws(shapes.Handshake);
wireLaws(shapes.Frame);
wireLaws(shapes.Ticketlike);
wireLaws(shapes.Nested);
wireLaws(shapes.Optionals);
wireLaws(list(shapes.Attribute), { name: "attributes to the end", openEnded: true });

const errorOf = (wire: Wire<any>, bytes: ReadonlyArray<number>) => {
  const decoded = decode(wire, Uint8Array.from(bytes));
  assert.equal(decoded.ok, false);
  return decoded.ok ? undefined : decoded.error;
};

const List = struct("List", "ours", { length: lengthOf("items", u8), items: list(opaque(u8)), end: u8 });

test("an error tells the path of the field", () => {
  assert.deepEqual(errorOf(List, [4, 1, 7, 5, 0, 9]), {
    _tag: "Malformed",
    at: "List.items[1]",
    why: "runs 4 bytes past its bounds",
  });
  const header = encode(shapes.Forwarded, {
    fragment: { last: true, reserved: 0, offset: 0 },
    transactionId: 1n,
    via: [],
    destinations: [{ opaqueId: 0x8001 }, { type: "node", data: 5n }],
    body: new Uint8Array(0),
  });
  header[header.length - 17] = 15;
  const decoded = decode(shapes.Forwarded, header);
  assert.ok(!decoded.ok && decoded.error._tag === "Malformed");
  assert.equal(decoded.error.at, "Forwarded.destinations[1].data");
});

test("bytes that can still come are missing; bytes that cannot are malformed", () => {
  assert.deepEqual(errorOf(List, []), { _tag: "Truncated", at: "List.length", missing: 1 });
  assert.deepEqual(errorOf(List, [4, 1]), { _tag: "Truncated", at: "List.items", missing: 3 });
  assert.deepEqual(errorOf(List, [2, 1, 7]), { _tag: "Truncated", at: "List.end", missing: 1 });
  assert.deepEqual(errorOf(List, [1, 1, 7]), {
    _tag: "Malformed",
    at: "List.items[0]",
    why: "runs 1 bytes past its bounds",
  });
  assert.deepEqual(errorOf(List, [0, 7, 8]), { _tag: "Malformed", at: "List", why: "1 trailing bytes" });
});

test("what a length bounds must fill it", () => {
  const Bounded = struct("Bounded", "ours", { length: lengthOf(["a", "b"], u8), a: u8, b: u8 });
  assert.equal(errorOf(Bounded, [3, 1, 2, 3])?.at, "Bounded.b");
  assert.equal(errorOf(opaqueOf(u8, u8), [2, 1, 2])?._tag, "Malformed");
  assert.equal(errorOf(tagged(1, u8), [0, 1, 0, 2, 1, 2])?._tag, "Malformed");
  const Item = tlv("Item", "ours", {}, { one: [1, u8] });
  assert.deepEqual(errorOf(Item, [0, 1, 0, 2, 1, 2]), { _tag: "Malformed", at: "Item.one", why: "1 trailing bytes" });
});

test("a wrong constant is told before what follows it has come", () => {
  const error = errorOf(shapes.Stun, [0x00, 0x01, 0x00, 0x00, 0x47, 0x45, 0x54, 0x20]);
  assert.equal(error?._tag, "Malformed");
  assert.equal(error?.at, "Stun.cookie");
});

test("a length of the whole cannot be shorter than what precedes it", () => {
  const bytes = encode(shapes.Forwarded, {
    fragment: { last: true, reserved: 0, offset: 0 },
    transactionId: 1n,
    via: [],
    destinations: [],
    body: new Uint8Array(0),
  });
  bytes[11] = 11;
  const decoded = decode(shapes.Forwarded, bytes);
  assert.ok(!decoded.ok);
  assert.equal(decoded.error._tag, "Malformed");
});

test("an item that takes no bytes is refused, not read for ever", () => {
  assert.equal(errorOf(list(empty), [1])?._tag, "Malformed");
  const Choice = struct("Choice", "ours", { items: vector(rest, u8) });
  assert.deepEqual(decode(Choice, Uint8Array.of(2, 8, 9)).ok, true);
});

test("text is UTF-8, and a byte order mark is kept", () => {
  assert.equal(errorOf(shapes.Stun, [])?.at, "Stun.type");
  const value = [{ type: "username" as const, value: "\ufeffa\u{1f4de}" }];
  assert.deepEqual(decode(list(shapes.Attribute), encode(list(shapes.Attribute), value)), { ok: true, value });
  const error = errorOf(list(shapes.Attribute), [0, 6, 0, 1, 0xff, 0, 0, 0]);
  assert.deepEqual(error, { _tag: "Malformed", at: "list[0].username", why: "not UTF-8" });
});

test("names that every object inherits are no names", () => {
  const Named = struct("Named", "ours", { type: enumeration(u8, { a: 1 }), data: select("type", { a: u8 }) });
  for (const name of ["toString", "__proto__", "constructor"])
    assert.throws(() => encode(Named, { type: name, data: 1 } as never), Unfit);
});

test("byte fields are copies, also of a Buffer", () => {
  for (const size of [4, 400]) {
    const bytes = Buffer.from(encode(vector(u16, u16), []).length === 2 ? new Uint8Array(size).fill(7) : []);
    const decoded = decode(rest, bytes);
    bytes.fill(9);
    assert.ok(decoded.ok);
    assert.deepEqual(decoded.value, new Uint8Array(size).fill(7));
  }
});

test("the first of several messages tells its size", () => {
  const first = decodeFirst(List, Uint8Array.of(0, 7, 8, 9));
  assert.deepEqual(first, { ok: true, value: { items: [], end: 7 }, size: 2 });
});
