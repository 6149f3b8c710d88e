/** What TypeOf makes of descriptions: checked by the compiler, so there is little to run. */
import * as assert from "node:assert/strict";
import {
  bits,
  constant,
  enumeration,
  flag,
  lengthOf,
  opaque,
  openEnumeration,
  optional,
  rest,
  select,
  struct,
  type TypeOf,
  tlv,
  u8,
  u16,
  u32,
  u128,
  vector,
} from "../../codecs/wire/mod.ts";
import { test } from "../kit/harness.ts";

type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
const same = <A, B>(so: Same<A, B>) => assert.equal(so, true);

test("derived fields are not in the type, and selects are discriminated unions", () => {
  const Closed = struct("Closed", "", {
    zero: constant(u16, 0),
    type: enumeration(u8, { node: 1, resource: 2 }),
    length: lengthOf("data", u8),
    data: select("type", { node: u128, resource: opaque(u8) }),
  });
  same<
    TypeOf<typeof Closed>,
    { readonly type: "node"; readonly data: bigint } | { readonly type: "resource"; readonly data: Uint8Array }
  >(true);
});

// RFC 6940 §6.3.1.1
test("an open select keeps numbers and their bytes", () => {
  const Open = struct("Open", "", {
    type: openEnumeration(u8, { node: 1, resource: 2 }),
    data: select("type", { node: u128 }, { otherwise: rest }),
    more: u32,
  });
  same<
    TypeOf<typeof Open>,
    | { readonly more: number; readonly type: "node"; readonly data: bigint }
    | { readonly more: number; readonly type: number | "resource"; readonly data: Uint8Array }
  >(true);
});

test("two selects by one field agree in every arm", () => {
  const Both = struct("Both", "", {
    type: enumeration(u8, { a: 1, b: 2 }),
    one: select("type", { a: u8, b: u128 }),
    two: select("type", { a: u128, b: u8 }),
  });
  const take = (both: TypeOf<typeof Both>): number => (both.type === "a" ? both.one : both.two);
  assert.equal(take({ type: "b", one: 1n, two: 7 }), 7);
});

test("optional fields may be absent; tlvs and bits are named", () => {
  const Item = tlv("Item", "", {}, { number: [1, u32], bytes: [2, rest] });
  const Hello = struct("Hello", "", {
    word: bits("1LNNOOO.", { last: ["L", flag], name: ["N", { x: 0, y: 1 }], offset: ["O"] }),
    items: optional(vector(Item, u16)),
  });
  same<TypeOf<typeof Hello>["word"], { readonly last: boolean; readonly name: "x" | "y"; readonly offset: number }>(
    true,
  );
  same<
    TypeOf<typeof Item>,
    | { readonly type: "number"; readonly value: number }
    | { readonly type: "bytes"; readonly value: Uint8Array }
    | { readonly type: "unknown"; readonly code: number; readonly value: Uint8Array }
  >(true);
  const bare: TypeOf<typeof Hello> = { word: { last: true, name: "x", offset: 1 } };
  assert.equal(bare.items, undefined);
});
