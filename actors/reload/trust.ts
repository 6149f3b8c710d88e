/**
 * Decides which signers are trusted: certificates that chain to the overlay's roots, and the nodes they are issued to. RFC 6940 §6.3.4, §11.3.
 *
 *   signer identity --> cached? ------------------------------------------> Signer
 *                   \-> a certificate of the message --> chain, names, time --^
 *
 * A certificate is read and its chain checked once; after that a signer is found by the hash in its identity, and only its
 * lifetime and the list of bad nodes are checked again. DECISIONS.md D-018.
 */

import { Clock, Effect } from "effect";
import { readReloadUri } from "../../codecs/enrol/mod.ts";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { identityOf, identityOfNode, isIdentityOf, type SignerIdentity } from "../../codecs/reload/mod.ts";
import { hexOf, keepNewest } from "../../codecs/shared/mod.ts";
import type { Signer } from "../../machines/reload/mod.ts";
import { type CertificateFacts, Keys, type VerifiedCertificate } from "../ports/mod.ts";
import type { ConfigurationState } from "./configuration-state.ts";

/** Signers cached, by identity; the one cached first is dropped first. */
const SIGNERS_MAX = 4_096;

/** The certificates of one message, leaves and issuers in any order. */
export interface Bucket {
  readonly certificates: ReadonlyArray<Uint8Array>;
  /** Those that an identity may refer to, each once. */
  readonly named: (identity: SignerIdentity) => ReadonlyArray<Uint8Array>;
  /** Results of chain checks: each certificate is checked once, however many values refer to it. */
  readonly checked: Map<Uint8Array, VerifiedCertificate | undefined>;
}

export const bucketOf = (certificates: ReadonlyArray<Uint8Array>): Bucket => {
  let byName: Map<string, Uint8Array> | undefined;
  return {
    certificates,
    checked: new Map(),
    named: (identity) => {
      byName ??= new Map(certificates.map((certificate) => [nameOf(identityOf(certificate)), certificate]));
      if (identity.type !== "certHash" || nameOf(identity).length !== SHA256_NAME) return [...byName.values()];
      const found = byName.get(nameOf(identity));
      return found === undefined ? [] : [found];
    },
  };
};

/** A key for maps: equal for equal identities. */
export const nameOf = (identity: SignerIdentity): string =>
  identity.type === "none" ? "" : `${identity.type}${identity.identity.algorithm} ${hexOf(identity.identity.hash)}`;
const SHA256_NAME = "certHash4 ".length + 64;

interface CachedSigner {
  readonly facts: VerifiedCertificate;
  readonly signer: Signer;
}

export interface Trust {
  readonly signerBy: (identity: SignerIdentity, bucket: Bucket) => Effect.Effect<Signer | undefined>;
  /** The Node-IDs that a chain's leaf is issued to; none when the chain is not valid. */
  readonly nodesOf: (chain: ReadonlyArray<Uint8Array>) => Effect.Effect<ReadonlyArray<NodeId>>;
  /** Whether this signer is cached, so that no certificate is needed. */
  readonly isKnown: (identity: SignerIdentity) => boolean;
  /** These certificates and the issuers they need below a root, each once. */
  readonly withIssuers: (certificates: ReadonlyArray<Uint8Array>) => ReadonlyArray<Uint8Array>;
}

