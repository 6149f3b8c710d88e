/** What any bytes come to when they are read: for the laws of messages, and for searches that are led by coverage. */
import * as assert from "node:assert/strict";
import { decode, encode, type Wire, type WireError } from "../../codecs/wire/mod.ts";
import { labelOf } from "../../codecs/wire/source.ts";
import { isExact, partsOf, weightOf } from "./weight.ts";

/**
 * Either an error with its place, or a value that is not much larger than its bytes, is written in as many (in the same, where
 * no bit of the message goes unread), and then reads and writes the same for ever.
 */
export const settles = <A>(wire: Wire<A>, bytes: Uint8Array): void => {
  const first = decode(wire, bytes);
  if (!first.ok) {
    hasPlace(wire, first.error);
    return;
  }
  const weightMax = partsOf(wire.node) * (bytes.length + 1);
  assert.ok(weightOf(first.value) <= weightMax, `${weightOf(first.value)} values and bytes of ${bytes.length} bytes`);
  const written = encode(wire, first.value);
  if (isExact(wire.node)) assert.deepEqual(written, Uint8Array.from(bytes));
  assert.equal(written.length, bytes.length);
  assert.deepEqual(decode(wire, written), first);
  assert.deepEqual(encode(wire, first.value), written);
};

const hasPlace = (wire: Wire<unknown>, error: WireError): void => {
  assert.match(error._tag, /^(Truncated|Malformed)$/);
  assert.ok(error.at.startsWith(labelOf(wire.node)), `no place: ${error.at}`);
  if (error._tag === "Truncated") assert.ok(error.missing > 0, `${error.missing} bytes are missing`);
  else assert.notEqual(error.why, "");
};
