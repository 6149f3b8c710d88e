/** The arithmetic: RFC 5054 Appendix B, both sides' agreement, the PRF's vector, and every way to raise to a power. */
import { ok, deepStrictEqual as same } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Effect } from "effect";
import fc from "fast-check";
import { Arithmetic } from "../../actors/ports/mod.ts";
import { bigOf, bytesOfHex, hexOf, utf8 } from "../../codecs/shared/mod.ts";
import { type SrpGroup, type SrpGroupBits, srpGroup } from "../../codecs/tls/mod.ts";
import { secretOf } from "../../machines/tls/credential.ts";
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
import { digitsOf } from "../../runtime/arithmetic/digits.ts";
import { DIGIT_SUM_MAX, digitsFor, places, wordsOf } from "../../runtime/arithmetic/layout.ts";
import { type Montgomery, montgomeryModule } from "../../runtime/arithmetic/montgomery.ts";
import { isProven, platformPower } from "../../runtime/arithmetic/thread.ts";
import { compiled, instanceOf } from "../../runtime/arithmetic/wasm.ts";
import { arithmeticLayer, openHere, powerHere, powerOf } from "../../runtime/arithmetic.ts";
import { runs, test, testEffect } from "../kit/harness.ts";
import { timingLaw } from "../kit/timing.ts";

const vector = (name: string): Record<string, string> =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));

test("RFC 5054 Appendix B: every value printed there", () => {
  const printed = vector("rfc5054-b");
  const value = (name: string) => BigInt(`0x${printed[name]}`);
  const group = srpGroup(1024);
  const power = (base: bigint, exponent: bigint) => powerHere(base, exponent, group);
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
  const power = (base: bigint, exponent: bigint) => powerHere(base, exponent, group);
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

// RFC 5054 §3.1
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

test("RFC 5054 §2.5.3: a salt that we choose never begins with a zero byte, which libssl drops, for known and unknown users", () => {
  // seedKey of 32 times 07 and "alice148": the HMAC begins with 00.
  const seedKey = new Uint8Array(32).fill(7);
  same(saltFor(seedKey, utf8("alice148"))[0], 0x80);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.string(), (seed, name) => {
      const salt = saltFor(seed, utf8(name));
      ok(salt.length === 16 && salt[0]! >= 0x80);
    }),
    { numRuns: runs },
  );
  // Known or not, a name has the same one.
  const salts = [{ type: "password", password: "x" } as const, undefined].map(
    (credential) => secretOf(credential, utf8("alice148"), "password", seedKey, srpGroup(1024)).salt,
  );
  same(salts[0], salts[1]);
});

const bits: ReadonlyArray<SrpGroupBits> = [1024, 1536, 2048, 3072, 4096, 6144, 8192];

testEffect(
  "Arithmetic: the port's power is the schoolbook's, in every group, at the edges too",
  Effect.gen(function* () {
    const { power } = yield* Arithmetic;
    for (const size of bits) {
      const group = srpGroup(size);
      const { prime, generator } = group;
      const bases = [0n, 1n, generator, prime - 2n, prime - 1n, prime, prime + 2n, prime / 3n];
      const exponents = [0n, 1n, 2n, 2n ** 160n - 1n, 2n ** 256n + 1n, prime - 1n, prime];
      for (const base of size > 3072 ? [0n, generator, prime - 1n, prime / 3n] : bases)
        for (const exponent of exponents.slice(0, size > 3072 ? 4 : size > 1536 ? 5 : 7))
          same(yield* power(base, exponent, size), schoolbook(base, exponent, prime), `${base}^${exponent}`);
    }
  }).pipe(Effect.provide(arithmeticLayer)),
);

const drawn = (group: SrpGroup, exponentBits: bigint) =>
  fc.tuple(fc.bigInt({ min: 0n, max: group.prime - 1n }), fc.bigInt({ min: 0n, max: 2n ** exponentBits }));

test("WebAssembly's powers are the schoolbook's, for any base and any exponent, in each group", () => {
  for (const size of bits.filter((size) => size <= 4096)) {
    const group = srpGroup(size);
    const { power } = digitsOf(group);
    fc.assert(
      fc.property(drawn(group, 420n), ([base, exponent]) => {
        same(power(base, exponent), schoolbook(base, exponent, group.prime));
      }),
      { numRuns: Math.min(runs, size > 2048 ? 4 : 25) },
    );
  }
});

test("the generator's table, growing and grown, gives what any base's way gives", () => {
  const group = srpGroup(1024);
  const { power } = digitsOf(group);
  const exponents = fc.bigInt({ min: 0n, max: 2n ** 330n });
  let taken = 0;
  fc.assert(
    fc.property(exponents, (exponent) => {
      same(power(group.generator, exponent), schoolbook(group.generator, exponent, group.prime));
      taken += 1;
    }),
    { numRuns: Math.max(runs, 40) },
  );
  ok(taken >= 40); // the table is whole after half of these
});

