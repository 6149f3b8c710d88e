/** Base64 in its one canonical form. RFC 4648 §3.5 and §4. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { base64Of, bytesOfBase64 } from "../../codecs/shared/mod.ts";
import { runs, test } from "../kit/harness.ts";

const law = (what: string, property: fc.IProperty<any>) =>
  test(`base64: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));
const oracle = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

law(
  "bytes are written as everybody writes them, and read back",
  fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    same(base64Of(bytes), oracle(bytes));
    same(bytesOfBase64(base64Of(bytes)), bytes);
  }),
);
const nearly = fc
  .tuple(
    fc.uint8Array({ maxLength: 30 }),
    fc.nat(),
    fc.constantFrom(..."=AQgwB+/-_ \n\u00c1\u0141\u{1f600}"),
    fc.boolean(),
  )
  .map(([bytes, at, char, isInserted]) => {
    const text = oracle(bytes);
    const i = at % (text.length + 1);
    return text.slice(0, i) + char + text.slice(i + (isInserted ? 0 : 1));
  });
law(
  "a text is read when writing its bytes gives that text, and in no other case",
  fc.property(fc.oneof(nearly, fc.string(), fc.base64String()), (text) => {
    const bytes = new Uint8Array(Buffer.from(text, "base64"));
    same(bytesOfBase64(text), oracle(bytes) === text ? bytes : undefined);
  }),
);
for (const text of [
  "QQ",
  "QQ=",
  "QR==",
  "QUI",
  "QUJ=",
  "Q===",
  "====",
  "QUJD QUJD",
  "QUJD    ",
  "QUJ\u0144",
  "QQ==QQ==",
])
  test(`base64: ${JSON.stringify(text)} is none`, () => same(bytesOfBase64(text), undefined));
