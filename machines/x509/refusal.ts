/** Why a chain of certificates is not believed: a word for code, and a sentence for people. */
import type { CertificateReadReason } from "../../codecs/x509/mod.ts";

/** Why a chain of certificates is not believed. */
export type PathReason =
  /** Nothing to look at: no certificate, or too many. */
  | "noCertificate"
  | "tooMany"
  /** No certificate leads to a root by its names. */
  | "noPath"
  | "pathTooLong"
  | "notYetValid"
  | "expired"
  /** A signature algorithm, or a key, that is not in the one list. */
  | "algorithm"
  | "key"
  | "criticalExtension"
  | "notAuthority"
  | "isAuthority"
  | "pathLength"
  | "keyUsage"
  | "extendedKeyUsage"
  | "subject"
  | "nameConstraints"
  /** Good, but another server's. */
  | "serverName"
  | "policy"
  | "signature"
  /** A limit of ours on the work for one chain. */
  | "tooCostly";

/** All that may be wrong with a certificate, or with the chain that it stands in. */
export type CertificateReason = CertificateReadReason | PathReason;

/** A reason that code matches, and words for people and logs. */
export interface Refusal {
  readonly reason: PathReason;
  readonly why: string;
}
