/**
 * Finds the path from a certificate to a root, and judges it. RFC 5280 §6.1; the search is ours.
 *
 *   leaf --> a root of its issuer's name? --> rules --> { verify } --> { believed }
 *     |                                        no -> remembered, the next path
 *     +--> each certificate of its issuer's name --> (the same from there)
 *
 * Names first, then the rules, and only for a path that holds by both its signatures, from the root down: whoever sends
 * rubbish costs us comparisons and no arithmetic. The search yields one question at a time and is told the answer, so that it
 * knows nothing of keys. Not a chart: it waits for nothing but that answer.
 */
import { type Certificate, equalCertificates } from "../../codecs/x509/mod.ts";
import type { Refusal } from "./refusal.ts";
import { anchorFault, type CertificateUse, pathFault } from "./rules.ts";

/** Certificates from the leaf to below the root. */
export const PATH_MAX = 4;
/** Certificates shown beside the leaf. */
export const SHOWN_MAX = 96;
/** Certificates of one name tried as issuer of one certificate. */
const NAMESAKES_MAX = 4;
/** Whole paths judged, and signatures verified, for one leaf. */
export const PATHS_MAX = 16;
export const SIGNATURES_MAX = 16;

export interface PathQuestion {
  readonly leaf: Certificate;
  /** In any order; what issued none of the chain is passed over. */
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
  /** Answers already had. */
  readonly verified: Map<Certificate, Map<Certificate, boolean>>;
  /** Of the first whole path that was refused: the one that an honest chain has. */
  refusal: Refusal | undefined;
}

/** Answer each question that it yields by true or false. */
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
  const found = yield* extend(search, [question.leaf]);
  if (found !== undefined) return { issuers: found.slice(1, -1) };
  return search.refusal ?? { reason: "noPath", why: "certificate does not lead to a root" };
}

/** The whole path that was believed, root last. */
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
  const above = (search.bySubject.get(last.issuer.id) ?? [])
    .filter((one) => mayHaveIssued(one, last) && !path.some((other) => equalCertificates(one, other)))
    .slice(0, NAMESAKES_MAX);
  if (path.length >= PATH_MAX) {
    if (above.length > 0) search.refusal ??= { reason: "pathTooLong", why: `chain over ${PATH_MAX} certificates` };
    return undefined;
  }
  for (const issuer of above) {
    const found = yield* extend(search, [...path, issuer]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** By name, and by the identifiers of its key and number where both tell them, §4.2.1.1: TLS stacks hold to these as well. */
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
