/**
 * Certificates read and chains judged, over node:crypto for the arithmetic alone: what a certificate says is read by
 * codecs/x509 and what a chain is worth is decided by machines/x509, so that Node, Deno and Bun agree. RFC 5280 §6.1,
 * DECISIONS.md D-084, D-161.
 *
 *   DER --> readCertificate --> known, by its hash --> validatePath <-- verify, when it asks
 */
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { Effect } from "effect";
import {
  CertificateError,
  type CertificateFacts,
  type KeyAlgorithm,
  type VerifiedCertificate,
} from "../actors/ports/mod.ts";
import { readReloadUri } from "../codecs/enrol/mod.ts";
import { keepNewest } from "../codecs/shared/mod.ts";
import { type Certificate, type CertifiedKey, readCertificate } from "../codecs/x509/mod.ts";
import {
  type CertificateUse,
  SHOWN_MAX,
  type SignatureQuestion,
  serverNameFault,
  validatePath,
} from "../machines/x509/mod.ts";

const CERTIFICATES_KEPT_MAX = 4_096;

export interface KnownCertificate {
  readonly certificate: Certificate;
  /** Of messages, values and documents; undefined for a key that signs none. */
  readonly algorithm: KeyAlgorithm | undefined;
  readonly facts: CertificateFacts;
  /** Read from its bytes when a signature is first looked at. */
  publicKey?: KeyObject | undefined;
}

/** Certificates already read, by hash: a link shows the same one with every message. Oldest goes first. */
const known = new Map<string, KnownCertificate>();
/** The same by the array they came in, which its holder never writes again: whoever keeps one pays for its hash once. */
const knownArrays = new WeakMap<Uint8Array, KnownCertificate>();
const byCertificate = new WeakMap<Certificate, KnownCertificate>();

/** Or why it cannot be read. */
export const readKnown = (der: Uint8Array): KnownCertificate | CertificateError => {
  const seen = knownArrays.get(der);
  if (seen !== undefined) return seen;
  const hash = createHash("sha256").update(der).digest("base64");
  const found = known.get(hash) ?? parsed(der);
  if (found instanceof CertificateError) return found;
  if (!known.has(hash)) keepNewest(known, CERTIFICATES_KEPT_MAX, hash, found);
  knownArrays.set(der, found);
  return found;
};

const parsed = (der: Uint8Array): KnownCertificate | CertificateError => {
  const read = readCertificate(der.slice());
  if (!read.ok) {
    const { reason, at, why } = read.error;
    return new CertificateError({ reason, why: `unreadable certificate: ${at}: ${why}` });
  }
  const certificate = read.value;
  const found = { certificate, algorithm: algorithmOf(certificate.key), facts: factsOf(certificate) };
  byCertificate.set(certificate, found);
  knownArrays.set(certificate.der, found);
  return found;
};

const algorithmOf = (key: CertifiedKey): KeyAlgorithm | undefined => {
  if (key.type === "rsa") return "rsa";
  return key.type === "ec" && key.curve === "P-256" ? "ecdsa" : undefined;
};

const factsOf = ({ extensions, notBeforeMs, notAfterMs }: Certificate): CertificateFacts => {
  const names = extensions.altNames?.names ?? [];
  const of = (type: "uri" | "dns" | "email") => names.flatMap((name) => (name.type === type ? [name.value] : []));
  const uris = of("uri");
  return {
    nodeIds: uris.flatMap((uri) => readReloadUri(uri)?.nodeId ?? []),
    uris,
    dnsNames: of("dns").map((name) => name.toLowerCase()),
    emails: of("email"),
    notBeforeMs,
    notAfterMs,
  };
};

export const inspect = (der: Uint8Array): Effect.Effect<CertificateFacts, CertificateError> =>
  Effect.suspend(() => {
    const read = readKnown(der);
    return read instanceof CertificateError ? Effect.fail(read) : Effect.succeed(read.facts);
  });

