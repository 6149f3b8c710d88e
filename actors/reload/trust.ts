/**
 * Whom we believe: certificates that lead to the overlay's roots, and the nodes that sign by them. RFC 6940 §6.3.4, §11.3.
 *
 *   signer identity --> known before? ------------------------------------> Signer
 *                   \-> a certificate of the bucket --> chain, names, time --^
 *
 * A certificate is read and its chain checked once; after that a signer is found by the hash in its identity, and only the
 * hour and the list of bad nodes are looked at again. DECISIONS.md D-018.
 */

import { Clock, Effect } from "effect";
import { readReloadUri } from "../../codecs/enrol/mod.ts";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { identityOf, identityOfNode, isIdentityOf, type SignerIdentity } from "../../codecs/reload/mod.ts";
import { hexOf, keepNewest } from "../../codecs/shared/mod.ts";
import type { Signer } from "../../machines/reload/mod.ts";
import { type CertificateFacts, Keys, type VerifiedCertificate } from "../ports/mod.ts";
import type { Configuration } from "./configuration.ts";

/** Signers kept, by identity; the one longest kept goes first. */
const SIGNERS_MAX = 4_096;

/** The certificates of one message, leaves and issuers in any order. */
export interface Bucket {
  readonly certificates: ReadonlyArray<Uint8Array>;
  /** Those that an identity may name, each once. */
  readonly named: (identity: SignerIdentity) => ReadonlyArray<Uint8Array>;
  /** What their chains came to: each is checked once, however many values name it. */
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

/** Two identities with one name are the same. */
export const nameOf = (identity: SignerIdentity): string =>
  identity.type === "none" ? "" : `${identity.type}${identity.identity.algorithm} ${hexOf(identity.identity.hash)}`;
const SHA256_NAME = "certHash4 ".length + 64;

interface Known {
  readonly facts: VerifiedCertificate;
  readonly signer: Signer;
}

export interface Trust {
  readonly signerBy: (identity: SignerIdentity, bucket: Bucket) => Effect.Effect<Signer | undefined>;
  /** The Node-IDs a certificate speaks for; none when it is not to be trusted. */
  readonly nodesOf: (chain: ReadonlyArray<Uint8Array>) => Effect.Effect<ReadonlyArray<NodeId>>;
  /** Without looking at any certificate: who signs so has been seen before. */
  readonly isKnown: (identity: SignerIdentity) => boolean;
  /** These certificates and the issuers they need below a root, each once. */
  readonly withIssuers: (certificates: ReadonlyArray<Uint8Array>) => ReadonlyArray<Uint8Array>;
}

export const makeTrust = Effect.fn("reload.trust")(function* (configuration: Pick<Configuration, "now" | "roots">) {
  const keys = yield* Keys;
  const overlay = configuration.now().name; // the one thing no new configuration changes
  const known = new Map<string, Known>();
  const issuersOf = new WeakMap<Uint8Array, ReadonlyArray<Uint8Array>>();
  let roots = configuration.roots();

  /** What was trusted by other roots is to be looked at again. */
  const current = () => {
    const now = configuration.roots();
    if (now.length !== roots.length || now.some((root, i) => root !== roots[i])) known.clear();
    roots = now;
    return known;
  };

  const isGood = (facts: CertificateFacts, nowMs: number): boolean =>
    facts.notBeforeMs <= nowMs &&
    nowMs <= facts.notAfterMs &&
    !facts.nodeIds.some((id) => configuration.now().badNodes.includes(id));

  /** A certificate that leads to our roots, names nodes of this overlay, none of them bad, and is valid now. */
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

  const keep = (identity: SignerIdentity, entry: Known): void => {
    keepNewest(known, SIGNERS_MAX, nameOf(identity), entry);
    issuersOf.set(entry.signer.certificate, entry.facts.issuers);
  };

  const signerBy: Trust["signerBy"] = Effect.fnUntraced(function* (identity, bucket) {
    if (identity.type === "none") return undefined;
    const held = current().get(nameOf(identity));
    if (held !== undefined) return isGood(held.facts, yield* Clock.currentTimeMillis) ? held.signer : undefined;
    for (const certificate of bucket.named(identity)) {
      const facts = yield* verified(certificate, bucket);
      if (facts === undefined) continue;
      // "one for a certificate with only one Node-ID and one for a certificate with multiple Node-IDs", §6.3.4.
      if ((identity.type === "certHash") !== (facts.nodeIds.length === 1)) continue;
      const nodeId = facts.nodeIds.find((id) => isIdentityOf(identity, certificate, id));
      if (nodeId === undefined) continue;
      // Copied: what came is a view, and would keep the whole message, or all that came with it.
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
    // What TLS has shown need not come with each message.
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
const namesNode = ({ uris }: CertificateFacts, id: bigint, overlay: string): boolean =>
  uris.some((uri) => {
    const named = readReloadUri(uri);
    return named?.nodeId === id && named.overlay === overlay.toLowerCase();
  });
