/**
 * An X.509 certificate, read. RFC 5280 §4.1:
 *
 *   Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature BIT STRING }
 *   TBSCertificate ::= SEQUENCE { version [0], serialNumber, signature, issuer, validity, subject,
 *                                 subjectPublicKeyInfo, issuerUniqueID [1], subjectUniqueID [2], extensions [3] }
 *
 * Only DER, only version 3, and nothing after the end: certificates are identified by the hash of their bytes, so that each
 * must have one encoding only. What the fields mean for a path is decided in machines/x509.
 */

import { equalBytes } from "../shared/mod.ts";
import { type CertifiedKey, keyOf, type SignatureAlgorithm, signatureAlgorithmOf } from "./algorithms.ts";
import {
  type Budget,
  Cursor,
  constructed,
  type DerElement,
  DerFault,
  integerOf,
  magnitudeOf,
  octetsOf,
  primitive,
  smallOf,
  tag,
} from "./der.ts";
import { type Extensions, extensionsOf, isRepetition } from "./extensions.ts";
import { type DistinguishedName, nameOf } from "./names.ts";
import { timeOf } from "./time.ts";

/** Of one certificate or certification request, in DER. */
export const CERTIFICATE_BYTES_MAX = 16_384;
/** "Conforming CAs MUST NOT use serialNumber values longer than 20 octets", §4.1.2.2; one more for a sign byte that some add. */
const SERIAL_BYTES_MAX = 21;
const VERSION_3 = 2;

/** The fields of a certificate, none of them judged and its signature not verified. RFC 5280 §4.1. */
export interface Certificate {
  /** The whole certificate. */
  readonly der: Uint8Array;
  /** tbsCertificate: what the signature covers. A view into `der`. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  /** Undefined for one that is not accepted (algorithms.ts). */
  readonly signatureAlgorithm: SignatureAlgorithm | undefined;
  readonly serial: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  /** Unix milliseconds. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly key: CertifiedKey;
  /** SubjectPublicKeyInfo in DER. */
  readonly keyInfo: Uint8Array;
  readonly extensions: Extensions;
}

/** `malformed`: not DER, or not the structure of RFC 5280 §4. */
export type CertificateReadReason =
  | "tooLarge"
  | "malformed"
  | "version"
  | "uniqueId"
  | "algorithmMismatch"
  | "duplicateExtension";

/** Why a certificate is not read. */
export interface CertificateReadError {
  readonly reason: CertificateReadReason;
  /** A field's path. */
  readonly at: string;
  readonly why: string;
}
/** The certificate, or the first thing wrong with it. */
export type CertificateRead =
  | { readonly ok: true; readonly value: Certificate }
  | { readonly ok: false; readonly error: CertificateReadError };

/** The result has views into `der`, which must not be changed afterwards. */
export const readCertificate = (der: Uint8Array): CertificateRead => {
  if (der.length > CERTIFICATE_BYTES_MAX)
    return refused("tooLarge", "certificate", `over ${CERTIFICATE_BYTES_MAX} bytes`);
  try {
    const value = certificateOf(der);
    return "reason" in value ? { ok: false, error: value } : { ok: true, value };
  } catch (thrown) {
    if (!(thrown instanceof DerFault)) throw thrown;
    return refused(isRepetition(thrown) ? "duplicateExtension" : "malformed", thrown.at, thrown.why);
  }
};

const refused = (reason: CertificateReadReason, at: string, why: string) =>
  ({ ok: false, error: { reason, at, why } }) as const;

