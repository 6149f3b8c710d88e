/** Numbers, keys, overlay names and addresses, as the overlay writes them. */

import * as assert from "node:assert/strict";
import { Effect } from "effect";
import fc from "fast-check";
import { Keys } from "../../actors/ports/mod.ts";
import { claimsOf, publishNumber, withdrawNumber } from "../../actors/reload/mod.ts";
import {
  addressOf,
  decodeRegistrationKey,
  encodeRegistrationKey,
  endpointOf,
  kindId,
  nodeIdFrom,
  overlayHash,
  resourceOfNumber,
  resourceOfStretched,
  stretchedNumber,
  stretching,
} from "../../codecs/reload/mod.ts";
import { e164, hexOf, utf8, vserviceId } from "../../codecs/shared/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { runs, test } from "../kit/harness.ts";
import { type Member, NAME, overlayOf, testOverlay } from "./ring-of-nodes.ts";

// RFC 6940 §10.2; ViPR overview §4, §5.1
test("docs/protocol/overlay.md#the-vipr-usage: the Resource-ID of a number", () => {
  assert.equal(hexOf(resourceOfNumber(e164("+14085555432"))), "1817a141b6abaec4308294521e2f600a");
});

/** By OpenSSL: openssl kdf -keylen 32 -kdfopt pass:NUMBER -kdfopt salt:OVERLAY -kdfopt n:32768 -kdfopt r:8 -kdfopt p:1 SCRYPT */
const stretched = [
  [
    e164("+14085555432"),
    "vipr.example",
    "2f5dc315ab861221fa90495d987c447c31ac856c0be1ad0253502cabb00d63d0",
    "25f316dc5f7350d450607ed8cb8d1b3a",
  ],
  [
    e164("+14085555432"),
    "other.example",
    "00b8e54336017ac282e06f215cb3354e528bfa82628dd76e7fdb9ecbfd51a6ef",
    "65f5a40636ee9ca75f24fa96a7831712",
  ],
] as const;

test("docs/protocol/overlay.md#the-vipr-usage: number-hash scrypt, ours in JavaScript and the platform's, as OpenSSL has it", async () => {
  for (const [number, overlay, hex, resource] of stretched) {
    const native = await Effect.runPromise(
      Effect.provide(
        Effect.flatMap(Keys, (keys) => keys.stretch(utf8(number), utf8(overlay), stretching)),
        nodeLayer(),
      ),
    );
    assert.equal(hexOf(native), hex);
    assert.equal(hexOf(resourceOfStretched(native)), resource);
  }
  const [number, overlay, hex] = stretched[0];
  assert.equal(hexOf(stretchedNumber(number, overlay)), hex);
});

testOverlay(
  "an overlay that names scrypt stores a number under its scrypt hash, and finds it there; each number is computed once",
  Effect.gen(function* () {
    const { members, join } = yield* overlayOf(3, { numberHash: "scrypt" });
    yield* join();
    const [one, two] = members as [Member, Member];
    const number = e164("+14085555432");
    yield* publishNumber(one, number, vserviceId(1n), 60);
    assert.equal((yield* claimsOf(two, number)).length, 1);
    const place = resourceOfStretched(stretchedNumber(number, NAME));
    assert.deepEqual(yield* one.resourceOf(number), place);
    assert.equal((yield* two.fetch({ resourceId: place, kind: kindId.viprRegistration })).length, 1);
    assert.equal((yield* two.fetch({ resourceId: resourceOfNumber(number), kind: kindId.viprRegistration })).length, 0);
    assert.equal(yield* one.resourceOf(number), yield* one.resourceOf(number));
    yield* withdrawNumber(one, number, vserviceId(1n), 60);
    assert.equal((yield* claimsOf(two, number)).length, 0);
  }),
);

test("RFC 6940 §6.3.2: an overlay's hash is the low 32 bits of SHA-1", () => {
  assert.equal(overlayHash("abc"), 0x9cd0d89d); // FIPS 180: a9993e36 4706816a ba3e2571 7850c26c 9cd0d89d
});

test("docs/protocol/overlay.md#the-vipr-usage: a dictionary key is Node-ID and VServiceID, 24 bytes", () => {
  const id = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
  const vservice = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  fc.assert(
    fc.property(id, vservice, (nodeId, vservice) => {
      const key = encodeRegistrationKey({ nodeId: nodeIdFrom(nodeId), vservice: vserviceId(vservice) });
      assert.equal(hexOf(key), nodeId.toString(16).padStart(32, "0") + vservice.toString(16).padStart(16, "0"));
      assert.deepEqual(decodeRegistrationKey(key), { ok: true, value: { nodeId, vservice } });
    }),
    { numRuns: runs },
  );
  assert.equal(decodeRegistrationKey(new Uint8Array(23)).ok, false);
});

test("addresses come back from the wire as they went", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 0, max: 65_535 }), (host, port) => {
      const address = addressOf({ host, port });
      assert.ok(address !== undefined, host);
      const back = endpointOf(address);
      assert.deepEqual(addressOf(back), address);
      assert.equal(back.port, port);
      if (!host.includes(":")) assert.equal(back.host, host);
    }),
    { numRuns: runs },
  );
});

test("RFC 5952: the one text form of an IPv6 address", () => {
  const shown = (host: string) => {
    const address = addressOf({ host, port: 1 });
    return address === undefined ? undefined : endpointOf(address).host;
  };
  assert.equal(shown("2001:DB8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
  assert.equal(shown("0:0:0:0:0:0:0:1"), "::1");
  assert.equal(shown("::ffff:192.0.2.1"), "::ffff:c000:201");
  assert.equal(shown("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
  for (const bad of ["node.example", "1.2.3", "1.2.3.256", "01.2.3.4", "1::2::3", "12345::", "1:2:3:4:5:6:7", ":", ""])
    assert.equal(shown(bad), undefined, bad);
});
