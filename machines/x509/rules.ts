/**
 * What RFC 5280 §6.1 asks of one path, all but its signatures: a verdict from values alone, cheap enough to come first.
 *
 *   anchor --> issuer --> … --> leaf
 *     each: key and algorithm of our list, validity, critical extensions
 *     above the leaf: authority, keyCertSign, path length, policies, name constraints for all below
 *     the leaf: no authority, digitalSignature, the purposes asked for, a subject or critical names
 * Requirements: RFC 6940 §13.3; docs/protocol/overlay.md.
 */
import {
  type Certificate,
  type GeneralName,
  keyPurpose,
  keyUsage,
  type NameConstraints,
} from "../../codecs/x509/mod.ts";
import { constraintFault } from "./constraints.ts";
import { isLeafPolicyMissing, isPolicyMissing, policiesAtAnchor, policiesBelow, withPolicies } from "./policies.ts";
import type { PathReason, Refusal } from "./refusal.ts";

/** Comparisons of a name with a constraint for one path: 512 names under two authorities of sixteen constraints each. */
export const COMPARISONS_MAX = 16_384;

/**
 * What a certificate is used for. `member`: a node of an overlay, which opens links and accepts them, and signs messages,
 * values and documents. `server` and `client`: one end of a TLS connection.
 */
export type CertificateUse = "member" | "server" | "client";

const PURPOSES: Readonly<Record<CertificateUse, ReadonlyArray<string>>> = {
  member: [keyPurpose.serverAuth, keyPurpose.clientAuth],
  server: [keyPurpose.serverAuth],
  client: [keyPurpose.clientAuth],
};

const refuse = (reason: PathReason, why: string): Refusal => ({ reason, why });

/** `path`: leaf first, anchor last, each issued by the next by its names. */
export const pathFault = (path: ReadonlyArray<Certificate>, atMs: number, use: CertificateUse): Refusal | undefined => {
  const leaf = path[0]!;
  for (let i = path.length - 1; i >= 0; i--) {
    const fault = certificateFault(path[i]!, atMs, whoseOf(i)) ?? (i === 0 ? undefined : authorityFault(path, i));
    if (fault !== undefined) return fault;
  }
  return algorithmFault(path) ?? leafFault(leaf, use) ?? policyFault(path) ?? namesFault(path);
};

/** The anchor as a leaf: an authority that signs a document itself. Its word needs no path, §6.1.1 (d). */
export const anchorFault = (anchor: Certificate, atMs: number): Refusal | undefined =>
  certificateFault(anchor, atMs, "root");

const whoseOf = (i: number): string => (i === 0 ? "certificate" : "issuer");

/** What is asked of every certificate. The validity includes both its ends, §4.1.2.5. */
const certificateFault = (
  { notBeforeMs, notAfterMs, key, extensions }: Certificate,
  atMs: number,
  whose: string,
): Refusal | undefined => {
  if (atMs < notBeforeMs) return refuse("notYetValid", `${whose} is not valid yet`);
  if (atMs > notAfterMs) return refuse("expired", `${whose} is not valid now: it has expired`);
  if (key.type === "other") return refuse("key", `${whose}: ${key.why}`);
  if (extensions.unknownCritical.length > 0)
    return refuse("criticalExtension", `${whose} has a critical extension that is not known here`);
  if (extensions.hasPolicyMappings) return refuse("policy", `${whose} maps policies`);
  return undefined;
};

/** The anchor's own signature is nobody's proof, and may be made by what it likes. */
const algorithmFault = (path: ReadonlyArray<Certificate>): Refusal | undefined => {
  const i = path.findIndex(({ signatureAlgorithm }, at) => at < path.length - 1 && signatureAlgorithm === undefined);
  return i < 0 ? undefined : refuse("algorithm", `${whoseOf(i)} is signed by an algorithm that is not accepted here`);
};

