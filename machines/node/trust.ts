/**
 * Which signers are trusted: certificates that chain to the overlay's roots, and the nodes they are issued to. RFC 6940 §6.3.4,
 * §11.3. Functions over the cache of signers; chains are checked by the host.
 *
 *   signer identity --> cached? ------------------------------------------> Signer
 *                   \-> a certificate of the message --> chain, names, time --^
 *
 * A certificate is read and its chain checked once; after that a signer is found by the hash in its identity, and only its
 * lifetime and the list of bad nodes are checked again. DECISIONS.md D-018.
 * Requirements: RFC 6940 §7.1, §11.1, §13.3.
 */
import { readReloadUri } from "../../codecs/enrol/mod.ts";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import { identityOf, identityOfNode, isIdentityOf, type NodeId, type SignerIdentity } from "../../codecs/reload/mod.ts";
import { equalBytes, hexOf, keepNewest } from "../../codecs/shared/mod.ts";
import type { Signer } from "../reload/mod.ts";

/** Signers cached, by identity; the one cached first is dropped first. */
const SIGNERS_MAX = 4_096;

/** What a certificate says whose chain is valid. Times in milliseconds since 1970. */
export interface CertifiedFacts {
  readonly nodeIds: ReadonlyArray<NodeId>;
  readonly uris: ReadonlyArray<string>;
  readonly emails: ReadonlyArray<string>;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** From the leaf up to a root, which is not among them. DER. */
  readonly issuers: ReadonlyArray<Uint8Array>;
}

interface CachedSigner {
  readonly facts: CertifiedFacts;
  readonly signer: Signer;
}

export interface Trust {
  readonly cached: Map<string, CachedSigner>;
  /** Those of certificates that no root has issued itself, by the name of the certificate's identity. */
  readonly issuersOf: Map<string, ReadonlyArray<Uint8Array>>;
}
export const makeTrust = (): Trust => ({ cached: new Map(), issuersOf: new Map() });

/** The certificates of one message, leaves and issuers in any order. */
export interface Bucket {
  readonly certificates: ReadonlyArray<Uint8Array>;
  /** By the name of the identity that a certificate has with one Node-ID; made when it is needed. */
  byName: Map<string, Uint8Array> | undefined;
  /** Results of chain checks: each certificate is checked once, however many values refer to it. */
  readonly checked: Map<Uint8Array, CertifiedFacts | undefined>;
}
export const bucketOf = (certificates: ReadonlyArray<Uint8Array>): Bucket => ({
  certificates,
  byName: undefined,
  checked: new Map(),
});

/** Those that an identity may refer to, each once. */
export const namedIn = (bucket: Bucket, identity: SignerIdentity): ReadonlyArray<Uint8Array> => {
  bucket.byName ??= new Map(bucket.certificates.map((certificate) => [nameOf(identityOf(certificate)), certificate]));
  if (identity.type !== "certHash" || nameOf(identity).length !== SHA256_NAME) return [...bucket.byName.values()];
  const found = bucket.byName.get(nameOf(identity));
  return found === undefined ? [] : [found];
};

/** A key for maps: equal for equal identities. */
export const nameOf = (identity: SignerIdentity): string =>
  identity.type === "none" ? "" : `${identity.type}${identity.identity.algorithm} ${hexOf(identity.identity.hash)}`;
const SHA256_NAME = "certHash4 ".length + 64;

/** Whether the facts count now: none of its nodes is a bad one, and its time has come and has not ended. */
const isGood = (facts: CertifiedFacts, { badNodes }: OverlayConfiguration, nowMs: number): boolean =>
  facts.notBeforeMs <= nowMs && nowMs <= facts.notAfterMs && !facts.nodeIds.some((id) => badNodes.includes(id));

/** The facts of a valid chain, if the certificate names only nodes of this overlay, none of them bad, and is valid now. */
export const memberFacts = (
  facts: CertifiedFacts | undefined,
  overlay: OverlayConfiguration,
  nowMs: number,
): CertifiedFacts | undefined => {
  if (facts === undefined || !isGood(facts, overlay, nowMs)) return undefined;
  return facts.nodeIds.every((id) => namesNode(facts, id, overlay.name)) ? facts : undefined;
};

/** The certificate holds a `reload://` URI of this node in this overlay, §14.15. */
const namesNode = ({ uris }: CertifiedFacts, id: NodeId, overlay: string): boolean =>
  uris.some((uri) => {
    const named = readReloadUri(uri);
    return named?.nodeId === id && named.overlay === overlay.toLowerCase();
  });

const keep = ({ cached, issuersOf }: Trust, identity: SignerIdentity, entry: CachedSigner): void => {
  keepNewest(cached, SIGNERS_MAX, nameOf(identity), entry);
  const { issuers } = entry.facts;
  if (issuers.length > 0) keepNewest(issuersOf, SIGNERS_MAX, nameOf(identityOf(entry.signer.certificate)), issuers);
};

/** Undefined where that identity is not cached; `signer` is undefined where it does not count now. */
export const cachedSigner = (
  { cached }: Trust,
  identity: SignerIdentity,
  overlay: OverlayConfiguration,
  nowMs: number,
): { readonly signer: Signer | undefined } | undefined => {
  const entry = cached.get(nameOf(identity));
  if (entry === undefined) return undefined;
  return { signer: isGood(entry.facts, overlay, nowMs) ? entry.signer : undefined };
};
export const isCached = ({ cached }: Trust, identity: SignerIdentity): boolean => cached.has(nameOf(identity));

/** The signer that a certificate of a valid chain makes of that identity, cached from now on; undefined where they do not fit. */
export const signerFrom = (
  trust: Trust,
  identity: SignerIdentity,
  certificate: Uint8Array,
  facts: CertifiedFacts,
): Signer | undefined => {
  // "one for a certificate with only one Node-ID and one for a certificate with multiple Node-IDs", §6.3.4.
  if ((identity.type === "certHash") !== (facts.nodeIds.length === 1)) return undefined;
  const nodeId = facts.nodeIds.find((id) => isIdentityOf(identity, certificate, id));
  if (nodeId === undefined) return undefined;
  // Copied, since it is a view of the received bytes and would keep all of them in memory.
  const signer: Signer = { nodeId, users: facts.emails, certificate: certificate.slice() };
  keep(trust, identity, { facts, signer });
  return signer;
};

/** Certificates seen in a TLS handshake need not come with each message. */
export const learnNames = (trust: Trust, certificate: Uint8Array, facts: CertifiedFacts): void => {
  for (const nodeId of facts.nodeIds) {
    const identity = facts.nodeIds.length === 1 ? identityOf(certificate) : identityOfNode(certificate, nodeId);
    if (isCached(trust, identity)) continue;
    keep(trust, identity, { facts, signer: { nodeId, users: facts.emails, certificate } });
  }
};

/** These certificates and the issuers they need below a root, each once. */
export const withIssuers = (
  { issuersOf }: Trust,
  certificates: ReadonlyArray<Uint8Array>,
): ReadonlyArray<Uint8Array> => {
  const needed = (der: Uint8Array) => (issuersOf.size === 0 ? undefined : issuersOf.get(nameOf(identityOf(der)))) ?? [];
  const distinct: Array<Uint8Array> = [];
  for (const der of certificates)
    for (const one of [der, ...needed(der)]) if (!distinct.some((other) => isSame(one, other))) distinct.push(one);
  return distinct;
};
/** Two certificates end in two signatures: their last bytes tell most of them apart. */
const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
  one === other || (one.at(-1) === other.at(-1) && equalBytes(one, other));
