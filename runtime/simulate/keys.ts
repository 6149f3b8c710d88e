/**
 * Keys and certificates of simulated nodes. A certificate has the size of one that the authority of this package issues, and is
 * no X.509: the Node-ID, the public key, and the authority's signature over both. Signatures are those of a real node, or
 * checksums in their place, which cost next to nothing and still show a changed byte and a signature by another key.
 *
 *   issue --> certificate, sign        facts: the authority's signature --> what the certificate says        verify
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { type NodeId, nodeIdFrom } from "../../codecs/reload/mod.ts";
import { bigOf, bytesOfBig, concat, nodeIdText } from "../../codecs/shared/mod.ts";
import type { CertifiedFacts } from "../../machines/node/mod.ts";

/** `ecdsa`: P-256 and SHA-256. */
export type Signatures = "ecdsa" | "checksum";

const NODE_ID_BYTES = 16;
/** Of a P-256 key, as certificates have it; of a signature by one, at most; of a node's certificate, all in DER. */
const PUBLIC_KEY_BYTES = 91;
const SIGNATURE_BYTES_MAX = 72;
const CERTIFICATE_BYTES = 520;
const SIGNED_BYTES = NODE_ID_BYTES + PUBLIC_KEY_BYTES;
const YEAR_MS = 365 * 86_400_000;

type Sign = (bytes: Uint8Array) => Uint8Array;
interface Arithmetic {
  readonly generate: () => { readonly publicKey: Uint8Array; readonly sign: Sign };
  readonly verify: (publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array) => boolean;
}

export interface Issued {
  readonly certificate: Uint8Array;
  readonly facts: CertifiedFacts;
  readonly sign: Sign;
}
export interface SimulatedKeys {
  readonly issue: (node: NodeId) => Issued;
  readonly verify: (certificate: Uint8Array, bytes: Uint8Array, signature: Uint8Array) => boolean;
  /** Undefined where the authority has not signed it. */
  readonly facts: (certificate: Uint8Array) => CertifiedFacts | undefined;
}

export const makeKeys = (signatures: Signatures, overlay: string, startMs: number): SimulatedKeys => {
  const arithmetic = signatures === "ecdsa" ? ecdsa() : checksums();
  const authority = arithmetic.generate();
  const signedPart = (certificate: Uint8Array) => certificate.subarray(0, SIGNED_BYTES);
  const factsOf = (node: NodeId): CertifiedFacts => ({
    nodeIds: [node],
    uris: [`reload://${nodeIdText(node)}@${overlay}/`],
    emails: [],
    notBeforeMs: startMs,
    notAfterMs: startMs + YEAR_MS,
    issuers: [],
  });
  return {
    issue: (node) => {
      const { publicKey, sign } = arithmetic.generate();
      const signed = concat(bytesOfBig(node, NODE_ID_BYTES), publicKey);
      const signature = authority.sign(signed);
      const certificate = new Uint8Array(CERTIFICATE_BYTES);
      certificate.set(signed);
      certificate[SIGNED_BYTES] = signature.length;
      certificate.set(signature, SIGNED_BYTES + 1);
      return { certificate, facts: factsOf(node), sign };
    },
    verify: (certificate, bytes, signature) =>
      arithmetic.verify(certificate.subarray(NODE_ID_BYTES, SIGNED_BYTES), bytes, signature),
    facts: (certificate) => {
      const size = certificate[SIGNED_BYTES] ?? 0;
      if (certificate.length !== CERTIFICATE_BYTES || size > SIGNATURE_BYTES_MAX) return undefined;
      const signature = certificate.subarray(SIGNED_BYTES + 1, SIGNED_BYTES + 1 + size);
      if (!arithmetic.verify(authority.publicKey, signedPart(certificate), signature)) return undefined;
      return factsOf(nodeIdFrom(bigOf(certificate.subarray(0, NODE_ID_BYTES))));
    },
  };
};

/** Public keys that have been read, by their bytes: a node's is read once. */
const ecdsa = (): Arithmetic => {
  const read = new Map<string, KeyObject>();
  const keyOf = (publicKey: Uint8Array): KeyObject => {
    const name = Buffer.from(publicKey).toString("latin1");
    const key = read.get(name) ?? createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" });
    read.set(name, key);
    return key;
  };
  return {
    generate: () => {
      const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const publicKey = new Uint8Array(pair.publicKey.export({ format: "der", type: "spki" }));
      return { publicKey, sign: (bytes) => new Uint8Array(sign("sha256", bytes, pair.privateKey)) };
    },
    verify: (publicKey, bytes, signature) => verify("sha256", bytes, keyOf(publicKey), signature),
  };
};

/** FNV-1a, 32 bits. */
const fold = (bytes: Uint8Array, from: number): number => {
  let sum = from;
  for (let i = 0; i < bytes.length; i++) sum = Math.imul(sum ^ bytes[i]!, 0x01000193);
  return sum >>> 0;
};
const FNV_OFFSET = 0x811c9dc5;
/** As long as most signatures in DER, so that messages have the size of real ones. */
const CHECKSUM_BYTES = 71;

const checksums = (): Arithmetic => {
  let keys = 0;
  const sumOf = (publicKey: Uint8Array, bytes: Uint8Array) => fold(bytes, fold(publicKey, FNV_OFFSET));
  return {
    generate: () => {
      const publicKey = new Uint8Array(PUBLIC_KEY_BYTES);
      new DataView(publicKey.buffer).setUint32(0, ++keys);
      const sign: Sign = (bytes) => {
        const signature = new Uint8Array(CHECKSUM_BYTES);
        new DataView(signature.buffer).setUint32(0, sumOf(publicKey, bytes));
        return signature;
      };
      return { publicKey, sign };
    },
    verify: (publicKey, bytes, signature) => {
      if (signature.length !== CHECKSUM_BYTES) return false;
      return new DataView(signature.buffer, signature.byteOffset).getUint32(0) === sumOf(publicKey, bytes);
    },
  };
};