/** The verdict of machines/x509, its questions answered. Roots and issuers that cannot be read are passed over. */
export const judgeChain = (
  [leaf, ...others]: ReadonlyArray<Uint8Array>,
  roots: ReadonlyArray<Uint8Array>,
  atMs: number,
  use: CertificateUse = "member",
): VerifiedCertificate | CertificateError => {
  if (leaf === undefined) return new CertificateError({ reason: "noCertificate", why: "no certificate" });
  if (others.length > SHOWN_MAX) return new CertificateError({ reason: "tooMany", why: `over ${SHOWN_MAX} issuers` });
  const own = readKnown(leaf);
  if (own instanceof CertificateError) return own;
  const unreadable: Array<CertificateError> = [];
  const readable = (der: Uint8Array): ReadonlyArray<Certificate> => {
    const read = readKnown(der);
    if (!(read instanceof CertificateError)) return [read.certificate];
    unreadable.push(read);
    return [];
  };
  const [shown, anchors] = [others.flatMap(readable), roots.flatMap(readable)];
  const search = validatePath({ leaf: own.certificate, shown, anchors, atMs, use });
  let step = search.next();
  while (!step.done) step = search.next(isSigned(step.value));
  const verdict = step.value;
  if (!("reason" in verdict)) return { ...own.facts, issuers: verdict.issuers.map(({ der }) => der) };
  // What is missing may be what could not be read.
  return (verdict.reason === "noPath" ? unreadable[0] : undefined) ?? new CertificateError(verdict);
};

/** The same of a server's chain, which must be for the server that was asked for: a host name, or an address. */
export const judgeServer = (
  chain: ReadonlyArray<Uint8Array>,
  roots: ReadonlyArray<Uint8Array>,
  atMs: number,
  server: string,
): VerifiedCertificate | CertificateError => {
  const judged = judgeChain(chain, roots, atMs, "server");
  if (judged instanceof CertificateError) return judged;
  const leaf = readKnown(chain[0]!);
  if (leaf instanceof CertificateError) return leaf;
  const fault = serverNameFault(leaf.certificate, server);
  return fault === undefined ? judged : new CertificateError(fault);
};

const isSigned = ({ certificate, issuer }: SignatureQuestion): boolean => {
  const { signatureAlgorithm: algorithm, signed, signature } = certificate;
  if (algorithm === undefined || algorithm.scheme !== (issuer.key.type === "rsa" ? "rsa" : "ecdsa")) return false;
  const by = byCertificate.get(issuer);
  if (by === undefined) return false;
  const found = signedBy.get(by) ?? new WeakSet();
  if (found.has(certificate)) return true;
  const isGood = isSignedBy(by, signed, signature, algorithm.hash);
  if (isGood) signedBy.set(by, found.add(certificate));
  return isGood;
};
/** Signatures found good: of certificates that are known still, whose bytes and key do not change. */
const signedBy = new WeakMap<KnownCertificate, WeakSet<Certificate>>();

/** False as well where the platform throws: what cannot be verified is not verified. */
export const isSignedBy = (
  by: KnownCertificate,
  bytes: Uint8Array,
  signature: Uint8Array,
  hash: "sha256" | "sha384" | "sha512" = "sha256",
): boolean => {
  const { key, keyInfo } = by.certificate;
  if (key.type === "other" || (key.type === "rsa" && signature.length !== Math.ceil(key.bits / 8))) return false;
  try {
    by.publicKey ??= createPublicKey({ key: Buffer.from(keyInfo), format: "der", type: "spki" });
    return verify(hash, bytes, by.publicKey, signature);
  } catch {
    return false;
  }
};

export const verifyChain = (
  chain: ReadonlyArray<Uint8Array>,
  roots: ReadonlyArray<Uint8Array>,
  atMs: number,
  use?: CertificateUse,
): Effect.Effect<VerifiedCertificate, CertificateError> =>
  Effect.suspend(() => {
    const judged = judgeChain(chain, roots, atMs, use);
    return judged instanceof CertificateError ? Effect.fail(judged) : Effect.succeed(judged);
  });