const certificateOf = (der: Uint8Array): Certificate | CertificateReadError => {
  const budget: Budget = { elements: 0 };
  const input = new Cursor(der, budget);
  const outer = input.enter(tag.sequence, "certificate");
  input.end("certificate");
  const signed = outer.take(tag.sequence, "tbsCertificate");
  const algorithm = outer.take(tag.sequence, "signatureAlgorithm").whole;
  const signature = octetsOf(outer.take(tag.bitString, "signature"), "signature");
  outer.end("certificate");

  const fields = outer.inside(signed);
  const wrongVersion = versionFault(fields);
  if (wrongVersion !== undefined) return wrongVersion;
  const serial = serialOf(fields.take(tag.integer, "serialNumber"));
  //# "This field MUST contain the same algorithm identifier as the signature field" (RFC 5280 §4.1.1.2)
  if (!equalBytes(fields.take(tag.sequence, "tbsCertificate.signature").whole, algorithm))
    return { reason: "algorithmMismatch", at: "signatureAlgorithm", why: "differs from tbsCertificate.signature" };
  const issuer = nameOf(fields, fields.any("issuer"), "issuer");
  const validity = fields.enter(tag.sequence, "validity");
  const notBeforeMs = timeOf(validity.any("notBefore"), "notBefore");
  const notAfterMs = timeOf(validity.any("notAfter"), "notAfter");
  validity.end("validity");
  const subject = nameOf(fields, fields.any("subject"), "subject");
  const keyInfo = fields.take(tag.sequence, "subjectPublicKeyInfo");
  const key = keyOf(fields.inside(keyInfo), "subjectPublicKeyInfo");
  if (fields.nextTag === primitive(1) || fields.nextTag === primitive(2))
    return { reason: "uniqueId", at: "tbsCertificate", why: "holds a unique identifier" };
  const extensions = readExtensions(fields);
  fields.end("tbsCertificate");

  const signatureAlgorithm = signatureAlgorithmOf(algorithm);
  if (signatureAlgorithm?.scheme === "ecdsa") checkEcdsa(signature, budget);
  return {
    der,
    signed: signed.whole,
    signature,
    signatureAlgorithm,
    serial,
    issuer,
    subject,
    notBeforeMs,
    notAfterMs,
    key,
    keyInfo: keyInfo.whole,
    extensions,
  };
};

/** Byte for byte. */
export const equalCertificates = (a: Certificate, b: Certificate): boolean => equalBytes(a.der, b.der);

/** "When extensions are used, … version MUST be 3", §4.1.2.1. Versions 1 and 2 have no basicConstraints. */
const versionFault = (fields: Cursor): CertificateReadError | undefined => {
  const version = fields.optional(constructed(0), "version");
  if (version === undefined) return { reason: "version", at: "version", why: "version 1" };
  const inner = fields.inside(version);
  const number = smallOf(inner.take(tag.integer, "version"), "version");
  inner.end("version");
  if (number === 0) throw new DerFault("version", "version 1 is encoded, though it is the default");
  return number === VERSION_3 ? undefined : { reason: "version", at: "version", why: `version ${number + 1}` };
};

/** Any INTEGER: "users SHOULD be prepared to gracefully handle" negative ones and zero, §4.1.2.2. */
const serialOf = (element: DerElement): Uint8Array => {
  const serial = integerOf(element, "serialNumber");
  if (serial.length > SERIAL_BYTES_MAX) throw new DerFault("serialNumber", `over ${SERIAL_BYTES_MAX} bytes`);
  return serial;
};

const readExtensions = (fields: Cursor): Extensions => {
  const element = fields.optional(constructed(3), "extensions");
  if (element === undefined) return { unknownCritical: [] };
  const inner = fields.inside(element);
  const list = inner.enter(tag.sequence, "extensions");
  inner.end("extensions");
  return extensionsOf(list, "extensions");
};

/** ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }, RFC 3279 §2.2.3. Must be DER as well, or one certificate would have many encodings. */
const checkEcdsa = (signature: Uint8Array, budget: Budget): void => {
  const input = new Cursor(signature, budget);
  const fields = input.enter(tag.sequence, "signature");
  input.end("signature");
  magnitudeOf(fields.take(tag.integer, "signature.r"), "signature.r");
  magnitudeOf(fields.take(tag.integer, "signature.s"), "signature.s");
  fields.end("signature");
};
