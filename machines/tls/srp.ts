/**
 * The Secure Remote Password protocol as TLS uses it: RFC 5054 §2.4 to §2.6, in its own letters.
 *
 *   N, g  group      I, P  user name and password      s  salt      v  verifier
 *   a, A  client's private and public value            b, B  server's           k, u, x  hashes
 *
 * Pure and quick functions; powers are slow, and are ordered by the machines. RFC 5054 prescribes SHA-1.
 * Requirements: RFC 5054 §2.9, §3.1.
 */
import { bigOf, bytesOfBig, concat, hexOf, utf8 } from "../../codecs/shared/mod.ts";
import { bytesOfInteger, type SrpGroup } from "../../codecs/tls/mod.ts";
import { sha1, sha256 } from "./hash.ts";

/** k = SHA1(N | PAD(g)): the same for all handshakes in the group, and so computed once. */
export const multiplier = (group: SrpGroup): bigint => {
  const known = multipliers.get(group.bits);
  if (known !== undefined) return known;
  const k = bigOf(sha1.of(pad(group.prime, group), pad(group.generator, group)));
  multipliers.set(group.bits, k);
  return k;
};
const multipliers = new Map<SrpGroup["bits"], bigint>();

/** x = SHA1(s | SHA1(I | ":" | P)) */
export const privateKeyOf = (salt: Uint8Array, userName: Uint8Array, password: Uint8Array): bigint =>
  bigOf(sha1.of(salt, sha1.of(userName, utf8(":"), password)));

/** u = SHA1(PAD(A) | PAD(B)) */
export const scrambler = (clientPublic: bigint, serverPublic: bigint, group: SrpGroup): bigint =>
  bigOf(sha1.of(pad(clientPublic, group), pad(serverPublic, group)));

/** B = k*v + g^b % N */
export const serverPublicOf = (verifier: bigint, generatorPower: bigint, group: SrpGroup): bigint =>
  (multiplier(group) * verifier + generatorPower) % group.prime;

/** The client's premaster secret is (B - (k * g^x)) ^ (a + (u * x)) % N: this is its base. */
export const clientBase = (serverPublic: bigint, verifier: bigint, group: SrpGroup): bigint => {
  const difference = (serverPublic - multiplier(group) * verifier) % group.prime;
  return difference < 0n ? difference + group.prime : difference;
};

/** The exponent of the client's premaster secret. */
export const clientExponent = (secret: bigint, scramble: bigint, privateKey: bigint): bigint =>
  secret + scramble * privateKey;

/** v^u = g^(u*x): a server that stores a password can order a power of g, which costs less than one of v. */
export const verifierExponent = (scramble: bigint, privateKey: bigint): bigint => scramble * privateKey;

/** The server's premaster secret is (A * v^u) ^ b % N: this is its base. */
export const serverBase = (clientPublic: bigint, verifierPower: bigint, group: SrpGroup): bigint =>
  (clientPublic * verifierPower) % group.prime;

//# "The client MUST abort the handshake with an "illegal_parameter" alert if B % N = 0." (RFC 5054 §2.5.3)
//# "The server MUST abort the handshake with an "illegal_parameter" alert if A % N = 0." (RFC 5054 §2.5.4)
/** A value of N or more cannot be padded to N's length, and is never sent by a correct implementation. */
export const isPublicValue = (value: bigint, group: SrpGroup): boolean => value > 0n && value < group.prime;

/** The premaster secret in bytes, without leading zeros. RFC 5054 §2.1. */
export const premasterOf = (value: bigint): Uint8Array => bytesOfInteger(value);

/** The salt of a user name, the same each time, for known and unknown users. RFC 5054 §2.5.1.3. */
export const saltFor = (seedKey: Uint8Array, userName: Uint8Array): Uint8Array =>
  saltFrom(sha256.hmac(seedKey, utf8("salt"), userName).subarray(0, SALT_BYTES));

/**
 * A salt made of these bytes, its first bit set: libssl reads a salt as an integer and loses a zero byte at its beginning, so
 * that the handshake of one user in 256 would fail with it. A server that stores verifiers must make their salts so too, or they
 * would differ from those of unknown users.
 */
export const saltFrom = (random: Uint8Array): Uint8Array => random.with(0, random[0]! | 0x80);

/** The password that simulates an unknown user. RFC 5054 §2.5.1.3. */
export const simulatedPassword = (seedKey: Uint8Array, userName: Uint8Array): Uint8Array =>
  utf8(hexOf(sha256.hmac(seedKey, utf8("password"), userName)));

/** The verifier that simulates an unknown user, for a server that stores verifiers. */
export const simulatedVerifier = (seedKey: Uint8Array, userName: Uint8Array, group: SrpGroup): bigint => {
  const blocks = Math.ceil(group.size / 32);
  const stream = Array.from({ length: blocks }, (_, i) =>
    sha256.hmac(seedKey, utf8("verifier"), Uint8Array.of(i), userName),
  );
  return (bigOf(concat(...stream)) % (group.prime - 2n)) + 2n;
};

/** Of a salt that we choose. */
export const SALT_BYTES = 16;

const pad = (value: bigint, group: SrpGroup): Uint8Array => bytesOfBig(value, group.size);
