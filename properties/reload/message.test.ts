/** Every RELOAD message on the wire: laws for all, and the figures of RFC 6940 byte by byte. */

import * as assert from "node:assert/strict";
import fc from "fast-check";
import * as reload from "../../codecs/reload/mod.ts";
import {
  bodyTypeOf,
  codeOf,
  decodeBody,
  encodeBody,
  errorBody,
  errorCode,
  FetchReq,
  fragmentWhole,
  isRequestCode,
  MessageContents,
  messageBodies,
  messageCode,
  nodeIdFrom,
  overlayLink,
  Packet,
  Payload,
  probeInformation,
  StoreReq,
} from "../../codecs/reload/mod.ts";
import { bytesOfHex, hexOf } from "../../codecs/shared/mod.ts";
import { decode, encode, type Wire } from "../../codecs/wire/mod.ts";
import { arbitraryOf } from "../kit/arbitrary.ts";
import { runs, test } from "../kit/harness.ts";
import { sources, codeOf as withoutComments } from "../kit/source.ts";
import { wireLaws } from "../kit/wire-laws.ts";

wireLaws(reload.Destination);
wireLaws(Packet, { openEnded: true });
wireLaws(MessageContents);
wireLaws(Payload);
wireLaws(reload.SecurityBlock);
wireLaws(reload.FramedMessage);
wireLaws(reload.IceCandidate);
wireLaws(reload.ChordLeaveData);
// Messages with no ending of their own are inside `opaque message_body<0..2^32-1>`, which gives their length.
for (const [name, body] of Object.entries(messageBodies)) wireLaws(body as Wire<unknown>, { name, openEnded: true });

test("a packet's length is known without writing it", () =>
  fc.assert(
    fc.property(arbitraryOf(Packet), (packet) => {
      assert.equal(reload.packetBytes(packet), encode(Packet, packet).length);
    }),
    { numRuns: runs },
  ));

test("a payload of parts that were written before is the payload", () =>
  fc.assert(
    fc.property(arbitraryOf(Payload), (payload) => {
      const { contents, security } = payload;
      const certificates = encode(reload.Certificates, security.certificates);
      const parts = reload.sealedPayload(encode(MessageContents, contents), certificates, security.signature);
      assert.deepEqual(parts, encode(Payload, payload));
    }),
    { numRuns: runs },
  ));

test("RFC 6940 §6.3.1.1: the figure's address, and the three bytes FOO", () => {
  const address = { type: "ipv4", address: { addr: 0xc0000201, port: 6084 } } as const;
  assert.equal(hexOf(encode(reload.IpAddressPort, address)), "0106c000020117c4");
  assert.equal(hexOf(encode(reload.ResourceId, new TextEncoder().encode("FOO"))), "03464f4f");
});

// RFC 6940 §6.3.2.2, §6.7
test("RFC 6940 §6.3.2: a header, byte by byte", () => {
  const packet: Packet = {
    overlay: 0xdeadbeef,
    configurationSequence: 22,
    version: 10,
    ttl: 100,
    fragment: fragmentWhole,
    transactionId: 0x0102030405060708n,
    maxResponseLength: 0,
    viaList: [{ type: "node", data: nodeIdFrom(0xan) }],
    destinationList: [{ compactId: 0x8001 }, { type: "resource", data: Uint8Array.of(1, 2) }],
    options: [{ type: 1, flags: 2, option: Uint8Array.of(9) }],
    payload: Uint8Array.of(0xff),
  };
  const hex = [
    "d2454c4f deadbeef 0016 0a 64 c0000000",
    "00000045", // 69 bytes in all: 38 of header, 18 via, 7 destinations, 5 options, 1 payload
    "0102030405060708 00000000 0012 0007 0005",
    "01 10 0000000000000000000000000000000a",
    "8001 02 03 02 0102",
    "01 02 0001 09",
    "ff",
  ].join("");
  assert.equal(hexOf(encode(Packet, packet)), hex.replaceAll(" ", ""));
  assert.deepEqual(decode(Packet, encode(Packet, packet)), { ok: true, value: packet });
  const lying = bytesOfHex(hex.replaceAll(" ", "").replace("00000045", "00000046"));
  assert.equal(decode(Packet, lying).ok, false);
});

// RFC 6940 §6.3.3.1
test("RFC 6940 §14.8: requests are odd, and their answers the next number", () => {
  for (const [type, code] of Object.entries(messageCode)) {
    assert.equal(bodyTypeOf(code), type);
    if (!type.endsWith("Req")) continue;
    assert.ok(isRequestCode(code));
    assert.equal(bodyTypeOf(code + 1), type.replace(/Req$/, "Ans"));
    assert.ok(!isRequestCode(code + 1));
  }
});

test("a body is read by its code, whichever it is", () => {
  const anyBody = fc.oneof(
    ...Object.entries(messageBodies).map(([type, wire]) =>
      arbitraryOf(wire as Wire<unknown>).map((value) => ({ type, value }) as reload.Body),
    ),
  );
  fc.assert(
    fc.property(anyBody, (body) => {
      const contents = encodeBody(body);
      assert.deepEqual(decodeBody(contents), { ok: true, value: body });
      assert.equal(codeOf(encode(MessageContents, contents)), contents.code);
    }),
    { numRuns: runs },
  );
  assert.equal(decodeBody({ code: 0x23, body: new Uint8Array(), extensions: [] }), undefined);
  assert.equal(decodeBody({ ...encodeBody(errorBody("notFound")), body: new Uint8Array(1) })?.ok, false);
});

test("RFC 6940 §7.4.1.2: the values of a Kind we do not know pass unharmed", () => {
  const stranger: StoreReq = {
    resource: new Uint8Array(16),
    replica: 0,
    kinds: [{ kind: 0xf0000999, generation: 3n, values: Uint8Array.of(1, 2, 3) }],
  };
  assert.deepEqual(decode(StoreReq, encode(StoreReq, stranger)), { ok: true, value: stranger });
  const asked: FetchReq = {
    resource: new Uint8Array(16),
    specifiers: [{ kind: 0xf0000999, generation: 0n, specifier: Uint8Array.of(7) }],
  };
  assert.deepEqual(decode(FetchReq, encode(FetchReq, asked)), { ok: true, value: asked });
});

// RFC 6940 §6.3.3.1, §14.3, §14.4, §14.7, §14.8, §14.9, §14.10, §14.11, §14.13, §14.14
test("RFC 6940 §14: no code that is kept for experiments is written", () => {
  const experimental = (names: Readonly<Record<string, number>>, codes: ReadonlyArray<number>) =>
    Object.entries(names).flatMap(([name, code]) => (codes.includes(code) ? [name] : []));
  assert.deepEqual(experimental(messageCode, [0x23, 0x24, 0x25, 0x26]), []);
  assert.deepEqual(experimental(overlayLink, [5]), []);
  assert.deepEqual(experimental(probeInformation, [4]), []);
  // Errors are named, so that a peer's can be read; ours are none of these.
  const kept = experimental(errorCode, [0x12, 0x13]);
  assert.deepEqual(kept, ["expA", "expB"]);
  const written = sources.filter(
    ({ path, floor, text }) =>
      floor !== "properties" &&
      path !== "codecs/reload/registry.ts" &&
      /\b(expA|expB|exp-[a-z]+|EXP_\w+)\b/i.test(withoutComments(text)),
  );
  assert.deepEqual(
    written.map(({ path }) => path),
    [],
  );
});
