/** Numbers, keys, overlay names and addresses, as the overlay writes them. */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import {
  addressOf,
  decodeRegistrationKey,
  encodeRegistrationKey,
  endpointOf,
  overlayHash,
  resourceOfNumber,
} from "../../codecs/reload/mod.ts";
import { hexOf } from "../../codecs/shared/mod.ts";
import { runs, test } from "../kit/harness.ts";

test("profile §1: the Resource-ID of a number", () => {
  assert.equal(hexOf(resourceOfNumber("+14085555432")), "1817a141b6abaec4308294521e2f600a");
});

test("RFC 6940 §6.3.2: an overlay's hash is the low 32 bits of SHA-1", () => {
  assert.equal(overlayHash("abc"), 0x9cd0d89d); // FIPS 180: a9993e36 4706816a ba3e2571 7850c26c 9cd0d89d
});

test("profile §1: a dictionary key is Node-ID and VServiceID, 24 bytes", () => {
  const id = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
  const vservice = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  fc.assert(
    fc.property(id, vservice, (nodeId, vservice) => {
      const key = encodeRegistrationKey({ nodeId, vservice });
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
