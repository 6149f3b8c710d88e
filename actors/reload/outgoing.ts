/**
 * Sends packets: over the link to a neighbour, by the ring to the next hop, or back to this node itself; in fragments if
 * that is configured. Never waits. DECISIONS.md D-013.
 */

import { Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { type Destination, Packet, packetBytes } from "../../codecs/reload/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import { fragmentsOf, type RingView, routeOf } from "../../machines/reload/mod.ts";
import type { ConfigurationState } from "./configuration-state.ts";
import type { Link } from "./link.ts";

/**
 * Which of our messages carry our certificate. `always`: all. `strangers`: all but those to a neighbour, which has seen it when
 * the link was made. `answers`: of the others only answers, once the certificate is stored in the overlay; the node that
 * answers need not be the one that was asked, so that answers carry it.
 */
export type Carry = "always" | "strangers" | "answers";

export interface OutgoingSettings {
  /** Messages longer than this leave in fragments; 0 for never, as a stream needs none. */
  readonly fragmentBytes: number;
  readonly carry: Carry;
}

export interface OutgoingHooks {
  readonly view: () => RingView;
  readonly drop: (why: string) => Effect.Effect<void>;
  /** False when too many packets to ourselves wait already. */
  readonly toOurselves: (packet: Packet) => boolean;
}

export interface Outgoing {
  /** Sends over that node's newest link. `tooLong`: what to do with a packet over the limit; by default it is dropped. */
  readonly hand: (to: NodeId, packet: Packet, tooLong?: Effect.Effect<void>) => Effect.Effect<void>;
  /** Sends a packet of our own on its way. */
  readonly dispatch: (packet: Packet) => Effect.Effect<void>;
  /** Whether the receiver has seen our certificate, so that it may be left out. */
  readonly isBare: (destinations: ReadonlyArray<Destination>) => boolean;
}

/** A message of our own that is not routed: its TTL is reduced for the first link as well, §6.3.2. */
export const onItsWay = (packet: Packet): Packet => ({ ...packet, ttl: packet.ttl - 1 });

/** `overlay`: its hash. */
export const makeOutgoing = (
  self: NodeId,
  { now }: Pick<ConfigurationState, "now">,
  settings: OutgoingSettings,
  overlay: number,
  links: ReadonlyMap<NodeId, ReadonlyArray<Link>>,
  { view, drop, toOurselves }: OutgoingHooks,
): Outgoing => {
  const oversized = Effect.suspend(() => drop(`over ${now().maxMessageSize} bytes`));
  const hand: Outgoing["hand"] = (to, packet, tooLong = oversized) =>
    Effect.suspend(() => {
      const size = packetBytes(packet);
      const { fragmentBytes } = settings;
      if (size > now().maxMessageSize) return tooLong;
      const isWhole = fragmentBytes === 0 || size <= fragmentBytes;
      const packets = isWhole ? [packet] : fragmentsOf(packet, fragmentBytes);
      const pieces = packets.map((piece) => encode(Packet, piece));
      const link = links.get(to)?.at(-1);
      return link !== undefined && pieces.every(link.send) ? Effect.void : drop("no link, or a full one");
    });
  const isBare: Outgoing["isBare"] = (destinations) => {
    const [first, ...others] = destinations;
    if (settings.carry === "always" || first === undefined || others.length > 0) return false;
    return "type" in first && first.type === "node" && links.has(first.data);
  };

  const dispatch: Outgoing["dispatch"] = (packet) =>
    Effect.suspend(() => {
      // A link is used as soon as it is there, even if the ring does not know of it yet.
      const [first] = packet.destinationList;
      if (first !== undefined && "type" in first && first.type === "node" && links.has(first.data))
        return hand(first.data, onItsWay(packet));
      const verdict = routeOf(view(), { overlay, initialTtl: now().initialTtl }, packet, self);
      switch (verdict.type) {
        case "deliver":
          return toOurselves(packet) ? Effect.void : drop("too much to ourselves");
        case "forward":
          return hand(verdict.to, verdict.packet);
        case "refuse":
          return drop(verdict.error);
        case "drop":
          return drop(verdict.why);
      }
    });
  return { hand, dispatch, isBare };
};
