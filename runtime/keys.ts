/**
 * The Keys port: keys by node:crypto, which all three runtimes have, certificate requests by @peculiar/x509, chains by chains.ts.
 * Signing is synchronous and takes some 50 us; a promise would cost more, and could not be waited for on virtual time.
 * DECISIONS.md D-007.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
  type KeyObject,
  pbkdf2,
  scrypt,
  scryptSync,
  sign,
  webcrypto,
} from "node:crypto";
import { Effect, Layer } from "effect";
import { CertificateError, type KeyAlgorithm, Keys, type PrivateKey } from "../actors/ports/mod.ts";
import type { Stretching } from "../codecs/reload/mod.ts";
import { RSA_BITS_MAX, RSA_BITS_MIN } from "../codecs/x509/mod.ts";
import { inspect, isSignedBy, readKnown, verifyChain } from "./chains.ts";
import { outside } from "./outside.ts";
import { subtleFor } from "./webcrypto.ts";
import { x509Library } from "./x509-library.ts";

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const RSA = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: RSA_BITS_MIN,
  publicExponent: Uint8Array.of(1, 0, 1),
} as const;

/** The secret key of each handle. Other floors have the handles only. */
const secrets = new WeakMap<PrivateKey, KeyObject>();
let keyCount = 0;

/** For runtime/ only: TLS sockets need the key itself. */
export const pemOf = (key: PrivateKey): string => secretOf(key).export({ type: "pkcs8", format: "pem" }) as string;

/** Deno reads a key only when nothing else stands in the text. */
const KEY_BLOCK = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----/;

/**
 * For runtime/ only: the first private key of a file, whatever stands beside it. Undefined unless it is of a type that may sign
 * here.
 */
export const keyOfPem = (pem: string): PrivateKey | undefined => {
  try {
    const secret = createPrivateKey(KEY_BLOCK.exec(pem)?.[0] ?? "");
    return algorithmOf(secret) === undefined ? undefined : remember(secret);
  } catch {
    return undefined;
  }
};

/** Whether a certificate is of that key; false for one that cannot be read. */
export const isKeyOf = (key: PrivateKey, certificate: Uint8Array): boolean => {
  const read = readKnown(certificate);
  if (read instanceof CertificateError) return false;
  const spki = (of: KeyObject) => of.export({ type: "spki", format: "der" }) as Buffer;
  try {
    const shown = createPublicKey({ key: Buffer.from(read.certificate.keyInfo), format: "der", type: "spki" });
    return spki(shown).equals(spki(createPublicKey(secretOf(key))));
  } catch {
    return false; // of a type that this runtime does not know
  }
};

const remember = (secret: KeyObject): PrivateKey => {
  const algorithm = algorithmOf(secret) ?? "ecdsa";
  const key: PrivateKey = Object.freeze({ id: `key-${++keyCount}`, algorithm });
  secrets.set(key, secret);
  return key;
};

/** The algorithm that a key signs with; undefined for other curves than P-256, and for RSA that is too short or too long. */
const algorithmOf = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): KeyAlgorithm | undefined => {
  if (asymmetricKeyType === "ec") return asymmetricKeyDetails?.namedCurve === "prime256v1" ? "ecdsa" : undefined;
  if (asymmetricKeyType !== "rsa") return undefined;
  const bits = asymmetricKeyDetails?.modulusLength ?? 0;
  return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX ? "rsa" : undefined;
};

const secretOf = (key: PrivateKey): KeyObject => {
  const secret = secrets.get(key);
  if (secret === undefined) throw new Error(`${key.id} is not a key of this process`);
  return secret;
};

/** Private and public key for WebCrypto. */
export const cryptoKeysOf = async (key: PrivateKey): Promise<webcrypto.CryptoKeyPair> => {
  const secret = secretOf(key);
  const algorithm = key.algorithm === "rsa" ? RSA : ECDSA;
  const subtle = await subtleFor(algorithm);
  const pkcs8 = secret.export({ type: "pkcs8", format: "der" });
  const privateKey = await subtle.importKey("pkcs8", pkcs8, algorithm, true, ["sign"]);
  const spki = createPublicKey(secret).export({ type: "spki", format: "der" });
  const publicKey = await subtle.importKey("spki", spki, algorithm, true, ["verify"]);
  return { privateKey, publicKey };
};

const certificateRequest = (key: PrivateKey) =>
  outside(async () => {
    const x509 = await x509Library();
    const keys = await cryptoKeysOf(key);
    const request = await x509.Pkcs10CertificateRequestGenerator.create(
      { name: [], keys, signingAlgorithm: key.algorithm === "rsa" ? RSA : ECDSA },
      webcrypto as never,
    );
    return new Uint8Array(request.rawData);
  });

const derive = (password: string, salt: Uint8Array, rounds: number, size: number) =>
  Effect.callback<Uint8Array>((resume) => {
    pbkdf2(password, salt, rounds, size, "sha256", (error, key) =>
      resume(error === null ? Effect.succeed(new Uint8Array(key)) : Effect.die(error)),
    );
  });

const SCRYPT_BLOCK_BYTES = 128; // scrypt takes this times N and r of memory, and a little more
const stretch = (password: Uint8Array, salt: Uint8Array, { N, r, p, size }: Stretching) =>
  Effect.callback<Uint8Array>((resume) => {
    scrypt(
      password,
      salt,
      size,
      { N, r, p, maxmem: 2 * SCRYPT_BLOCK_BYTES * N * r },
      (error, key) => resume(error ? Effect.die(error) : Effect.succeed(new Uint8Array(key))), // without an error it is null, and undefined on Bun
    );
  });
/** The same without a callback, for virtual time. */
export const stretchSync = (password: Uint8Array, salt: Uint8Array, { N, r, p, size }: Stretching): Uint8Array =>
  new Uint8Array(scryptSync(password, salt, size, { N, r, p, maxmem: 2 * SCRYPT_BLOCK_BYTES * N * r }));

export const keysLayer: Layer.Layer<Keys> = Layer.succeed(Keys, {
  generate: Effect.sync(() => remember(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey)),
  generateRsa: outside(
    () =>
      new Promise<PrivateKey>((resolve, reject) =>
        generateKeyPair("rsa", { modulusLength: RSA_BITS_MIN }, (error, _, secret) =>
          error === null ? resolve(remember(secret)) : reject(error),
        ),
      ),
  ),
  certificateRequest,
  sign: (key, bytes) => Effect.sync(() => new Uint8Array(sign("sha256", bytes, secretOf(key)))),
  verify: (certificate, bytes, signature, algorithm) =>
    Effect.sync(() => {
      const signer = readKnown(certificate); // under an unreadable certificate no signature is valid
      if (signer instanceof CertificateError || signer.algorithm === undefined) return false;
      return signer.algorithm === (algorithm ?? signer.algorithm) && isSignedBy(signer, bytes, signature);
    }),
  inspect,
  verifyChain,
  derive,
  stretch,
});