test("products and squares overflow no column, though all digits are as large as they may be", () => {
  for (const size of bits) {
    const group = srpGroup(size);
    const digits = digitsFor(group);
    const whole = 4 * digits;
    const { memory, times, square } = instanceOf<Montgomery>(compiled(montgomeryModule()), 1);
    const view = new Uint16Array(memory.buffer);
    new BigUint64Array(memory.buffer, places.words, 9).set(wordsOf(group));
    const put = (value: (i: number) => number, paired: number, plain: number): void => {
      for (let i = 0; i <= digits; i++) {
        view[paired / 2 + 2 * i] = value(i);
        view[paired / 2 + 2 * i + 1] = i === 0 ? 0 : value(i - 1);
        if (i < digits) view[plain / 2 + i] = value(i);
      }
    };
    const numberAt = (at: number): bigint =>
      view.subarray(at / 2, at / 2 + digits).reduceRight((sum, digit) => (sum << 13n) + BigInt(digit), 0n);
    put((i) => Number((group.prime >> BigInt(13 * i)) & 8191n), places.prime, places.end);
    // Below 2N: the digits that hold its highest bit, and those above them, are 0.
    const highest = Math.floor(size / 13) - 1;
    const largest = (i: number) => (i < highest ? DIGIT_SUM_MAX : 0);
    put(largest, places.acc, places.plain);
    const value = numberAt(places.plain);
    const radix = 1n << BigInt(13 * digits);
    const isRight = () => {
      const result = numberAt(places.plain);
      same((result * radix - value * value) % group.prime, 0n, `${size}`);
      ok(result < 2n * group.prime);
      ok(view.subarray(places.plain / 2, places.plain / 2 + digits).every((digit) => digit <= DIGIT_SUM_MAX));
    };
    square(whole);
    isRight();
    put(largest, places.acc, places.end);
    times(places.end, whole);
    isRight();
  }
});

test("the platform's Diffie-Hellman, where a thread would use it, gives what ours gives, at the edges too", () => {
  const group = srpGroup(1024);
  const platform = platformPower(group);
  const ours = digitsOf(group);
  same(isProven(platform, group), true);
  const order = group.prime - 1n;
  for (const base of [0n, 1n, 2n, order - 1n, order])
    for (const exponent of [0n, 1n, 2n, order - 1n, order, order + 1n, 2n * order])
      same(platform.power(base, exponent), ours.power(base, exponent), `${base}^${exponent}`);
  fc.assert(
    fc.property(drawn(group, 420n), ([base, exponent]) => {
      same(platform.power(base, exponent), ours.power(base, exponent));
    }),
    { numRuns: Math.min(runs, 50) },
  );
});

test("Arithmetic: a group opened in place gives the same powers, at once; one that cannot be is as before", () => {
  const group = srpGroup(1024);
  const isOpen = openHere(1024);
  same(openHere(1024), isOpen);
  same(openHere(8192), false);
  const bases = [0n, 1n, 2n, group.prime - 1n, group.prime, group.prime + 5n, (group.prime * 2n) / 3n];
  for (const base of bases)
    for (const exponent of [0n, 1n, 2n, group.prime - 1n, (1n << 320n) - 1n])
      same(powerOf(base, exponent, 1024), powerHere(base, exponent, group));
});

test("a platform that computes something else is not believed", () => {
  const wrong = { power: (base: bigint, exponent: bigint) => base + exponent };
  same(isProven(wrong, srpGroup(1024)), false);
});

testEffect(
  "Arithmetic: a group's thread opens when the group is much used, and nobody can tell by the values",
  Effect.gen(function* () {
    const { power } = yield* Arithmetic;
    const group = srpGroup(1024);
    const base = group.prime / 5n;
    for (let exponent = 0n; exponent < 200n; exponent++) {
      same(yield* power(base, exponent << 150n, 1024), schoolbook(base, exponent << 150n, group.prime));
      if (exponent % 50n === 0n) yield* Effect.sleep(150);
    }
  }).pipe(Effect.provide(arithmeticLayer)),
);

test("Arithmetic: an open thread does not hold a process that has nothing left to do", () => {
  const arithmetic = JSON.stringify(new URL("../../runtime/arithmetic.ts", import.meta.url).href);
  const script = `const { powerOf } = await import(${arithmetic});
    for (let i = 3n; i < 80n; i++) await powerOf(i, 5n, 1024);`;
  const folder = mkdtempSync(join(tmpdir(), "vipr-arithmetic-"));
  const file = join(folder, "ends.mjs");
  try {
    writeFileSync(file, script);
    const words = "Deno" in globalThis ? ["eval", script] : [file];
    const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8", timeout: 20_000 });
    same(status, 0, stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** The longest time that the event loop was held while the effect ran, in ms. */
const longestHold = <A>(effect: Effect.Effect<A>): Effect.Effect<number> =>
  Effect.gen(function* () {
    let [longest, last, isOver] = [0, performance.now(), false];
    const turn = () => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    yield* effect;
    isOver = true;
    return longest;
  });

timingLaw("Arithmetic: in the largest groups a power does not hold the event loop while it is computed", () =>
  Effect.gen(function* () {
    const { power } = yield* Arithmetic;
    const group = srpGroup(8192);
    yield* power(group.prime / 3n, 5n, 8192);
    const began = yield* Effect.sync(() => performance.now());
    const held = yield* longestHold(
      Effect.all(
        Array.from({ length: 8 }, (_, i) => power(group.prime / 7n, 2n ** 320n - BigInt(i), 8192)),
        { concurrency: "unbounded" },
      ),
    );
    const whole = performance.now() - began;
    const idle = yield* longestHold(Effect.sleep(whole)); // what else holds this machine
    const figures = `${held} ms of ${whole} ms in one turn, ${idle} ms when idle`;
    return { holds: held < whole / 3, isClear: idle < whole / 6, figures };
  }).pipe(Effect.provide(arithmeticLayer), Effect.runPromise),
);

const schoolbook = (base: bigint, exponent: bigint, prime: bigint): bigint => {
  let [result, square] = [1n, base % prime];
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % prime;
    square = (square * square) % prime;
  }
  return result;
};
