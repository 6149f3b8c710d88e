/** Seals: the key's vector, what they cover, and that nothing gets past one. */
import * as assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { bytesOfHex, hexOf } from "../../codecs/shared/mod.ts";
import { checkRequest, hasIntegrity, protect, unprotected, VapMessage, valueIn, vapKey } from "../../codecs/vap/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import { runs, test } from "../kit/harness.ts";

const key = vapKey("user", "pass");
const content = { method: "register", class: "request", attributes: [{ type: "clientName", value: "agent" }] } as const;
const transactionId = Uint8Array.from({ length: 12 }, (_, i) => i);
const keyOf = (name: string) => (name === "user" ? key : undefined);
const read = (bytes: Uint8Array) => {
  const decoded = decode(VapMessage, bytes);
  assert.ok(decoded.ok);
  return decoded.value;
};

test("draft-jennings-vipr-vap-02 §9.2: the key is MD5 of user:realm:password without quotes and final zeros", () => {
  assert.equal(hexOf(key), "4bb3b81b3a3b4481eb752714a17e6881");
  assert.equal(hexOf(vapKey('"user"', "pass\0\0")), hexOf(key));
});

test("the seal covers what is before it, padded with zeros to 64 bytes, its own length counted in the header", () => {
  const bytes = protect(content, transactionId, { username: "user", key });
  const covered = bytes.subarray(0, bytes.length - 24);
  const padded = new Uint8Array(64 * Math.ceil(covered.length / 64));
  padded.set(covered);
  assert.equal(hexOf(bytes.subarray(-20)), createHmac("sha1", key).update(padded).digest("hex"));
  assert.equal((bytes[2]! << 8) | bytes[3]!, bytes.length - 20);
});

// The seal was computed apart, with another language's library.
test("a sealed request, byte for byte", () => {
  const bytes = protect(content, transactionId, { username: "user", key });
  assert.equal(
    hexOf(bytes.subarray(0, -20)),
    [
      "00010038",
      "41666679",
      hexOf(transactionId),
      "0006000475736572",
      "001400062256695052220000",
      "100100056167656e74000000",
      "00080014",
    ].join(""),
  );
  assert.equal(hexOf(bytes.subarray(-20)), "c7de1f6c15641f11c39ea8fa83b7502450ea6522");
});

test("a request is judged by its user's key", () => {
  const bytes = protect(content, transactionId, { username: "user", key });
  assert.deepEqual(checkRequest(read(bytes), bytes, keyOf), { type: "genuine", username: "user" });
  const wrong = protect(content, transactionId, { username: "user", key: vapKey("user", "other") });
  assert.deepEqual(checkRequest(read(wrong), wrong, keyOf), { type: "forged" });
  const other = protect(content, transactionId, { username: "other", key });
  assert.deepEqual(checkRequest(read(other), other, keyOf), { type: "unknownUser" });
  const bare = unprotected(content, transactionId);
  assert.deepEqual(checkRequest(read(bare), bare, keyOf), { type: "unknownUser" });
});

test("a response names nobody; one that cannot be sealed has its realm only", () => {
  const response = { method: "register", class: "success", attributes: [] } as const;
  const sealed = read(protect(response, transactionId, { username: "user", key }));
  assert.equal(valueIn(sealed, "username"), undefined);
  assert.equal(valueIn(sealed, "realm"), '"ViPR"');
  const bare = read(unprotected({ ...response, class: "error" }, transactionId));
  assert.deepEqual(bare.attributes, [{ type: "realm", value: '"ViPR"' }]);
});

test("no byte can change under a protect, and nothing can follow it", () =>
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (at, difference) => {
      const bytes = protect(content, transactionId, { username: "user", key });
      bytes[at % bytes.length]! ^= difference;
      const decoded = decode(VapMessage, bytes);
      assert.ok(!decoded.ok || !hasIntegrity(decoded.value, bytes, key));
    }),
    { numRuns: runs },
  ));

test("padding that is not zeros is covered as it came", () => {
  const bytes = protect(content, transactionId, { username: "user", key });
  const padding = bytes.length - 24 - 3;
  const other = bytes.slice();
  other.fill(0x20, padding, padding + 3);
  assert.deepEqual(read(other), read(bytes));
  assert.equal(hasIntegrity(read(other), other, key), false);
  assert.equal(hasIntegrity(read(bytes), bytes, key), true);
});

test("a seal that is not the last attribute seals nothing", () => {
  const message = read(protect(content, transactionId, { username: "user", key }));
  const longer = { ...message, attributes: [...message.attributes, { type: "clientHandle" as const, value: 1 }] };
  assert.equal(hasIntegrity(longer, encode(VapMessage, longer), key), false);
  assert.equal(bytesOfHex("00").length, 1);
});