export const makeTrust = Effect.fn("reload.trust")(function* (
  configuration: Pick<ConfigurationState, "now" | "roots">,
) {
  const keys = yield* Keys;
  const overlay = configuration.now().name; // the one thing no new configuration changes
  const cached = new Map<string, CachedSigner>();
  const issuersOf = new WeakMap<Uint8Array, ReadonlyArray<Uint8Array>>();
  let roots = configuration.roots();

  /** The cache, emptied when the roots have changed. */
  const current = () => {
    const now = configuration.roots();
    if (now.length !== roots.length || now.some((root, i) => root !== roots[i])) cached.clear();
    roots = now;
    return cached;
  };

  const isGood = (facts: CertificateFacts, nowMs: number): boolean =>
    facts.notBeforeMs <= nowMs &&
    nowMs <= facts.notAfterMs &&
    !facts.nodeIds.some((id) => configuration.now().badNodes.includes(id));

  /** The facts of a certificate that chains to our roots, names only nodes of this overlay, none of them bad, and is valid now. */
  const verified = Effect.fnUntraced(function* (certificate: Uint8Array, bucket: Bucket) {
    if (!bucket.checked.has(certificate)) bucket.checked.set(certificate, yield* check(certificate, bucket));
    return bucket.checked.get(certificate);
  });

  const check = Effect.fnUntraced(function* (certificate: Uint8Array, { certificates }: Bucket) {
    const nowMs = yield* Clock.currentTimeMillis;
    const chain = [certificate, ...certificates.filter((other) => other !== certificate)];
    const facts = yield* Effect.catchTag(
      keys.verifyChain(chain, configuration.roots(), nowMs),
      "CertificateError",
      ({ reason, why }) => Effect.as(Effect.logDebug("reload.certificateRefused", reason, why), undefined),
    );
    if (facts === undefined || !isGood(facts, nowMs)) return undefined;
    return facts.nodeIds.every((id) => namesNode(facts, id, overlay)) ? facts : undefined;
  });

  const keep = (identity: SignerIdentity, entry: CachedSigner): void => {
    keepNewest(cached, SIGNERS_MAX, nameOf(identity), entry);
    issuersOf.set(entry.signer.certificate, entry.facts.issuers);
  };

  const signerBy: Trust["signerBy"] = Effect.fnUntraced(function* (identity, bucket) {
    if (identity.type === "none") return undefined;
    const entry = current().get(nameOf(identity));
    if (entry !== undefined) return isGood(entry.facts, yield* Clock.currentTimeMillis) ? entry.signer : undefined;
    for (const certificate of bucket.named(identity)) {
      const facts = yield* verified(certificate, bucket);
      if (facts === undefined) continue;
      // "one for a certificate with only one Node-ID and one for a certificate with multiple Node-IDs", §6.3.4.
      if ((identity.type === "certHash") !== (facts.nodeIds.length === 1)) continue;
      const nodeId = facts.nodeIds.find((id) => isIdentityOf(identity, certificate, id));
      if (nodeId === undefined) continue;
      // Copied, since it is a view of the received bytes and would keep all of them in memory.
      const signer: Signer = { nodeId, users: facts.emails, certificate: certificate.slice() };
      keep(identity, { facts, signer });
      return signer;
    }
    return undefined;
  });

  const nodesOf: Trust["nodesOf"] = Effect.fnUntraced(function* (chain) {
    const [certificate] = chain;
    const facts = certificate === undefined ? undefined : yield* check(certificate, bucketOf(chain));
    if (facts === undefined) return [];
    // Certificates seen in a TLS handshake need not come with each message.
    for (const nodeId of facts.nodeIds) {
      const identity = facts.nodeIds.length === 1 ? identityOf(certificate!) : identityOfNode(certificate!, nodeId);
      if (!current().has(nameOf(identity)))
        keep(identity, { facts, signer: { nodeId, users: facts.emails, certificate: certificate! } });
    }
    return facts.nodeIds;
  });

  return {
    signerBy,
    nodesOf,
    isKnown: (identity) => current().has(nameOf(identity)),
    withIssuers: (certificates) => {
      if (certificates.length === 1 && (issuersOf.get(certificates[0]!) ?? []).length === 0) return certificates;
      const all = certificates.flatMap((der) => [der, ...(issuersOf.get(der) ?? [])]);
      return [...new Map(all.map((der) => [hexOf(der), der])).values()];
    },
  } satisfies Trust;
});

/** The certificate holds a `reload://` URI of this node in this overlay, §14.15. */
const namesNode = ({ uris }: CertificateFacts, id: NodeId, overlay: string): boolean =>
  uris.some((uri) => {
    const named = readReloadUri(uri);
    return named?.nodeId === id && named.overlay === overlay.toLowerCase();
  });
