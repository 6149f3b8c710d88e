/** Spans point at the bytes that decode read. */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import { decode, encode, spanOf, spansOf } from "../../codecs/wire/mod.ts";
import { arbitraryOf } from "../kit/arbitrary.ts";
import { runs, test } from "../kit/harness.ts";
import * as shapes from "./shapes.ts";

test("an attribute's span is the attribute as it is written alone", () =>
  fc.assert(
    fc.property(arbitraryOf(shapes.Stun), (message) => {
      const bytes = encode(shapes.Stun, message);
      message.attributes.forEach((attribute, i) => {
        const span = spanOf(shapes.Stun, bytes, `attributes[${i}]`)!;
        assert.deepEqual(bytes.slice(span.start, span.end), encode(shapes.Attribute, attribute));
      });
      assert.deepEqual(spanOf(shapes.Stun, bytes, "transactionId"), { start: 8, end: 20 });
    }),
    { numRuns: runs },
  ));

test("values inside selects, TLVs and tagged fields have their paths", () => {
  const bytes = encode(shapes.Ticketlike, {
    id: new Uint8Array(16),
    number: "+14085555432",
    validity: { notBefore: 1n, notAfter: 2n },
    integrity: new Uint8Array(32),
  });
  assert.deepEqual(spanOf(shapes.Ticketlike, bytes, "integrity"), { start: bytes.length - 35, end: bytes.length });
  const notAfter = spanOf(shapes.Ticketlike, bytes, "validity.notAfter")!;
  assert.deepEqual(bytes.slice(notAfter.start, notAfter.end), Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 2));
});

test("bytes that do not decode have no spans, and the same error", () =>
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const [decoded, spans] = [decode(shapes.Destination, bytes), spansOf(shapes.Destination, bytes)];
      assert.equal(spans.ok, decoded.ok);
      if (!spans.ok && !decoded.ok) assert.deepEqual(spans.error, decoded.error);
    }),
    { numRuns: runs },
  ));
