/**
 * The Keys port with a memory, for many nodes in one process. Derived from passwords: server and border element of a company
 * derive the same, and a plan that is shrunk is played a hundred times with the same secrets. Signatures: one that was made here,
 * by that key over those bytes, is right, and need not be reckoned again by each node that it comes to. Every other one is: what
 * was changed on the way, or signed by nobody here.
 */
import { Effect } from "effect";
import { CertificateError, type Keys, type PrivateKey } from "../../actors/ports/mod.ts";
import { equalBytes, hexOf, keepNewest } from "../../codecs/shared/mod.ts";
import { type KnownCertificate, readKnown } from "../chains.ts";
import { isKeyOf } from "../keys.ts";

const DERIVED_MAX = 1_024;
const derived = new Map<string, Uint8Array>();

const remembered = (name: string, derive: Effect.Effect<Uint8Array>): Effect.Effect<Uint8Array> =>
  Effect.suspend(() => {
    const found = derived.get(name);
    if (found !== undefined) return Effect.succeed(found.slice());
    return Effect.map(derive, (key) => {
      keepNewest(derived, DERIVED_MAX, name, key);
      return key.slice();
    });
  });

const SIGNATURES_MAX = 8_192;
interface Made {
  readonly key: PrivateKey;
  readonly bytes: Uint8Array;
}
/** By the signature. */
const made = new Map<string, Made>();
/** Whether a certificate is of a key. */
const owners = new WeakMap<KnownCertificate, WeakMap<PrivateKey, boolean>>();

const isOf = (certificate: Uint8Array, key: PrivateKey): boolean => {
  const known = readKnown(certificate);
  if (known instanceof CertificateError) return false;
  const asked = owners.get(known) ?? new WeakMap<PrivateKey, boolean>();
  owners.set(known, asked);
  const found = asked.get(key) ?? isKeyOf(key, certificate);
  asked.set(key, found);
  return found;
};

export const rememberingKeys = (keys: Keys["Service"]): Keys["Service"] => ({
  ...keys,
  derive: (password, salt, rounds, size) =>
    remembered(`${password} ${hexOf(salt)} ${rounds} ${size}`, keys.derive(password, salt, rounds, size)),
  stretch: (password, salt, by) =>
    remembered(`${hexOf(password)} ${hexOf(salt)} ${JSON.stringify(by)}`, keys.stretch(password, salt, by)),
  sign: (key, bytes) =>
    Effect.map(keys.sign(key, bytes), (signature) => {
      keepNewest(made, SIGNATURES_MAX, hexOf(signature), { key, bytes: bytes.slice() });
      return signature;
    }),
  verify: (certificate, bytes, signature, algorithm) =>
    Effect.suspend(() => {
      const found = made.get(hexOf(signature));
      const isMade =
        found !== undefined &&
        (algorithm ?? found.key.algorithm) === found.key.algorithm &&
        equalBytes(found.bytes, bytes) &&
        isOf(certificate, found.key);
      return isMade ? Effect.succeed(true) : keys.verify(certificate, bytes, signature, algorithm);
    }),
});

/** What a test plants: every signature is right. */
export const credulous = (keys: Keys["Service"]): Keys["Service"] => ({ ...keys, verify: () => Effect.succeed(true) });
