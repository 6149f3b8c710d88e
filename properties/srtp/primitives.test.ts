/** AES and HMAC-SHA-1 by every way that a runtime may take: the same bytes, by the platform's own HMAC too. RFC 2104. */
import { deepStrictEqual as same } from "node:assert";
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { hexOf } from "../../codecs/shared/mod.ts";
import { ownPrimitives } from "../../machines/srtp/mod.ts";
import { HMACS, platformPrimitives } from "../../runtime/srtp.ts";
import { runs, test } from "../kit/harness.ts";

const keys = fc.uint8Array({ minLength: 20, maxLength: 20 });
test("srtp: each way to HMAC-SHA-1 gives the same tag, again and again", () =>
  fc.assert(
    fc.property(keys, fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 4 }), (key, texts) => {
      const kept = Object.values(HMACS).map((make) => make(key));
      for (const text of texts) {
        const tag = createHmac("sha1", key).update(text).digest("hex");
        for (const { of } of kept) same(hexOf(of(text)), tag);
      }
      for (const { end } of kept) end();
    }),
    { numRuns: runs },
  ));
test("srtp: our AES and the platform's give the same keystream", () =>
  fc.assert(
    fc.property(fc.constantFrom(16, 32), fc.nat(255), fc.nat(20), (size, seed, blocks) => {
      const key = new Uint8Array(size).map((_, i) => seed + i);
      const counters = new Uint8Array(16 * (blocks + 1)).map((_, i) => seed ^ i);
      const [ours, platform] = [ownPrimitives, platformPrimitives].map(({ blockCipher }) => blockCipher(key));
      same(hexOf(ours!.of(counters)), hexOf(platform!.of(counters)));
    }),
    { numRuns: runs },
  ));
