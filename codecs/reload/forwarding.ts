/**
 * Where a RELOAD message goes, and the way it came. RFC 6940 §6.3.2.
 *
 *   +-------------------+  read by every peer on the way: lists grow and shrink, the rest passes unharmed
 *   | forwarding header |
 *   +-------------------+  read by the peer it is for: message contents, then the security block; until a
 *   | payload           |  last fragment has come, a part of these
 *   +-------------------+
 */
import { NodeId } from "../shared/mod.ts";
import {
  byFirstBit,
  constant,
  lengthOf,
  lengthOfWhole,
  list,
  opaque,
  openEnumeration,
  rest,
  select,
  struct,
  type TypeOf,
  u8,
  u16,
  u32,
  u64,
  within,
} from "../wire/mod.ts";
import { destinationType, fragmentAlways, fragmentLast, fragmentOffset, reloToken } from "./registry.ts";

/** 128 bits, as the overlay's `node-id-length` of 16 has it. */
export const NODE_ID_BYTES = 16;
/** Up to 255 bytes behind a length of one byte; in CHORD-RELOAD they are 16, RFC 6940 §10.2. */
export const ResourceId = opaque(u8); // opaque ResourceId<0..2^8-1>

const FullDestination = struct("Destination", "RFC 6940 §6.3.2.2", {
  type: openEnumeration(within(u8, 0, 0x7f), destinationType), // "128-255 not allowed"
  length: lengthOf("data", u8),
  data: select(
    "type",
    {
      node: NodeId,
      resource: ResourceId,
      opaqueId: opaque(u8),
    },
    { otherwise: rest }, // "allows the addition of new DestinationTypes", and to skip over those one does not understand
  ),
});
const CompactDestination = struct("Destination", "RFC 6940 §6.3.2.2", {
  compactId: within(u16, 0x8000, 0xffff), // "Top bit MUST be 1"
});
/**
 * One stop of a via or destination list: a node, a resource (the last stop only), or an opaque id of the peer that made it
 * up, whose short form is `compactId` alone.
 */
export const Destination = byFirstBit({ 0: FullDestination, 1: CompactDestination });
export type Destination = TypeOf<typeof Destination>;

/** None is defined yet; a node that forwards or answers acts on the flags of options that it does not know. */
export const ForwardingOption = struct("ForwardingOption", "RFC 6940 §6.3.2.3", {
  type: u8,
  flags: u8,
  option: opaque(u16),
});
export type ForwardingOption = TypeOf<typeof ForwardingOption>;

/**
 * A whole message or fragment. `length` counts the header too, in bytes; `maxResponseLength` is in bytes, 0 for no limit.
 * Malformed without the token; `version` is for the receiver to check.
 */
// biome-ignore format: columns
export const Packet = struct("Packet", "RFC 6940 §6.3.2", {
  token:                 constant(u32, reloToken),
  overlay:               u32,
  configurationSequence: u16,
  version:               u8,
  ttl:                   u8,
  fragment:              u32,
  length:                lengthOfWhole(u32),
  transactionId:         u64,
  maxResponseLength:     u32,
  viaListLength:         lengthOf("viaList", u16), // three lengths first, three lists after
  destinationListLength: lengthOf("destinationList", u16),
  optionsLength:         lengthOf("options", u16),
  viaList:               list(Destination),
  destinationList:       list(Destination),
  options:               list(ForwardingOption),
  payload:               rest,
});
export type Packet = TypeOf<typeof Packet>;

/** Bytes of the header before its lists. */
const FIXED_BYTES = 38;
const NODE_BYTES = 2 + NODE_ID_BYTES;
/** How long the packet is once it is written, without writing it. */
export const packetBytes = ({ viaList, destinationList, options, payload }: Packet): number => {
  let size = FIXED_BYTES + payload.length;
  for (const one of viaList) size += destinationBytes(one);
  for (const one of destinationList) size += destinationBytes(one);
  for (const { option } of options) size += 4 + option.length;
  return size;
};
const destinationBytes = (one: Destination): number => {
  if ("compactId" in one) return 2;
  if (one.type === "node") return NODE_BYTES;
  return (one.type === "resource" || one.type === "opaqueId" ? 3 : 2) + one.data.length;
};

/** The header alone, of a message whose rest has not arrived or will not be buffered. */
// biome-ignore format: columns
export const ForwardingHeader = struct("ForwardingHeader", "RFC 6940 §6.3.2", {
  token:                 constant(u32, reloToken),
  overlay:               u32,
  configurationSequence: u16,
  version:               u8,
  ttl:                   u8,
  fragment:              u32,
  length:                u32, // of the whole message
  transactionId:         u64,
  maxResponseLength:     u32,
  viaListLength:         lengthOf("viaList", u16),
  destinationListLength: lengthOf("destinationList", u16),
  optionsLength:         lengthOf("options", u16),
  viaList:               list(Destination),
  destinationList:       list(Destination),
  options:               list(ForwardingOption),
});

/** Which part of its message a packet carries, by its `fragment` field. §6.3.2, §6.7. */
export interface Piece {
  /** Bytes between the end of the forwarding header of the whole message and the first byte of this part. */
  readonly offset: number;
  readonly isLast: boolean;
}
/** Undefined without the high bit, which "MUST be set": "implementations SHOULD discard any message with it set to 0". */
export const pieceOf = (fragment: number): Piece | undefined =>
  (fragment & fragmentAlways) === 0
    ? undefined
    : { offset: fragment & fragmentOffset, isLast: (fragment & fragmentLast) !== 0 };
/** The `fragment` field of a part, the inverse of `pieceOf`; an offset takes 24 bits. RFC 6940 §6.3.2. */
export const fragmentFor = ({ offset, isLast }: Piece): number =>
  (fragmentAlways | (isLast ? fragmentLast : 0) | (offset & fragmentOffset)) >>> 0;
/** Whether the part is the whole message. */
export const isWhole = ({ offset, isLast }: Piece): boolean => offset === 0 && isLast;

/** The stop at a Node-ID. */
export const toNode = (id: NodeId): Destination => ({ type: "node", data: id });
/** The stop at whoever is responsible for a Resource-ID. */
export const toResource = (id: Uint8Array): Destination => ({ type: "resource", data: id });
