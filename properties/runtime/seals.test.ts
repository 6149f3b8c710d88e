/** HMAC-SHA-256, whichever way it is made: the same bytes. RFC 2104; RFC 4231 for its vectors. */
import { deepStrictEqual as same } from "node:assert";
import { createHmac } from "node:crypto";
import { Effect } from "effect";
import fc from "fast-check";
import { Macs, Seals } from "../../actors/ports/mod.ts";
import { bytesOfHex, hexOf, utf8 } from "../../codecs/shared/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { MACS, makeMac, makeSeal, quickestOf, SEALS } from "../../runtime/seals.ts";
import { runs, test } from "../kit/harness.ts";

const given = Effect.runPromise(Effect.provide(Effect.service(Seals), nodeLayer()));
for (const [name, make] of Object.entries({ ...SEALS, measured: makeSeal })) {
  test(`seals: ${name} is HMAC-SHA-256, call after call under one key`, () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 150 }), fc.array(fc.uint8Array({ maxLength: 300 })), (key, all) => {
        const seal = make(key);
        for (const bytes of all) same(hexOf(seal(bytes)), createHmac("sha256", key).update(bytes).digest("hex"));
        const [first, second] = [seal(key), seal(utf8("another"))];
        same([hexOf(first), hexOf(second)], [hexOf(make(key)(key)), hexOf(make(key)(utf8("another")))]);
      }),
      { numRuns: runs },
    ));
  test(`seals: ${name} and the second vector of RFC 4231`, () =>
    same(
      make(utf8("Jefe"))(utf8("what do ya want for nothing?")),
      bytesOfHex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    ));
}
for (const [name, make] of Object.entries({ ...MACS, measured: makeMac }))
  test(`MACs of VAP: ${name} is HMAC-SHA1, call after call under one key`, () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 150 }), fc.array(fc.uint8Array({ maxLength: 300 })), (key, all) => {
        const mac = make(key);
        for (const bytes of all) same(hexOf(mac(bytes)), createHmac("sha1", key).update(bytes).digest("hex"));
        const [first, second] = [mac(key), mac(utf8("another"))];
        same([hexOf(first), hexOf(second)], [hexOf(make(key)(key)), hexOf(make(key)(utf8("another")))]);
      }),
      { numRuns: runs },
    ));
test("MACs of VAP: a runtime's is the measured one", async () =>
  same(await Effect.runPromise(Effect.provide(Effect.service(Macs), nodeLayer())), makeMac));
test("seals: a runtime's is the measured one", async () => same(await given, makeSeal));
test("seals: the one whose best round was shortest is taken", () => {
  let now = 0;
  const taking = (...rounds: ReadonlyArray<number>) => {
    let calls = 0;
    return () => () => {
      now += rounds[Math.min(rounds.length - 1, Math.floor(calls++ / 50))]!;
      return new Uint8Array();
    };
  };
  const ways = { steady: taking(3), compiledLate: taking(9, 9, 2), slow: taking(5) };
  same(
    quickestOf(ways, () => now),
    ways.compiledLate,
  );
});
