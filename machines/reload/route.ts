/**
 * What becomes of a packet that arrives, or that we send: ours, another's, refused, or dropped. RFC 6940 §6.1.
 * Reads the forwarding header alone; the payload may be a fragment and is not looked at. Functions only.
 * DECISIONS.md D-072.
 * Requirements: RFC 6940 §6.2, §6.3.2.2, §6.3.2.3, §6.4.2.1, §6.7; docs/protocol/overlay.md.
 */
import type { NodeId } from "../../codecs/reload/mod.ts";

import {
  codeOf,
  type Destination,
  Destination as DestinationWire,
  type ErrorName,
  isRequestCode,
  optionFlag,
  type Packet,
  pieceOf,
  reloadVersion,
  toNode,
} from "../../codecs/reload/mod.ts";
import { bigOf, hexOf } from "../../codecs/shared/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import { isOneOf, isResponsible, nextHop, type RingView, WILDCARD } from "./ring.ts";

export interface RouteSettings {
  /** The overlay's hash, §6.3.2. */
  readonly overlay: number;
  readonly initialTtl: number;
}

export type Verdict =
  | { readonly type: "deliver" }
  | { readonly type: "forward"; readonly to: NodeId; readonly packet: Packet }
  | { readonly type: "refuse"; readonly error: ErrorName; readonly info: string }
  | { readonly type: "drop"; readonly why: string };

const drop = (why: string): Verdict => ({ type: "drop", why });
const refuse = (error: ErrorName, info: string): Verdict => ({ type: "refuse", error, info });

/** The error of a peer that is not responsible; the request may be repeated a moment later. */
export const NOT_RESPONSIBLE = "not responsible";
export const NOT_A_PEER = "not a peer yet";

/** `from` is the node whose link brought the packet; our own Node-ID when we send it ourselves. */
export const routeOf = (view: RingView, settings: RouteSettings, packet: Packet, from: NodeId): Verdict => {
  if (packet.version !== reloadVersion) return refuse("incompatibleWithOverlay", `version ${packet.version}`);
  if (packet.overlay !== settings.overlay) return refuse("incompatibleWithOverlay", "another overlay");
  if (packet.ttl > settings.initialTtl) return refuse("ttlExceeded", `over ${settings.initialTtl}`);
  if (pieceOf(packet.fragment) === undefined) return drop("a fragment field without its high bit");
  // A resource "MUST NOT appear in a Via List": there would be no way back.
  if (packet.viaList.some((entry) => "type" in entry && entry.type === "resource"))
    return drop("a resource to go back by");
  // "implementations SHOULD check the Destination List for duplicate entries", §13.6.5: it takes two to make a loop.
  if (hasRepeats(packet.destinationList)) return refuse("invalidMessage", "a destination named twice");
  for (let i = 0; i < packet.destinationList.length; i++) {
    const first = packet.destinationList[i]!;
    const isLast = i === packet.destinationList.length - 1;
    const left = { ...packet, destinationList: packet.destinationList.slice(i) };
    if (!("type" in first) || first.type === "opaqueId") return drop("an opaque id that is not ours");
    if (typeof first.type === "number") return drop(`a destination of type ${first.type}`);
    if (first.type === "resource") {
      if (!isLast) return drop("a resource that is not the last destination");
      const id = bigOf(first.data);
      return first.data.length > 16
        ? drop("a resource of more than 128 bits")
        : isResponsible(view, id)
          ? { type: "deliver" }
          : forward(view, left, from, id);
    }
    if (first.data === WILDCARD || (first.data === view.self && isLast)) return { type: "deliver" };
    if (first.data === view.self) continue; // ours, and not the last: "removes the entry ... and repeats", §6.1.1
    if (isResponsible(view, first.data) && !view.linked.includes(first.data)) return drop("no such node here");
    return forward(view, left, from, first.data);
  }
  return drop("no destination left");
};

const hasRepeats = (list: ReadonlyArray<Destination>): boolean =>
  list.length > 1 && new Set(list.map(nameOf)).size < list.length;
/** Equal for equal destinations. Most are nodes, and a Node-ID is a name already. */
const nameOf = (entry: Destination): bigint | string =>
  "type" in entry && entry.type === "node" ? entry.data : hexOf(encode(DestinationWire, entry));

/** §6.1.2, and the time to live of §6.3.2: decremented by every node that forwards the message. */
const forward = (view: RingView, packet: Packet, from: NodeId, id: bigint): Verdict => {
  const ours = from === view.self;
  if (packet.ttl === 0) return refuse("ttlExceeded", "0 left");
  if (!ours && packet.options.some(({ flags }) => flags & optionFlag.forwardCritical))
    return refuse("unsupportedForwardingOption", "");
  // A node that has not joined forwards nothing: a peer that sends it something to forward knows of its join too early.
  if (!ours && !view.joined && !isOneOf(view.linked, id)) return refuse("notFound", NOT_A_PEER);
  const to = nextHop(view, id, ours ? undefined : from);
  if (to === undefined) return refuse("notFound", "nobody to ask");
  // "appending to the Via List the Node-ID of the node from which the request was received"; answers need none.
  const viaList = ours || isAnswer(packet) ? packet.viaList : [...packet.viaList, toNode(from)];
  return { type: "forward", to, packet: { ...packet, ttl: packet.ttl - 1, viaList } };
};

/** By the message code at the beginning of the payload; a later fragment has none, and counts as a request. */
export const isAnswer = (packet: Packet): boolean => {
  const code = isFirstFragment(packet) ? codeOf(packet.payload) : undefined;
  return code !== undefined && !isRequestCode(code);
};

/** A later fragment does not show whether it is a request: no error is sent for it. */
export const isFirstFragment = (packet: Packet): boolean => pieceOf(packet.fragment)?.offset === 0;

/** "constructs the Destination List by reversing the order of the entries on the Via List", §6.2.2. */
export const wayBack = (packet: Packet, from: NodeId): ReadonlyArray<Destination> => [
  toNode(from),
  ...packet.viaList.toReversed(),
];

/**
 * Whether this node may have answered for that destination, §6.3.4: the Node-ID itself, or for a Resource-ID a node "at
 * least as close to the target Resource-ID as any node in the requesting node's Neighbor Table".
 */
export const mayAnswer = (view: RingView, destination: Destination, signer: NodeId): boolean => {
  if (!("type" in destination) || (destination.type !== "node" && destination.type !== "resource")) return false;
  if (destination.type === "node") return destination.data === WILDCARD || destination.data === signer;
  const id = bigOf(destination.data);
  const known = [...view.successors, ...view.predecessors, ...(view.joined ? [view.self] : [])];
  const steps = (node: NodeId) => (node >= id ? node - id : node - id + (1n << 128n));
  return known.every((node) => steps(signer) <= steps(node));
};
