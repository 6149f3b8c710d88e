/**
 * The way of our own look-ups through the ring, as far as this node sees it: for the operator's picture of the overlay.
 *
 *   this node --> first hop --> ... --> the node that is responsible
 *        ^------- last hop <--- ... <----------+        `hops`: links that the answer came over, by its TTL. RFC 6940 §6.3.2
 *
 * What lies between the two neighbours is known to nobody here: a via list is taken off on the way back. DECISIONS.md D-314.
 */
import type { NodeId, Packet } from "../../codecs/reload/mod.ts";
import { bigOf } from "../../codecs/shared/mod.ts";
import type { ReloadOutcome } from "../reload/mod.ts";
import type { Core } from "./core.ts";
import type { Trip } from "./types.ts";
import type { OwnRequest } from "./work.ts";

/** The newest. */
export const LOOK_UPS_KEPT_MAX = 32;

export const tripOf = ({ overlay, settings }: Core, packet: Packet, from: NodeId): Trip => ({
  lastHop: from,
  hops: from === settings.self ? 0 : Math.max(1, overlay.initialTtl - packet.ttl),
});

/** A request of ours has ended: kept, if it was the owner's look-up. */
export const noteLookUp = (core: Core, request: OwnRequest, outcome: ReloadOutcome): void => {
  const { asker, to, firstHop, trip, begunMs } = request;
  if (asker.type !== "owner" || to.body.type !== "fetchReq") return;
  core.lookUps.push({
    resource: bigOf(to.body.value.resource),
    firstHop,
    lastHop: trip?.lastHop,
    responsible: "signer" in outcome ? outcome.signer : undefined,
    hops: trip?.hops,
    outcome: outcome.type,
    begunMs,
    endedMs: core.nowMs,
  });
  if (core.lookUps.length > LOOK_UPS_KEPT_MAX) core.lookUps.shift();
};
