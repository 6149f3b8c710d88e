/** The node's security alone, hosted on the Keys port: messages signed and verified as a node does it. */

import * as assert from "node:assert/strict";
import { Clock, Effect } from "effect";
import { type Credentials, Keys } from "../../actors/ports/mod.ts";
import { valueSigner } from "../../actors/reload/identity.ts";
import type { OverlayConfiguration } from "../../codecs/overlay/mod.ts";
import {
  identityOf,
  identityOfNode,
  type NodeId,
  nodeIdFrom,
  type Packet,
  type Signature,
  type Stored,
  type StoredDataValue,
} from "../../codecs/reload/mod.ts";
import { type Core, openCore } from "../../machines/node/core.ts";
import { sign as beginSigning, signed } from "../../machines/node/signing.ts";
import { type CertifiedFacts, learnNames, memberFacts } from "../../machines/node/trust.ts";
import {
  chainVerified,
  isKnown,
  nextValue,
  signatureVerified,
  verifyMessage,
  verifyValues,
} from "../../machines/node/verifying.ts";
import type { Job, UnsignedMessage, VerifiedMessage } from "../../machines/node/work.ts";
import type { Signer } from "../../machines/reload/mod.ts";

export interface SecurityConfiguration {
  readonly now: () => OverlayConfiguration;
  readonly roots: () => ReadonlyArray<Uint8Array>;
}

/** A certificate that is not valid here names no node. */
export const nobody: CertifiedFacts = { nodeIds: [], uris: [], emails: [], notBeforeMs: 0, notAfterMs: 0, issuers: [] };

export const coreLimits = {
  rtoMsMin: 3_000,
  holdMs: 30_000,
  messagesPerSecond: 500,
  fragmentBytes: 0,
  carry: "always",
} as const;

/** `nodeId`: which one we sign as, when our certificate has several. */
export const makeMessageSecurity = Effect.fn("test.security")(function* (
  credentials: Credentials,
  configuration: SecurityConfiguration,
  nodeId?: NodeId,
) {
  const keys = yield* Keys;
  const [ours = new Uint8Array()] = credentials.certificates;
  let known = configuration.roots();
  const chain = (certificates: ReadonlyArray<Uint8Array>) =>
    Effect.flatMap(Clock.currentTimeMillis, (nowMs) =>
      Effect.orElseSucceed(
        keys.verifyChain(certificates, configuration.roots(), nowMs),
        (): CertifiedFacts | undefined => undefined,
      ),
    );
  const nowMs = yield* Clock.currentTimeMillis;
  const facts = memberFacts(yield* chain(credentials.certificates), configuration.now(), nowMs);
  const names = facts?.nodeIds ?? [];
  const identity = names.length > 1 && nodeId !== undefined ? identityOfNode(ours, nodeId) : identityOf(ours);
  const self = nodeId ?? names[0] ?? nodeIdFrom(0n);
  const core: Core = openCore({
    self,
    certificates: credentials.certificates,
    algorithm: credentials.key.algorithm,
    identity,
    facts: facts ?? nobody,
    overlay: configuration.now(),
    roots: [],
    seed: new Uint8Array(32),
    limits: coreLimits,
  });

  /** Begins, and performs what the node orders until it has no order left; its last work is the result. */
  const driven = Effect.fnUntraced(function* (first: () => void) {
    core.orders = [];
    core.nowMs = yield* Clock.currentTimeMillis;
    const roots = configuration.roots();
    if (roots.some((root, i) => root !== known[i])) core.trust.cached.clear();
    known = roots;
    [core.overlay, core.roots] = [configuration.now(), roots];
    first();
    while (true) {
      const order = core.orders.shift();
      const work = order === undefined ? core.work.shift() : undefined;
      if (work?.type === "nextValue") nextValue(core, work.job);
      else if (work !== undefined) return work;
      else if (order !== undefined && "token" in order) {
        const job = core.jobs.get(order.token)!;
        core.jobs.delete(order.token);
        if (order.type === "sign")
          signed(core, job as Job & { readonly type: "sign" }, yield* keys.sign(credentials.key, order.bytes));
        else if (order.type === "verifyChain") chainVerified(core, job as never, yield* chain(order.chain));
        else {
          const { certificate, bytes, signature, algorithm } = order;
          signatureVerified(core, job as never, yield* keys.verify(certificate, bytes, signature, algorithm));
        }
      } else if (order === undefined) return assert.fail("nothing came of it");
    }
  });

  const sign = Effect.fnUntraced(function* (unsigned: UnsignedMessage) {
    const work = yield* driven(() => beginSigning(core, unsigned, { type: "greeting", link: 0 }));
    return work.type === "signed" ? work.packet : assert.fail(work.type);
  });

  const verify = Effect.fnUntraced(function* (packet: Packet, fetched?: ReadonlyArray<Uint8Array>) {
    const work = yield* driven(() => verifyMessage(core, { packet, from: self, link: undefined, fetched }));
    if (work.type !== "verified") return assert.fail(work.type);
    const { message } = work;
    if ("rejected" in message)
      return { rejected: message.rejected, ...(message.unknown === undefined ? {} : { unknown: message.unknown }) };
    return {
      ...message,
      signerOf: (resource: Uint8Array, kind: number, value: Stored<StoredDataValue>) =>
        signerOf(message, resource, kind, value),
      isKnown: (signature: Signature) => isKnown(core, message.bucket, signature.identity),
    };
  });

  /** The signer of a value in this message, if the value's signature holds. */
  const signerOf = Effect.fnUntraced(function* (
    { bucket }: VerifiedMessage,
    resource: Uint8Array,
    kind: number,
    value: Stored<StoredDataValue>,
  ): Effect.fn.Return<Signer | undefined> {
    const kinds = [{ kind, generation: 0n, values: [value] }];
    const purpose = { type: "end", asker: { type: "kinds", repeat: 0 }, outcome: { type: "timedOut" } } as const;
    const work = yield* driven(() => verifyValues(core, bucket, resource, kinds, purpose));
    return work.type === "valuesVerified" ? work.signers[0]![0] : assert.fail(work.type);
  });

  /** The Node-IDs that the leaf of this chain is issued to, leaf first; none when the chain is not valid here. */
  const nodesOf = Effect.fnUntraced(function* (certificates: ReadonlyArray<Uint8Array>) {
    const atMs = yield* Clock.currentTimeMillis;
    const facts = memberFacts(yield* chain(certificates), configuration.now(), atMs);
    if (facts !== undefined) learnNames(core.trust, certificates[0]!, facts);
    return facts?.nodeIds ?? [];
  });
  const signValue = yield* valueSigner(credentials, { identity });
  return { overlay: core.overlayHash, sign, verify, signValue, nodesOf };
});
