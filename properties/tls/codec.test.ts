/** TLS messages satisfy the wire laws; the group primes are those of RFC 5054. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { bytesOfHex } from "../../codecs/shared/mod.ts";
import {
  alertDescription,
  bytesOfInteger,
  extensionType,
  RECORD_HEADER_BYTES,
  type SrpGroupBits,
  srpGroup,
  srpGroupOf,
  srpSuites,
  TlsAlert,
  TlsChangeCipherSpec,
  TlsClientHello,
  TlsExtension,
  TlsHandshake,
  TlsHandshakeHeader,
  TlsMacHeader,
  TlsRecordHeader,
  TlsServerHello,
  TlsServerSrpParams,
} from "../../codecs/tls/mod.ts";
import { decode, encode } from "../../codecs/wire/mod.ts";
import { digitsOf } from "../../runtime/arithmetic/digits.ts";
import { runs, test } from "../kit/harness.ts";
import { wireLaws } from "../kit/wire-laws.ts";

wireLaws(TlsRecordHeader, { name: "TlsRecordHeader" });
wireLaws(TlsAlert);
wireLaws(TlsChangeCipherSpec);
wireLaws(TlsMacHeader, { name: "TlsMacHeader" });
wireLaws(TlsExtension);
wireLaws(TlsClientHello, { openEnded: true }); // without its extensions it is a hello, too: a message's length decides
wireLaws(TlsServerHello, { openEnded: true });
wireLaws(TlsServerSrpParams);
wireLaws(TlsHandshakeHeader, { name: "TlsHandshakeHeader" });
wireLaws(TlsHandshake, { name: "TlsHandshake", limit: 2 ** 24 });

/** Small enough to be tested for primality here. */
const groups: ReadonlyArray<SrpGroupBits> = [1024, 1536, 2048, 3072, 4096];
const every: ReadonlyArray<SrpGroupBits> = [...groups, 6144, 8192];

test("RFC 5054 §2.5.3: each group's prime is a safe prime of its size", () => {
  for (const bits of groups) {
    const group = srpGroup(bits);
    const half = { ...group, prime: (group.prime - 1n) / 2n };
    same(group.prime.toString(2).length, bits);
    for (const base of [2n, 3n, 65_537n]) {
      same(digitsOf(group).power(base, group.prime - 1n), 1n);
      same(digitsOf(half).power(base, half.prime - 1n), 1n);
    }
    // "g MUST be a generator": of the whole group, as its half power is not 1; or of the subgroup of that order.
    ok([1n, group.prime - 1n].includes(digitsOf(group).power(group.generator, half.prime)));
  }
});

/** pi times 2^bits, rounded down: Machin's 16 atan(1/5) - 4 atan(1/239), with bits to spare. */
const piTimes = (bits: bigint): bigint => {
  const spare = 64n;
  const one = 1n << (bits + spare);
  const arctangent = (inverse: bigint): bigint => {
    let sum = 0n;
    let power = one / inverse;
    for (let n = 1n; power > 0n; n += 2n, power /= inverse * inverse) sum += n % 4n === 1n ? power / n : -(power / n);
    return sum;
  };
  return (16n * arctangent(5n) - 4n * arctangent(239n)) >> spare;
};

// RFC 5054 §2.5.3
test("RFC 5054 Appendix A: the primes from 3072 bits on are those of the formula printed above each", () => {
  for (const [bits, n, c] of [
    [3072, 3072n, 1_690_314n],
    [4096, 4096n, 240_904n],
    [6144, 6144n, 929_484n],
    [8192, 8192n, 4_743_158n],
  ] as const) {
    const prime = 2n ** n - 2n ** (n - 64n) - 1n + 2n ** 64n * (piTimes(n - 130n) + c);
    ok(srpGroup(bits).prime === prime, `${bits}`);
  }
  same(
    every.map((bits) => srpGroup(bits).generator),
    [2n, 2n, 2n, 5n, 5n, 5n, 19n],
  );
});

test("a group is known by its prime and generator together, leading zeros or not", () => {
  for (const bits of every) {
    const { prime, generator } = srpGroup(bits);
    const [p, g] = [bytesOfInteger(prime), bytesOfInteger(generator)];
    same(srpGroupOf(p, g)?.bits, bits);
    same(srpGroupOf(Uint8Array.of(0, ...p), g)?.bits, bits);
    same(srpGroupOf(p, bytesOfInteger(generator + 1n)), undefined);
    same(srpGroupOf(bytesOfInteger(prime + 2n), g), undefined);
  }
  same(srpGroupOf(new Uint8Array(), new Uint8Array()), undefined);
});

test("RFC 5054 §2.1: an integer has no leading zeros, and reads back", () =>
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 300n }), (value) => {
      const bytes = bytesOfInteger(value);
      ok(bytes.length === 1 || bytes[0] !== 0);
      same(BigInt(`0x${Buffer.from(bytes).toString("hex")}`), value);
    }),
    { numRuns: runs },
  ));

test("an unknown extension and an unknown message are kept as they came", () => {
  const extension = bytesOfHex("00230003abcdef");
  const read = decode(TlsExtension, extension);
  same(read, { ok: true, value: { type: "unknown", code: 0x23, value: bytesOfHex("abcdef") } });
  const message = bytesOfHex("0b000003000000"); // an empty Certificate
  const certificate = decode(TlsHandshake, message);
  same(certificate, { ok: true, value: { type: 11, body: bytesOfHex("000000") } });
  if (certificate.ok) same(encode(TlsHandshake, certificate.value), message);
  same(RECORD_HEADER_BYTES, 5);
});

test("RFC 5054 §2.7, §2.8.1: the numbers of suites, extension and alerts are those of the RFC", () => {
  same(
    Object.values(srpSuites).map(({ code }) => code),
    [0xc01d, 0xc020],
  );
  same(extensionType.srp, 12);
  const { unknownPskIdentity, insufficientSecurity, illegalParameter, badRecordMac } = alertDescription;
  same([unknownPskIdentity, insufficientSecurity, illegalParameter, badRecordMac], [115, 71, 47, 20]);
  // The extension as it is written: its number, two lengths, the name.
  same(
    [...encode(TlsExtension, { type: "srp", value: bytesOfHex("616c696365") })],
    [...bytesOfHex("000c000605616c696365")],
  );
});
