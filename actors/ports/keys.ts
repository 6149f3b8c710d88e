/** Private keys and certificates: sign, verify, inspect, derive. Secrets stay behind this port. */
import { Context, Data, type Effect } from "effect";
import type { NodeId, Stretching } from "../../codecs/reload/mod.ts";
import type { CertificateReason, CertificateUse } from "../../machines/x509/mod.ts";

/** ECDSA on P-256, or RSASSA-PKCS1-v1_5 with 2048 to 4096 bits; both with SHA-256. */
export type KeyAlgorithm = "ecdsa" | "rsa";

/** A private key that cannot be read, only used. */
export interface PrivateKey {
  readonly id: string;
  readonly algorithm: KeyAlgorithm;
}

/** Who we are to a TLS peer or a signature's verifier, and whom we trust. Certificates in DER, leaf first. */
export interface Credentials {
  readonly key: PrivateKey;
  readonly certificates: ReadonlyArray<Uint8Array>;
  readonly roots: ReadonlyArray<Uint8Array>;
}

/** What a certificate says. Times in milliseconds since 1970. */
export interface CertificateFacts {
  /** From `reload://…@<overlay>/` subjectAltName URIs, RFC 6940 §11.3 and §14.15. */
  readonly nodeIds: ReadonlyArray<NodeId>;
  readonly uris: ReadonlyArray<string>;
  readonly dnsNames: ReadonlyArray<string>;
  readonly emails: ReadonlyArray<string>;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** The issuers lead from the leaf to a root, nearest first; the root itself is not among them. */
export interface VerifiedCertificate extends CertificateFacts {
  readonly issuers: ReadonlyArray<Uint8Array>;
}

/** `badRequest`: a PKCS#10 that cannot be read, or is not signed by its own key; a key that is not certified is `key`. */
export class CertificateError extends Data.TaggedError("CertificateError")<{
  readonly reason: CertificateReason | "badRequest";
  readonly why: string;
}> {}

/** The port to keys, signatures and certificates; secrets stay behind it. */
export class Keys extends Context.Service<
  Keys,
  {
    /** A fresh ECDSA P-256 key. */
    readonly generate: Effect.Effect<PrivateKey>;
    /** A fresh RSA key of 2048 bits, "All implementations MUST support", RFC 6940 §6.3.4. Takes a tenth of a second or more. */
    readonly generateRsa: Effect.Effect<PrivateKey>;
    /** PKCS#10 in DER with an empty subject, as RFC 6940 §11.3 asks. */
    readonly certificateRequest: (key: PrivateKey) => Effect.Effect<Uint8Array>;
    /** With SHA-256, by the key's algorithm; an ECDSA signature is a DER ECDSA-Sig-Value. */
    readonly sign: (key: PrivateKey, bytes: Uint8Array) => Effect.Effect<Uint8Array>;
    /**
     * Never fails: an unreadable certificate or signature verifies as false, and so does a key of another algorithm than
     * the one named (default: whichever the certificate has), of another curve, or outside 2048 to 4096 bits.
     */
    readonly verify: (
      certificate: Uint8Array,
      bytes: Uint8Array,
      signature: Uint8Array,
      algorithm?: KeyAlgorithm,
    ) => Effect.Effect<boolean>;
    readonly inspect: (certificate: Uint8Array) => Effect.Effect<CertificateFacts, CertificateError>;
    /**
     * The leaf's facts, if it leads to one of the roots by a path that is good at `atMs` (Unix milliseconds) as RFC 5280 §6.1
     * has it: the same judgement for links, signers, documents and enrolment, and on every runtime. The leaf stands first;
     * issuers follow in any order, and certificates that issued none of the chain are passed over. A root may itself be the
     * leaf. `use`: what the leaf must be good for; default `member`.
     */
    readonly verifyChain: (
      chain: ReadonlyArray<Uint8Array>,
      roots: ReadonlyArray<Uint8Array>,
      atMs: number,
      use?: CertificateUse,
    ) => Effect.Effect<VerifiedCertificate, CertificateError>;
    /** PBKDF2-HMAC-SHA-256. Takes a tenth of a second at 100 000 rounds: derive once, keep the key. */
    readonly derive: (password: string, salt: Uint8Array, rounds: number, size: number) => Effect.Effect<Uint8Array>;
    /** scrypt, RFC 7914, beside the event loop. Takes a tenth of a second and 128·N·r bytes. */
    readonly stretch: (password: Uint8Array, salt: Uint8Array, by: Stretching) => Effect.Effect<Uint8Array>;
  }
>()("vipr/actors/ports/Keys") {}
