/**
 * A description as Lua: which fields it has, and what cannot be said. That Wireshark reads by it as we do is a check of
 * properties/interop/dissector-tshark.interop.ts.
 */
import { ok, deepStrictEqual as same, throws } from "node:assert";
import { luaOf } from "../../codecs/wire/lua.ts";
import { list, opaque, rest, struct, u8, u16, u128, within } from "../../codecs/wire/mod.ts";
import { test } from "../kit/harness.ts";
import * as shapes from "./shapes.ts";

const namesIn = (fields: ReadonlyArray<string>): ReadonlyArray<string> =>
  fields.map((field) => /^ProtoField\.\w+\("([^"]+)"/.exec(field)![1]!);

test("wire: a description as Lua has a field for each name in it, once, and tells how messages begin", () => {
  const { fields, fixedBits } = luaOf(shapes.Stun, { prefix: "stun" });
  const names = namesIn(fields);
  same(new Set(names).size, names.length);
  for (const name of ["type", "type.method", "length", "transactionId", "attributes", "attributes.item"])
    ok(names.includes(`stun.${name}`), name);
  for (const name of ["type", "username", "errorCode.reason", "unknown"])
    ok(names.includes(`stun.attributes.${name}`), name);
  same(fixedBits, 34); // the two zero bits, and the cookie
  same(luaOf(shapes.Optionals, { prefix: "o" }).fixedBits, 0);
});

test("wire: fields of bytes name the dissector that reads them, and no other field does", () => {
  const { node } = luaOf(shapes.Stun, { prefix: "stun", inner: { "attributes.content": "xml" } });
  same(node.match(/inner="xml"/g)?.length, 1);
});

test("wire: a choice by a function, two fields of one name and wide ranges are refused where the text is made", () => {
  const refused = (wire: Parameters<typeof luaOf>[0]) => () => luaOf(wire, { prefix: "p" });
  throws(refused(shapes.Stored), /a choice by a function/);
  throws(refused(shapes.Destination), /begins with a struct/);
  throws(refused(struct("Same", "", { a: opaque(u8), "a.length": u16 })), /two fields are p\.a\.length/);
  throws(refused(struct("Wide", "", { a: within(u128, 1n, 2n) })), /a range of 128 bits/);
  throws(refused(struct("Endless", "", { a: list(rest) })), /a list of items without an end/);
});
