/**
 * The signature algorithms and key types that we accept in certificates: those that Node, Deno and Bun all verify. RFC 3279, RFC 4055, RFC 5480, RFC 5758.
 *
 * Left out, though some of the runtimes verify them: SHA-1, RSA-PSS, P-521 and RSA over 4096 bits (Deno 2.9.5 answers false,
 * or throws), Ed25519.
 */
import { hexOf } from "../shared/mod.ts";
import { type Cursor, type DerElement, DerFault, magnitudeOf, octetsOf, oidOf, tag } from "./der.ts";

/** Of the modulus. */
export const RSA_BITS_MIN = 2_048;
/** Of the modulus. */
export const RSA_BITS_MAX = 4_096;
/** Of the public exponent: 65537 has 17. */
const EXPONENT_BITS_MAX = 32;

/** By what kind of key: RSA with the padding of PKCS #1 v1.5. */
export type SignatureScheme = "ecdsa" | "rsa";
/** One that is accepted. */
export interface SignatureAlgorithm {
  readonly scheme: SignatureScheme;
  readonly hash: "sha256" | "sha384" | "sha512";
}

/** What kind of key a certificate is for. */
export type CertifiedKey =
  | { readonly type: "ec"; readonly curve: "P-256" | "P-384" }
  | { readonly type: "rsa"; readonly bits: number }
  /** Another type, which is not accepted; `why` names it. */
  | { readonly type: "other"; readonly why: string };

/** Whole AlgorithmIdentifiers: the parameters are NULL for RSA (RFC 4055 §5) and absent for ECDSA (RFC 5758 §3.2). */
const SIGNATURES: Readonly<Record<string, SignatureAlgorithm>> = {
  "300d06092a864886f70d01010b0500": { scheme: "rsa", hash: "sha256" },
  "300d06092a864886f70d01010c0500": { scheme: "rsa", hash: "sha384" },
  "300d06092a864886f70d01010d0500": { scheme: "rsa", hash: "sha512" },
  "300a06082a8648ce3d040302": { scheme: "ecdsa", hash: "sha256" },
  "300a06082a8648ce3d040303": { scheme: "ecdsa", hash: "sha384" },
};

/** Undefined for one that is not accepted. */
export const signatureAlgorithmOf = (identifier: Uint8Array): SignatureAlgorithm | undefined =>
  SIGNATURES[hexOf(identifier)];

const RSA_ENCRYPTION = "2a864886f70d010101";
const EC_PUBLIC_KEY = "2a8648ce3d0201";
const CURVES: Readonly<Record<string, { readonly name: "P-256" | "P-384"; readonly size: number }>> = {
  "2a8648ce3d030107": { name: "P-256", size: 32 },
  "2b81040022": { name: "P-384", size: 48 },
};
const UNCOMPRESSED = 0x04;

/**
 * SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }, RFC 5280 §4.1.
 * A key of another type is read without an error: among the roots that are given, some may never be used.
 */
export const keyOf = (info: Cursor, at: string): CertifiedKey => {
  const algorithm = info.enter(tag.sequence, `${at}.algorithm`);
  const type = oidOf(algorithm.take(tag.oid, `${at}.algorithm`), `${at}.algorithm`);
  const parameters = algorithm.isAtEnd ? undefined : algorithm.any(`${at}.algorithm.parameters`);
  algorithm.end(`${at}.algorithm`);
  const key = octetsOf(info.take(tag.bitString, `${at}.subjectPublicKey`), `${at}.subjectPublicKey`);
  info.end(at);
  if (type === RSA_ENCRYPTION) return rsaOf(info, parameters, key, at);
  if (type === EC_PUBLIC_KEY) return ecOf(parameters, key, at);
  return { type: "other", why: "a key that is neither RSA nor of an elliptic curve" };
};

/** RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }, RFC 3279 §2.3.1. */
const rsaOf = (info: Cursor, parameters: DerElement | undefined, key: Uint8Array, at: string): CertifiedKey => {
  if (parameters?.tag !== tag.null || parameters.contents.length > 0)
    throw new DerFault(`${at}.algorithm`, "RSA without the parameters NULL");
  const outer = info.inside({ tag: tag.bitString, whole: key, contents: key });
  const fields = outer.enter(tag.sequence, at);
  outer.end(at);
  const modulus = magnitudeOf(fields.take(tag.integer, `${at}.modulus`), `${at}.modulus`);
  const exponent = magnitudeOf(fields.take(tag.integer, `${at}.publicExponent`), `${at}.publicExponent`);
  fields.end(at);
  const bits = modulus.length * 8 - (Math.clz32(modulus[0]!) - 24);
  if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) return { type: "other", why: `RSA of ${bits} bits` };
  const isOdd = (exponent.at(-1)! & 1) === 1 && (modulus.at(-1)! & 1) === 1;
  if (!isOdd || exponent.length * 8 > EXPONENT_BITS_MAX || (exponent.length === 1 && exponent[0]! < 3))
    return { type: "other", why: "RSA with a strange modulus or exponent" };
  return { type: "rsa", bits };
};

/** A point, uncompressed, on a named curve. RFC 5480 §2.1.1, §2.2. */
const ecOf = (parameters: DerElement | undefined, key: Uint8Array, at: string): CertifiedKey => {
  if (parameters?.tag !== tag.oid) return { type: "other", why: "an elliptic curve without a name" };
  const curve = CURVES[oidOf(parameters, `${at}.algorithm`)];
  if (curve === undefined) return { type: "other", why: "an elliptic curve other than P-256 and P-384" };
  if (key[0] !== UNCOMPRESSED || key.length !== 1 + 2 * curve.size)
    return { type: "other", why: "a compressed point, or one of another length" };
  return { type: "ec", curve: curve.name };
};
