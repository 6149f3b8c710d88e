/**
 * The way out: over the link to a neighbour, by the ring to whoever is next, or back to ourselves; in fragments where a node
 * is to make them. Never waits. DECISIONS.md D-013.
 */

import { Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { type Destination, Packet, packetBytes } from "../../codecs/reload/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import { fragmentsOf, type RingView, routeOf } from "../../machines/reload/mod.ts";
import type { Configuration } from "./configuration.ts";
import type { Link } from "./link.ts";

/**
 * Where our certificate goes with our messages: with all; `strangers`: not with what goes to a neighbour and no further, who has
 * seen it when the link was made; `answers`: nor with requests, once others can find it in the overlay. Who is asked may
 * not be who answers, so that answers carry it.
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
  /** False when too much waits already. */
  readonly toOurselves: (packet: Packet) => boolean;
}

export interface Outgoing {
  /** Over that node's newest link. `tooLong`: what becomes of it over the limit; by default it is dropped. */
  readonly hand: (to: NodeId, packet: Packet, tooLong?: Effect.Effect<void>) => Effect.Effect<void>;
  /** Sends a packet of our own on its way. */
  readonly dispatch: (packet: Packet) => Effect.Effect<void>;
  /** Whether who gets it has seen our certificate, so that it may be left out. */
  readonly isBare: (destinations: ReadonlyArray<Destination>) => boolean;
}

/** A message of our own that is not routed: the TTL counts its first link as well, §6.3.2. */
export const onItsWay = (packet: Packet): Packet => ({ ...packet, ttl: packet.ttl - 1 });

/** `overlay`: its hash. */
export const makeOutgoing = (
  self: NodeId,
  { now }: Pick<Configuration, "now">,
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
      return link !== undefined && pieces.every(link.post) ? Effect.void : drop("no link, or a full one");
    });
  const isBare: Outgoing["isBare"] = (destinations) => {
    const [first, ...others] = destinations;
    if (settings.carry === "always" || first === undefined || others.length > 0) return false;
    return "type" in first && first.type === "node" && links.has(first.data);
  };

  const dispatch: Outgoing["dispatch"] = (packet) =>
    Effect.suspend(() => {
      // A link is used from its first moment: the ring may hear of it a little later.
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
