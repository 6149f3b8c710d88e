/**
 * Who a node is: the Node-ID that its certificate names, and how its signatures name the certificate. RFC 6940 §6.3.4.
 * Requirements: RFC 6940 §13.5.1.
 */
import { Clock, Effect } from "effect";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import {
  identityOf,
  identityOfNode,
  type NodeId,
  type Signature,
  type SignerIdentity,
  type StoredDataValue,
  signatureBy,
  signedBytesOf,
  valueSignatureInput,
} from "../../codecs/reload/mod.ts";
import { type CertifiedFacts, memberFacts } from "../../machines/node/mod.ts";
import { type Credentials, Keys } from "../ports/mod.ts";

export interface NodeIdentity {
  readonly nodeId: NodeId;
  readonly identity: SignerIdentity;
  readonly facts: CertifiedFacts;
}

/** Undefined where the certificate is not valid in this overlay, or does not name that node, or several and none was asked for. */
export const identityIn = Effect.fnUntraced(function* (
  { certificates }: Credentials,
  overlay: OverlayConfiguration,
  roots: ReadonlyArray<Uint8Array>,
  wanted: NodeId | undefined,
): Effect.fn.Return<NodeIdentity | undefined, never, Keys> {
  const nowMs = yield* Clock.currentTimeMillis;
  const [ours] = certificates;
  if (ours === undefined) return undefined;
  const verified = yield* Effect.option((yield* Keys).verifyChain(certificates, roots, nowMs));
  const facts = memberFacts(verified._tag === "Some" ? verified.value : undefined, overlay, nowMs);
  if (facts === undefined) return undefined;
  const names = facts.nodeIds;
  const nodeId = wanted ?? (names.length === 1 ? names[0] : undefined);
  if (nodeId === undefined || !names.includes(nodeId)) return undefined;
  return { nodeId, facts, identity: names.length > 1 ? identityOfNode(ours, nodeId) : identityOf(ours) };
});

export type SignValue = (
  resource: Uint8Array,
  kind: number,
  storageTime: bigint,
  value: StoredDataValue,
) => Effect.Effect<Signature>;

/** Signs values of our own, RFC 6940 §7.1. */
export const valueSigner = Effect.fnUntraced(function* (
  { key }: Credentials,
  { identity }: Pick<NodeIdentity, "identity">,
): Effect.fn.Return<SignValue, never, Keys> {
  const keys = yield* Keys;
  return (resource, kind, storageTime, value) => {
    const bytes = valueSignatureInput(resource, kind, storageTime, signedBytesOf(value), identity);
    return Effect.map(keys.sign(key, bytes), (made) => signatureBy(key.algorithm, identity, made));
  };
});
