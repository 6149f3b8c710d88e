/** Streams: limits refuse before they hold, and bytes that come one by one cost no more. */
import * as assert from "node:assert/strict";
import { cut, emptyRemainder, encode, opaque, type Remainder, struct, u8, u32 } from "../../codecs/wire/mod.ts";
import { test } from "../kit/harness.ts";

const Message = struct("Message", "ours", { type: u8, body: opaque(u32) });
const LIMIT_BYTES = 1_000;

test("a message over the limit is refused when its length has come, and not before", () => {
  let remainder: Remainder = emptyRemainder;
  const head = [1, 0, 0, 4, 0];
  for (const byte of head.slice(0, 4)) {
    const { error, rest } = cut(Message, remainder, Uint8Array.of(byte), LIMIT_BYTES);
    assert.equal(error, undefined);
    remainder = rest;
  }
  const { error } = cut(Message, remainder, Uint8Array.of(head[4]!), LIMIT_BYTES);
  assert.deepEqual(error, {
    _tag: "Malformed",
    at: "stream",
    why: "a message of 1029 bytes or more, the limit is 1000",
  });
});

test("messages before the error are given", () => {
  const one = encode(Message, { type: 1, body: new Uint8Array(3) });
  const chunk = Uint8Array.from([...one, ...one, 1, 255, 255, 255, 255]);
  const { messages, error } = cut(Message, emptyRemainder, chunk, LIMIT_BYTES);
  assert.equal(messages.length, 2);
  assert.equal(error?._tag, "Malformed");
});

test("a chunk that is used again by its owner changes nothing that is held", () => {
  const bytes = encode(Message, { type: 1, body: Uint8Array.of(1, 2, 3) });
  const chunk = bytes.slice(0, 7);
  const { rest } = cut(Message, emptyRemainder, chunk, LIMIT_BYTES);
  chunk.fill(0);
  const { messages } = cut(Message, rest, bytes.subarray(7), LIMIT_BYTES);
  assert.deepEqual(messages, [{ type: 1, body: Uint8Array.of(1, 2, 3) }]);
});

test("bytes that come one by one are moved a few times each, not once for every byte", () => {
  const size = 1 << 18;
  const bytes = encode(Message, { type: 1, body: new Uint8Array(size) });
  let remainder: Remainder = emptyRemainder;
  let buffers = 0;
  let count = 0;
  for (const byte of bytes) {
    const { rest, messages } = cut(Message, remainder, Uint8Array.of(byte), 2 * size);
    if (rest.buffer !== remainder.buffer) buffers++;
    remainder = rest;
    count += messages.length;
  }
  assert.equal(count, 1);
  assert.ok(buffers < 40, `${buffers} buffers`);
});