/** §6.1.4 (k) to (n). */
const authorityFault = (path: ReadonlyArray<Certificate>, i: number): Refusal | undefined => {
  const { basicConstraints, keyUsage: usage, keyPurposes } = path[i]!.extensions;
  if (basicConstraints?.isAuthority !== true) return refuse("notAuthority", "an issuer that is no authority");
  //# "If a key usage extension is present, verify that the keyCertSign bit is set." (RFC 5280 §6.1.4 (n))
  if (usage !== undefined && (usage & keyUsage.keyCertSign) === 0)
    return refuse("keyUsage", "an issuer whose key is not for certificates");
  // An authority's own purposes bound those below it, as TLS stacks have it; RFC 5280 leaves it open.
  if (keyPurposes !== undefined && !PURPOSES.member.some((purpose) => keyPurposes.includes(purpose)))
    return refuse("extendedKeyUsage", "an issuer for other purposes than TLS");
  const below = path.slice(1, i).filter((one) => !isSelfIssued(one)).length;
  //# "the maximum number of non-self-issued intermediate certificates that may follow" (RFC 5280 §4.2.1.9)
  return below > (basicConstraints.pathLength ?? below)
    ? refuse("pathLength", "an issuer with more issuers below it than it allows")
    : undefined;
};

export const isSelfIssued = ({ issuer, subject }: Certificate): boolean => issuer.id === subject.id;

const leafFault = ({ extensions, subject, key }: Certificate, use: CertificateUse): Refusal | undefined => {
  const { basicConstraints, keyUsage: usage, keyPurposes, altNames } = extensions;
  if (basicConstraints?.isAuthority === true) return refuse("isAuthority", "certificate is an authority's");
  if (usage !== undefined && (usage & keyUsage.digitalSignature) === 0)
    return refuse("keyUsage", "certificate's key is not for signatures");
  if (keyPurposes !== undefined && !PURPOSES[use].every((purpose) => keyPurposes.includes(purpose)))
    return refuse("extendedKeyUsage", "certificate is for other purposes");
  // RELOAD's messages are signed with SHA-256 by P-256 or RSA, RFC 6940 §6.3.4 and overlay.md.
  if (use === "member" && key.type === "ec" && key.curve !== "P-256")
    return refuse("key", "certificate: an elliptic curve other than P-256");
  //# "If the subject field contains an empty sequence, then the issuing CA MUST include a subjectAltName extension that is marked as critical" (RFC 5280 §4.1.2.6)
  if (subject.rdns.length === 0 && altNames?.isCritical !== true)
    return refuse("subject", "certificate has no subject, and no critical names");
  return undefined;
};

const policyFault = (path: ReadonlyArray<Certificate>): Refusal | undefined => {
  const missing = refuse("policy", "an issuer requires a policy that the chain does not hold");
  const { extensions } = path.at(-1)!;
  const isAnchor = { isSelfIssued: true, isLeaf: false };
  // An anchor need not hold policies; those that it holds bound what is below it, as an issuing authority's do.
  const atAnchor =
    extensions.policies === undefined ? policiesAtAnchor : withPolicies(policiesAtAnchor, extensions, isAnchor);
  let state = policiesBelow(atAnchor, extensions, true);
  for (let i = path.length - 2; i >= 0; i--) {
    const certificate = path[i]!;
    const selfIssued = isSelfIssued(certificate);
    state = withPolicies(state, certificate.extensions, { isSelfIssued: selfIssued, isLeaf: i === 0 });
    if (isPolicyMissing(state)) return missing;
    if (i > 0) state = policiesBelow(state, certificate.extensions, selfIssued);
  }
  return isLeafPolicyMissing(state, path[0]!.extensions) ? missing : undefined;
};

/** §6.1.3 (b), (c): every certificate but the self-issued ones between, under the constraints of all above it. */
const namesFault = (path: ReadonlyArray<Certificate>): Refusal | undefined => {
  const above: Array<NameConstraints> = [];
  let comparisons = 0;
  for (let i = path.length - 1; i >= 0; i--) {
    const certificate = path[i]!;
    if (above.length > 0 && (i === 0 || !isSelfIssued(certificate)))
      for (const name of namesOf(certificate))
        for (const constraints of above) {
          const fault = constraintFault(name, constraints, (count) => {
            comparisons += count;
          });
          if (comparisons > COMPARISONS_MAX) return refuse("tooCostly", `over ${COMPARISONS_MAX} comparisons of names`);
          if (fault !== undefined) return refuse("nameConstraints", `${whoseOf(i)} has ${fault}`);
        }
    const { nameConstraints } = certificate.extensions;
    if (nameConstraints !== undefined) above.push(nameConstraints);
  }
  return undefined;
};

/** The subject, the mailboxes in it, and the alternative names. */
const namesOf = ({ subject, extensions }: Certificate): ReadonlyArray<GeneralName> => [
  ...(subject.rdns.length === 0 ? [] : [{ type: "directory" as const, value: subject }]),
  ...subject.emails.map((value) => ({ type: "email" as const, value })),
  ...(extensions.altNames?.names ?? []),
];
