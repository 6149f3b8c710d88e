/**
 * Powers in the SRP groups, by native code where the runtime has it.
 *
 *   Node, Deno   a Diffie-Hellman agreement between two keys made for the purpose: base as public key, exponent as
 *                private key, handed over as DER, since a key object is not put through a primality test
 *   Bun          refuses such keys; BigInt, four bits of the exponent at a time
 *
 * A probe at start chooses; nothing is known by the runtime's name. BigInt's time depends on its operands, so the
 * native way is taken wherever it passes the probe.
 */
import { createPrivateKey, createPublicKey, diffieHellman } from "node:crypto";
import { Effect, Layer } from "effect";
import { Arithmetic } from "../actors/ports/mod.ts";
import { bigOf, concat } from "../codecs/shared/mod.ts";
import { bytesOfInteger, type SrpGroup, srpGroup } from "../codecs/tls/mod.ts";

export type Power = (base: bigint, exponent: bigint, group: SrpGroup) => bigint;

export const arithmeticLayer: Layer.Layer<Arithmetic> = Layer.sync(Arithmetic, () => {
  const power = isTrue(powerByKeys) ? powerByKeys : powerByWindow;
  return { power: (base, exponent, bits) => Effect.sync(() => power(base, exponent, srpGroup(bits))) };
});

/** Whether a way to raise to a power works here and gives what BigInt gives. */
export const isTrue = (power: Power): boolean => {
  try {
    const group = srpGroup(2048);
    const base = (group.prime / 3n) * 2n + 1n;
    return [3n, group.prime >> 1_632n].every((e) => power(base, e, group) === powerByWindow(base, e, group));
  } catch {
    return false;
  }
};

export const powerByWindow: Power = (base, exponent, { prime }) => {
  const powers = [1n];
  for (let i = 1; i < 16; i++) powers.push((powers[i - 1]! * base) % prime);
  let result = 1n;
  for (const digit of exponent.toString(16)) {
    for (let i = 0; i < 4; i++) result = (result * result) % prime;
    result = (result * powers[Number.parseInt(digit, 16)]!) % prime;
  }
  return result;
};

/** Native code refuses what makes no sense as a key (bases 0, 1, -1; exponent 0): those few are answered here. */
export const powerByKeys: Power = (base, exponent, group) => {
  const order = group.prime - 1n;
  const reduced = base % group.prime;
  const power = exponent % order;
  if (exponent === 0n) return 1n;
  if (reduced <= 1n) return reduced;
  if (power === 0n) return 1n;
  if (reduced === order) return exponent % 2n === 0n ? 1n : reduced;
  const privateKey = createPrivateKey({ key: privateKeyOf(power, group), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey({ key: publicKeyOf(reduced, group), format: "der", type: "spki" });
  return bigOf(diffieHellman({ privateKey, publicKey }));
};

// PKCS#3 keys in DER: RFC 5208 §5 for the private one, RFC 5280 §4.1.2.7 for the public one.
const DH_KEY_AGREEMENT = Uint8Array.of(0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x03, 0x01);

const privateKeyOf = (exponent: bigint, group: SrpGroup): Buffer =>
  Buffer.from(sequence(integer(0n), algorithm(group), der(0x04, integer(exponent))));

const publicKeyOf = (base: bigint, group: SrpGroup): Buffer =>
  Buffer.from(sequence(algorithm(group), der(0x03, Uint8Array.of(0), integer(base))));

const algorithm = ({ prime, generator }: SrpGroup): Uint8Array =>
  sequence(DH_KEY_AGREEMENT, sequence(integer(prime), integer(generator)));

const sequence = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => der(0x30, ...parts);

const integer = (value: bigint): Uint8Array => {
  const bytes = bytesOfInteger(value);
  return der(0x02, bytes[0]! < 0x80 ? bytes : concat(Uint8Array.of(0), bytes));
};

const der = (tag: number, ...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const value = concat(...parts);
  const size = bytesOfInteger(BigInt(value.length));
  const length = value.length < 0x80 ? size : concat(Uint8Array.of(0x80 + size.length), size);
  return concat(Uint8Array.of(tag), length, value);
};
