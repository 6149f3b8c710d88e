/** The arithmetic: RFC 5054 Appendix B, both sides' agreement, the PRF's vector, and every way to raise to a power. */
import { ok, deepStrictEqual as same } from "node:assert";
import { readFileSync } from "node:fs";
import { Effect } from "effect";
import fc from "fast-check";
import { Arithmetic } from "../../actors/ports/mod.ts";
import { bigOf, bytesOfHex, hexOf, utf8 } from "../../codecs/shared/mod.ts";
import { type SrpGroupBits, srpGroup } from "../../codecs/tls/mod.ts";
import { extendedMasterSecret, masterSecret, prf } from "../../machines/tls/prf.ts";
import {
  clientBase,
  clientExponent,
  isPublicValue,
  multiplier,
  premasterOf,
  privateKeyOf,
  saltFor,
  scrambler,
  serverBase,
  serverPublicOf,
  simulatedPassword,
  simulatedVerifier,
} from "../../machines/tls/srp.ts";
import { arithmeticLayer, isTrue, powerByKeys, powerByWindow } from "../../runtime/arithmetic.ts";
import { runs, test, testEffect } from "../kit/harness.ts";

const vector = (name: string): Record<string, string> =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));

test("RFC 5054 Appendix B: every value printed there", () => {
  const printed = vector("rfc5054-b");
  const value = (name: string) => BigInt(`0x${printed[name]}`);
  const group = srpGroup(1024);
  const power = (base: bigint, exponent: bigint) => powerByWindow(base, exponent, group);
  const x = privateKeyOf(bytesOfHex(printed.salt!), utf8("alice"), utf8("password123"));
  const v = power(group.generator, x);
  const [a, b] = [value("a"), value("b")];
  const publicA = power(group.generator, a);
  const publicB = serverPublicOf(v, power(group.generator, b), group);
  const u = scrambler(publicA, publicB, group);
  same([multiplier(group), x, v, publicA, publicB, u], ["k", "x", "v", "A", "B", "u"].map(value));
  const byClient = power(clientBase(publicB, v, group), clientExponent(a, u, x));
  const byServer = power(serverBase(publicA, power(v, u), group), b);
  same([byClient, byServer], [value("premaster"), value("premaster")]);
  same(hexOf(premasterOf(byClient)), printed.premaster!.toLowerCase());
});

test("RFC 5246 §5: the PRF's output for a known secret, of any length", () => {
  const { secret, seed, label, output } = vector("tls12-prf") as Record<string, string>;
  for (const size of [1, 12, 32, 33, 48, 100])
    same(hexOf(prf(bytesOfHex(secret!), label!, bytesOfHex(seed!), size)), output!.toLowerCase().slice(0, 2 * size));
});

test("RFC 7627 §4: the extended master secret depends on the whole transcript, the old one on the randoms alone", () => {
  const premaster = new Uint8Array(128).fill(9);
  const [client, server] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const of = (text: string) => hexOf(extendedMasterSecret(premaster, utf8(text)));
  same(of("a"), of("a"));
  ok(of("a") !== of("b"));
  ok(
    hexOf(masterSecret(premaster, { client, server })) !==
      hexOf(masterSecret(premaster, { client: server, server: client })),
  );
  same(of("a").length, 96);
});

test("RFC 5054 §2.6: both sides get one premaster secret exactly when they have one password", () => {
  const group = srpGroup(1024);
  const power = (base: bigint, exponent: bigint) => powerByWindow(base, exponent, group);
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 32 });
  fc.assert(
    fc.property(bytes, bytes, bytes, bytes, bytes, fc.boolean(), (name, password, salt, left, right, isWrong) => {
      const [a, b] = [bigOf(left) + 1n, bigOf(right) + 1n];
      const v = power(group.generator, privateKeyOf(salt, name, password));
      const x = privateKeyOf(salt, name, isWrong ? Uint8Array.of(...password, 1) : password);
      const publicA = power(group.generator, a);
      const publicB = serverPublicOf(v, power(group.generator, b), group);
      const u = scrambler(publicA, publicB, group);
      const byClient = power(clientBase(publicB, power(group.generator, x), group), clientExponent(a, u, x));
      const byServer = power(serverBase(publicA, power(v, u), group), b);
      same(byClient === byServer, !isWrong);
    }),
    { numRuns: Math.min(runs, 30) },
  );
});

test("RFC 5054 §2.5.3, §2.5.4: 0, N and anything beyond is no public value", () => {
  const group = srpGroup(1024);
  same(
    [0n, group.prime, group.prime + 5n, 2n * group.prime].map((value) => isPublicValue(value, group)),
    [false, false, false, false],
  );
  same(
    [1n, group.prime - 1n].map((value) => isPublicValue(value, group)),
    [true, true],
  );
});

test("RFC 5054 §2.5.1.3: what is simulated for a name is always the same, and different for another", () => {
  const seedKey = new Uint8Array(32).fill(1);
  for (const made of [saltFor, simulatedPassword]) {
    same(made(seedKey, utf8("a")), made(seedKey, utf8("a")));
    ok(hexOf(made(seedKey, utf8("a"))) !== hexOf(made(seedKey, utf8("b"))));
    ok(hexOf(made(seedKey, utf8("a"))) !== hexOf(made(new Uint8Array(32), utf8("a"))));
  }
  const verifier = simulatedVerifier(seedKey, utf8("a"), srpGroup(2048));
  same(verifier, simulatedVerifier(seedKey, utf8("a"), srpGroup(2048)));
  ok(verifier > 1n && verifier < srpGroup(2048).prime);
});

const bits: ReadonlyArray<SrpGroupBits> = [1024, 1536, 2048, 3072, 4096];

testEffect(
  "Arithmetic: the port's power is the schoolbook's, in every group, at the edges too",
  Effect.gen(function* () {
    const { power } = yield* Arithmetic;
    for (const size of bits) {
      const group = srpGroup(size);
      const bases = [0n, 1n, 2n, group.generator, group.prime - 2n, group.prime - 1n, group.prime, group.prime / 3n];
      const exponents = [0n, 1n, 2n, 3n, 2n ** 160n - 1n, 2n ** 256n + 1n, group.prime - 1n, group.prime];
      for (const base of bases)
        for (const exponent of size > 2048 ? exponents.slice(0, 5) : exponents)
          same(yield* power(base, exponent, size), schoolbook(base, exponent, group.prime), `${base}^${exponent}`);
    }
  }).pipe(Effect.provide(arithmeticLayer)),
);

test("each way that passes the probe gives what BigInt's squares and products give", () => {
  const group = srpGroup(2048);
  const ways = [powerByWindow, ...(isTrue(powerByKeys) ? [powerByKeys] : [])];
  const random = fc.bigInt({ min: 0n, max: group.prime - 1n });
  fc.assert(
    fc.property(random, fc.bigInt({ min: 0n, max: 2n ** 420n }), (base, exponent) => {
      const expected = schoolbook(base, exponent, group.prime);
      for (const way of ways) same(way(base, exponent, group), expected);
    }),
    { numRuns: Math.min(runs, 20) },
  );
});

test("a way that is wrong, or throws, does not pass the probe", () => {
  same(
    isTrue(() => 1n),
    false,
  );
  same(
    isTrue(() => {
      throw new Error("unsupported");
    }),
    false,
  );
  same(isTrue(powerByWindow), true);
});

const schoolbook = (base: bigint, exponent: bigint, prime: bigint): bigint => {
  let [result, square] = [1n, base % prime];
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % prime;
    square = (square * square) % prime;
  }
  return result;
};
