/** The ViPR usage of the overlay: claims to a number, published and looked up. docs/protocol/overlay.md#the-vipr-usage. */

import { Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import {
  decodeRegistration,
  decodeRegistrationKey,
  encodeRegistration,
  encodeRegistrationKey,
  kindId,
} from "../../codecs/reload/mod.ts";
import type { E164, VServiceId } from "../../codecs/shared/mod.ts";
import type { OverlayError } from "./errors.ts";
import type { OverlayNode } from "./node.ts";
import type { StoredLife } from "./own-entries.ts";

/** A ViPR server that says it serves a number. Only a validated call proves that. */
export interface Claim {
  readonly nodeId: NodeId;
  readonly vservice: VServiceId;
}
type Stores = Pick<OverlayNode, "nodeId" | "store" | "resourceOf">;
const KIND = kindId.viprRegistration;

/** "DHTLifetime default 7 days". */
export const NUMBER_LIFETIME_S = 604_800;

/** Stores our claim to a number, for seven days unless said otherwise; gives the nodes that have copies. Fails with OverlayError. */
export const publishNumber = (
  node: Stores,
  number: E164,
  vservice: VServiceId,
  lifetimeS: number = NUMBER_LIFETIME_S,
): Effect.Effect<{ readonly replicas: ReadonlyArray<NodeId> }, OverlayError> =>
  Effect.flatMap(node.resourceOf(number), (resourceId) =>
    node.store({
      resourceId,
      kind: KIND,
      key: encodeRegistrationKey({ nodeId: node.nodeId, vservice }),
      value: encodeRegistration(node.nodeId),
      exists: true,
      lifetimeS,
    }),
  );

/** When this node's claim to a number was last stored, and when it ends, as far as the node knows. */
export const publishedLife = (
  node: Pick<OverlayNode, "nodeId" | "lifeOf" | "resourceOf">,
  number: E164,
  vservice: VServiceId,
): Effect.Effect<StoredLife | undefined> =>
  Effect.map(node.resourceOf(number), (resourceId) =>
    node.lifeOf({ resourceId, kind: KIND, key: encodeRegistrationKey({ nodeId: node.nodeId, vservice }) }),
  );

/** The lifetime is that of the entry withdrawn, so that it cannot be stored again meanwhile, RFC 6940 §7.4.1.3. */
export const withdrawNumber = (
  node: Stores,
  number: E164,
  vservice: VServiceId,
  lifetimeS: number = NUMBER_LIFETIME_S,
): Effect.Effect<void, OverlayError> =>
  Effect.flatMap(node.resourceOf(number), (resourceId) =>
    Effect.asVoid(
      node.store({
        resourceId,
        kind: KIND,
        key: encodeRegistrationKey({ nodeId: node.nodeId, vservice }),
        value: new Uint8Array(),
        exists: false,
        lifetimeS,
      }),
    ),
  );

/** All claims to a number whose signatures hold. Fails with OverlayError. */
export const claimsOf = (
  node: Pick<OverlayNode, "fetch" | "resourceOf">,
  number: E164,
): Effect.Effect<ReadonlyArray<Claim>, OverlayError> =>
  Effect.flatMap(node.resourceOf(number), (resourceId) => node.fetch({ resourceId, kind: KIND })).pipe(
    Effect.map((entries) =>
      entries.flatMap(({ key, value }) => {
        const claim = decodeRegistrationKey(key);
        const contact = decodeRegistration(value);
        return claim.ok && contact.ok ? [{ nodeId: contact.value, vservice: claim.value.vservice }] : [];
      }),
    ),
  );
