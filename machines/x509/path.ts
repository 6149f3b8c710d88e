/**
 * Finds the path from a certificate to a root, and judges it. RFC 5280 §6.1; the search is ours.
 *
 *   leaf --> a root with its issuer's name? --> the rules --> signatures, by the caller --> valid
 *     |                                            fail --> the first reason is remembered, the next path is tried
 *     +--> each certificate with its issuer's name --> (the same from there)
 *
 * Names are compared first, then the rules are applied, and only then are signatures verified, from the root down: certificates
 * that lead nowhere cost us comparisons, and no public-key operation. The search is a generator that yields one signature to
 * verify at a time and is resumed with the result, so that it needs no keys. It is no state machine, as it waits for nothing else.
 */
import { type Certificate, equalCertificates } from "../../codecs/x509/mod.ts";
import type { Refusal } from "./refusal.ts";
import { anchorFault, type CertificateUse, pathFault } from "./rules.ts";

/** Certificates from the leaf to below the root. */
export const PATH_MAX = 4;
/** Certificates presented beside the leaf. */
export const SHOWN_MAX = 96;
/** Certificates of one name tried as issuer of one certificate. */
const NAMESAKES_MAX = 4;
/** Whole paths checked, and signatures verified, for one leaf. */
export const PATHS_MAX = 16;
/** Signatures verified for one leaf: the work that a stranger can make us do. */
export const SIGNATURES_MAX = 16;

/** A certificate, what was shown with it, and what is trusted. */
export interface PathQuestion {
  readonly leaf: Certificate;
  /** In any order; those that are not part of the path are ignored. */
  readonly shown: ReadonlyArray<Certificate>;
  readonly anchors: ReadonlyArray<Certificate>;
  readonly atMs: number;
  readonly use: CertificateUse;
}

/** Does the key of `issuer` verify the signature of `certificate`? */
export interface SignatureQuestion {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
}

/** `issuers`: nearest first, the root left out. */
export type PathVerdict = { readonly issuers: ReadonlyArray<Certificate> } | Refusal;

interface Search extends PathQuestion {
  readonly bySubject: ReadonlyMap<string, ReadonlyArray<Certificate>>;
  paths: number;
  signatures: number;
  /** Signatures verified so far: by certificate and issuer. */
  readonly verified: Map<Certificate, Map<Certificate, boolean>>;
  /** Why the first whole path was refused: an honest chain has only one path, and this is its reason. */
  refusal: Refusal | undefined;
}

/** The caller resumes it with true or false for each signature that it yields. */
export function* validatePath(question: PathQuestion): Generator<SignatureQuestion, PathVerdict, boolean> {
  if (question.shown.length > SHOWN_MAX) return { reason: "tooMany", why: `over ${SHOWN_MAX} issuers` };
  const anchor = question.anchors.find((root) => equalCertificates(root, question.leaf));
  if (anchor !== undefined) return anchorFault(anchor, question.atMs) ?? { issuers: [] };
  const search: Search = {
    ...question,
    bySubject: Map.groupBy(question.shown, ({ subject }) => subject.id),
    paths: 0,
    signatures: 0,
    verified: new Map(),
    refusal: undefined,
  };
  const valid = yield* extend(search, [question.leaf]);
  if (valid !== undefined) return { issuers: valid.slice(1, -1) };
  return search.refusal ?? { reason: "noPath", why: "certificate does not lead to a root" };
}

/** The first valid path, root last. */
function* extend(
  search: Search,
  path: ReadonlyArray<Certificate>,
): Generator<SignatureQuestion, ReadonlyArray<Certificate> | undefined, boolean> {
  const last = path.at(-1)!;
  for (const anchor of search.anchors.filter((root) => mayHaveIssued(root, last))) {
    if (search.paths >= PATHS_MAX) return undefined;
    search.paths += 1;
    const whole = [...path, anchor];
    const fault = pathFault(whole, search.atMs, search.use) ?? (yield* signaturesFault(search, whole));
    if (fault === undefined) return whole;
    search.refusal ??= fault;
  }
  const issuers = (search.bySubject.get(last.issuer.id) ?? [])
    .filter((one) => mayHaveIssued(one, last) && !path.some((other) => equalCertificates(one, other)))
    .slice(0, NAMESAKES_MAX);
  if (path.length >= PATH_MAX) {
    if (issuers.length > 0) search.refusal ??= { reason: "pathTooLong", why: `chain over ${PATH_MAX} certificates` };
    return undefined;
  }
  for (const issuer of issuers) {
    const valid = yield* extend(search, [...path, issuer]);
    if (valid !== undefined) return valid;
  }
  return undefined;
}

/** By name, and by key identifier and serial number where both certificates have them, §4.2.1.1, as TLS stacks do. */
const mayHaveIssued = (issuer: Certificate, { issuer: name, extensions: { authorityKey } }: Certificate): boolean => {
  if (issuer.subject.id !== name.id) return false;
  const { keyIdentifier, serial } = authorityKey ?? {};
  const { subjectKey } = issuer.extensions;
  if (keyIdentifier !== undefined && subjectKey !== undefined && !isSame(keyIdentifier, subjectKey)) return false;
  return serial === undefined || isSame(serial, issuer.serial);
};
const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

function* signaturesFault(
  search: Search,
  whole: ReadonlyArray<Certificate>,
): Generator<SignatureQuestion, Refusal | undefined, boolean> {
  for (let i = whole.length - 2; i >= 0; i--) {
    const [certificate, issuer] = [whole[i]!, whole[i + 1]!];
    const answers = search.verified.get(certificate) ?? new Map<Certificate, boolean>();
    search.verified.set(certificate, answers);
    let isRight = answers.get(issuer);
    if (isRight === undefined) {
      if (search.signatures >= SIGNATURES_MAX) return { reason: "tooCostly", why: `over ${SIGNATURES_MAX} signatures` };
      search.signatures += 1;
      isRight = yield { certificate, issuer };
      answers.set(issuer, isRight);
    }
    if (!isRight) return { reason: "signature", why: "certificate does not lead to a root: a signature is wrong" };
  }
  return undefined;
}
