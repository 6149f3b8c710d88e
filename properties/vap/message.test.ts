/** VAP messages on the wire. */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import { bytesOfHex } from "../../codecs/shared/mod.ts";
import {
  errorAttribute,
  errorNumberOf,
  MESSAGE_BYTES_MAX,
  VapAttribute,
  VapMessage,
  valueIn,
} from "../../codecs/vap/mod.ts";
import {
  bits,
  bytes,
  constant,
  cut,
  decode,
  emptyRemainder,
  encode,
  lengthOf,
  list,
  rest,
  struct,
  tlv,
  u16,
  u32,
} from "../../codecs/wire/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { wireLaws } from "../kit/wire-laws.ts";

wireLaws(VapMessage, { limit: MESSAGE_BYTES_MAX });
wireLaws(VapAttribute);

test("unknown attributes and methods are kept and written again as they came", () =>
  fc.assert(
    fc.property(fc.integer({ min: 0x3000, max: 0xffff }), fc.uint8Array({ maxLength: 40 }), (code, value) => {
      const message = {
        type: { method: 0x7ff, class: "request" as const },
        transactionId: new Uint8Array(12),
        attributes: [{ type: "unknown" as const, code, value }],
      };
      assert.deepEqual(decode(VapMessage, encode(VapMessage, message)), { ok: true, value: message });
    }),
    { numRuns: runs },
  ));

test("lengths are without padding, the header's is a multiple of four", () =>
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 9, unit: "grapheme-ascii" }), { maxLength: 5 }), (names) => {
      const attributes = names.map((value) => ({ type: "clientName" as const, value }));
      const bytes = encode(VapMessage, {
        type: { method: "register", class: "request" },
        transactionId: new Uint8Array(12),
        attributes,
      });
      assert.equal(bytes.length % 4, 0);
      assert.equal((bytes[2]! << 8) | bytes[3]!, bytes.length - 20);
      if (names.length > 0) assert.equal((bytes[22]! << 8) | bytes[23]!, names[0]!.length);
    }),
    { numRuns: runs },
  ));

test("an error has its hundreds and its number apart", () => {
  const attributes = [errorAttribute("unsupportedProtocolVersion")];
  const message = {
    type: { method: "register", class: "error" },
    transactionId: new Uint8Array(12),
    attributes,
  } as const;
  const written = encode(VapMessage, message);
  assert.deepEqual([...written.subarray(24, 28)], [0, 0, 4, 78]);
  const decoded = decode(VapMessage, written);
  assert.equal(decoded.ok && errorNumberOf(decoded.value), 478);
  assert.equal(errorNumberOf({ ...message, type: { method: "register", class: "success" } }), undefined);
  assert.equal(valueIn(message, "clientHandle"), undefined);
});

test("a web request on the port is told from VAP by its first eight bytes", () => {
  const { error } = cut(VapMessage, emptyRemainder, new TextEncoder().encode("GET / HT"), MESSAGE_BYTES_MAX);
  assert.equal(error?._tag, "Malformed");
});

/** RFC 5769 §2.1, with STUN's cookie and attributes: the same words say the original. */
const Stun = struct("Stun", "RFC 5389 §6", {
  type: bits("00MMMMMCMMMCMMMM", { method: ["M", { binding: 1 }], class: ["C", { request: 0, success: 2 }] }),
  length: lengthOf("attributes", u16),
  cookie: constant(u32, 0x2112a442),
  transactionId: bytes(12),
  attributes: list(
    tlv(
      "Attribute",
      "RFC 5389 §15",
      { padTo: 4 },
      {
        software: [0x8022, rest],
        priority: [0x0024, u32],
        username: [0x0006, rest],
        integrity: [0x0008, bytes(20)],
        fingerprint: [0x8028, u32],
      },
    ),
  ),
});
const request = bytesOfHex(
  [
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008",
    "932ff9b151263b36000600096576746a3a6836765920202000080014",
    "9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf",
  ].join(""),
);

test("RFC 5769 §2.1: the sample request decodes, padding of spaces and all", () => {
  const decoded = decode(Stun, request);
  assert.ok(decoded.ok);
  assert.deepEqual(decoded.value.type, { method: "binding", class: "request" });
  assert.deepEqual(
    decoded.value.attributes.map(({ type }) => type),
    ["software", "priority", "unknown", "username", "integrity", "fingerprint"],
  );
  const name = decoded.value.attributes[3]!.value;
  assert.equal(new TextDecoder().decode(name as Uint8Array), "evtj:h6vY");
});

test("RFC 5769 §2.2 and §2.3: the sample responses decode, and write again all but their padding", () => {
  const software = "8022000b7465737420766563746f7220";
  const ipv4 = "0101003c2112a442b7e7a701bc34d686fa87dfae".concat(
    software,
    "002000080001a147e112a643",
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7",
    "80280004c07d4c96",
  );
  const ipv6 = "010100482112a442b7e7a701bc34d686fa87dfae".concat(
    software,
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9",
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41",
    "80280004c8fb0b4c",
  );
  for (const hex of [ipv4, ipv6]) {
    const decoded = decode(Stun, bytesOfHex(hex));
    assert.ok(decoded.ok);
    assert.deepEqual(encode(Stun, decoded.value), bytesOfHex(hex.replace("746f7220", "746f7200")));
  }
});
