/**
 * Certificates and signatures, and what a signature covers. RFC 6940 §6.3.4, §7.1.
 * The signer is named by a SignerIdentity: a hash that identifies one certificate of the bucket.
 */
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { NodeId } from "../shared/mod.ts";
import { bytesOfBig, concat } from "../shared/mod.ts";
import {
  empty,
  encode,
  enumeration,
  lengthOf,
  opaque,
  select,
  struct,
  type TypeOf,
  u8,
  u16,
  u32,
  u64,
  vector,
} from "../wire/mod.ts";
import { NODE_ID_BYTES, ResourceId } from "./forwarding.ts";
import { certificateType, hashAlgorithm, signatureAlgorithm, signerIdentityType } from "./registry.ts";

/** Its type and its bytes: DER where it is X.509. */
export const GenericCertificate = struct("GenericCertificate", "RFC 6940 §6.3.4", {
  type: u8, // RFC 6091; 0 is X.509
  certificate: opaque(u16),
});
export type GenericCertificate = TypeOf<typeof GenericCertificate>;

const HashedIdentity = struct("HashedIdentity", "RFC 6940 §6.3.4", {
  algorithm: u8, // HashAlgorithm of RFC 5246 §7.4.1.4.1
  hash: opaque(u8),
});
/** By which hash the signer's certificate is found; `none` under no signature. */
export const SignerIdentity = struct("SignerIdentity", "RFC 6940 §6.3.4", {
  type: enumeration(u8, signerIdentityType),
  length: lengthOf("identity", u16),
  identity: select("type", {
    certHash: HashedIdentity,
    certHashNodeId: HashedIdentity,
    none: empty,
  }),
});
export type SignerIdentity = TypeOf<typeof SignerIdentity>;

/** Who signed, by which algorithms (codes of RFC 5246 §7.4.1.4.1), and the value. */
export const Signature = struct("Signature", "RFC 6940 §6.3.4", {
  hash: u8, // SignatureAndHashAlgorithm of RFC 5246 §7.4.1.4.1
  signature: u8,
  identity: SignerIdentity,
  value: opaque(u16),
});
export type Signature = TypeOf<typeof Signature>;

/** "A bucket of certificates." */
export const Certificates = vector(GenericCertificate, u16);
/** The end of a payload: certificates, and the signature over the contents. */
export const SecurityBlock = struct("SecurityBlock", "RFC 6940 §6.3.4", {
  certificates: Certificates,
  signature: Signature,
});
export type SecurityBlock = TypeOf<typeof SecurityBlock>;

/** "the identity_type is set to "none", ... {0, 0} ..., and the signature value is of zero length", §7.4.2.2. */
export const noSignature: Signature = {
  hash: hashAlgorithm.none,
  signature: signatureAlgorithm.anonymous,
  identity: { type: "none", identity: {} },
  value: new Uint8Array(),
};
/** No signer, or the algorithms {0, 0}: what stands for no signature, RFC 6940 §7.4.2.2. */
export const isUnsigned = (signature: Signature): boolean =>
  signature.identity.type === "none" ||
  (signature.hash === hashAlgorithm.none && signature.signature === signatureAlgorithm.anonymous);

/** With SHA-256, by the algorithm of the key that made it. */
export const signatureBy = (algorithm: "ecdsa" | "rsa", identity: SignerIdentity, value: Uint8Array): Signature => ({
  hash: hashAlgorithm.sha256,
  signature: signatureAlgorithm[algorithm],
  identity,
  value,
});
/** With SHA-256. */
export const ecdsaSignature = (identity: SignerIdentity, value: Uint8Array): Signature =>
  signatureBy("ecdsa", identity, value);

/** The algorithm of a signature we can check; undefined for others, and for none. */
export const algorithmOf = ({ hash, signature }: Signature): "ecdsa" | "rsa" | undefined => {
  if (hash !== hashAlgorithm.sha256) return undefined;
  if (signature === signatureAlgorithm.ecdsa) return "ecdsa";
  return signature === signatureAlgorithm.rsa ? "rsa" : undefined;
};

/** A certificate in DER, for a bucket. */
export const x509 = (certificate: Uint8Array): GenericCertificate => ({ type: certificateType.x509, certificate });

/** How the holder of a certificate with one Node-ID signs: SHA-256 of the certificate. */
export const identityOf = (certificate: Uint8Array): SignerIdentity => ({
  type: "certHash",
  identity: { algorithm: hashAlgorithm.sha256, hash: sha256(certificate) },
});

/** How the holder of a certificate with several Node-IDs signs as one of them: "H(NodeId || certificate)". */
export const identityOfNode = (certificate: Uint8Array, nodeId: NodeId): SignerIdentity => ({
  type: "certHashNodeId",
  identity: {
    algorithm: hashAlgorithm.sha256,
    hash: sha256(concat(bytesOfBig(nodeId, NODE_ID_BYTES), certificate)),
  },
});

/**
 * Whether the identity names this certificate, used as this Node-ID. Hashes: SHA-256, SHA-1 (RFC 6940 leaves it open).
 * `nodeId`: which of the certificate's Node-IDs signed; undefined for an authority, which has none.
 */
export const isIdentityOf = (identity: SignerIdentity, certificate: Uint8Array, nodeId?: NodeId): boolean => {
  if (identity.type === "none" || (identity.type === "certHashNodeId" && nodeId === undefined)) return false;
  const digest = digestOf(identity.identity.algorithm);
  const hashed =
    nodeId === undefined || identity.type === "certHash"
      ? certificate
      : concat(bytesOfBig(nodeId, NODE_ID_BYTES), certificate);
  return digest !== undefined && equal(digest(hashed), identity.identity.hash);
};

const digestOf = (algorithm: number): ((bytes: Uint8Array) => Uint8Array) | undefined =>
  algorithm === hashAlgorithm.sha256 ? sha256 : algorithm === hashAlgorithm.sha1 ? sha1 : undefined;

const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** §6.3.4: overlay || transaction_id || MessageContents || SignerIdentity. */
export const messageSignatureInput = (
  overlay: number,
  transactionId: bigint,
  contents: Uint8Array,
  identity: SignerIdentity,
): Uint8Array => concat(encode(u32, overlay), encode(u64, transactionId), contents, encode(SignerIdentity, identity));

/**
 * §7.1: resource_id || kind || storage_time || StoredDataValue || SignerIdentity. The Resource-ID stands with its length
 * byte, as the presentation language writes it: only for Node-IDs does the text ask for raw bytes.
 */
export const valueSignatureInput = (
  resource: Uint8Array,
  kind: number,
  storageTime: bigint,
  value: Uint8Array,
  identity: SignerIdentity,
): Uint8Array =>
  concat(
    encode(ResourceId, resource),
    encode(u32, kind),
    encode(u64, storageTime),
    value,
    encode(SignerIdentity, identity),
  );
