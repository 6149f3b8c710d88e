/**
 * Packets leave: over the link to a neighbour, by the ring to the next hop, or back to this node itself; in fragments if that
 * is configured. DECISIONS.md D-013.
 * Requirements: RFC 6940 §6.2.1.
 */
import { type NodeId, Packet, packetBytes } from "../../codecs/reload/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import { fragmentsOf, routeOf } from "../reload/mod.ts";
import { type Core, drop } from "./core.ts";
import { sendOn } from "./link-frames.ts";
import { newestLink } from "./link-table.ts";

/** Packets addressed to this node itself that wait their turn. */
const LOOPBACK_MAX = 512;

export const tooLong = ({ overlay }: Core): string => `over ${overlay.maxMessageSize} bytes`;

/** Sends over that node's newest link. False for a packet over the limit, with which the caller deals. */
export const hand = (core: Core, to: NodeId, packet: Packet): boolean => {
  const size = packetBytes(packet);
  if (size > core.overlay.maxMessageSize) return false;
  const { fragmentBytes } = core.settings.limits;
  const isWhole = fragmentBytes === 0 || size <= fragmentBytes;
  const pieces = isWhole ? [packet] : fragmentsOf(packet, fragmentBytes);
  const link = newestLink(core.table, to);
  const isSent = link !== undefined && pieces.every((piece) => sendOn(core, link, encode(Packet, piece)));
  if (!isSent) drop(core, "no link");
  return true;
};

const handOwn = (core: Core, to: NodeId, packet: Packet): void => {
  if (!hand(core, to, packet)) drop(core, tooLong(core));
};
/** A message of our own that is not routed: its TTL is reduced for the first link as well, §6.3.2. */
const onItsWay = (packet: Packet): Packet => ({ ...packet, ttl: packet.ttl - 1 });

/**
 * Sends a packet of our own on its way: over the link to that node, if it is named and linked; else by routing. Gives the
 * neighbour that it was handed to.
 */
export const dispatch = (core: Core, packet: Packet, over: NodeId | undefined): NodeId | undefined => {
  const { table } = core;
  if (over !== undefined && newestLink(table, over) !== undefined) {
    handOwn(core, over, onItsWay(packet));
    return over;
  }
  // A link is used as soon as it is there, even if the ring does not know of it yet.
  const [first] = packet.destinationList;
  if (first !== undefined && "type" in first && first.type === "node" && newestLink(table, first.data) !== undefined) {
    handOwn(core, first.data, onItsWay(packet));
    return first.data;
  }
  const settings = { overlay: core.overlayHash, initialTtl: core.overlay.initialTtl };
  const verdict = routeOf(core.view, settings, packet, core.settings.self);
  switch (verdict.type) {
    case "deliver":
      if (core.loopback.length >= LOOPBACK_MAX) {
        drop(core, "too much to ourselves");
        return undefined;
      }
      core.loopback.push(packet);
      core.work.push({ type: "goOn", link: OURSELVES });
      return undefined;
    case "forward":
      handOwn(core, verdict.to, verdict.packet);
      return verdict.to;
    case "refuse":
      drop(core, verdict.error);
      return undefined;
    case "drop":
      drop(core, verdict.why);
      return undefined;
  }
};

/** Where a link is named by its number: what this node sends to itself. */
export const OURSELVES = 0;
