/**
 * Messages in pieces: cut where a link asks for smaller ones, joined at their destination alone. RFC 6940 §6.7.
 *
 *   packet ----> fragmentsOf --> packets, each with the whole forwarding header     any node on the way
 *   fragment --> gather -------> held, and the whole message once all is there      the destination
 *
 * A signature covers the whole message, so a fragment proves nothing: what is held is limited by neighbour, in all and in
 * time, and pieces that contradict each other end their message. Functions only.
 */
import type { NodeId } from "../../codecs/reload/mod.ts";
import { fragmentFor, fragmentWhole, Packet, pieceOf } from "../../codecs/reload/mod.ts";
import { concat } from "../../codecs/shared/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";

/** "receivers SHOULD time out incomplete fragments after the maximum request lifetime (15 seconds)". */
export const FRAGMENTS_MS = 15_000;
/** Messages begun and not whole: of one neighbour, and of all. */
export const OPEN_OF_NEIGHBOUR_MAX = 8;
export const OPEN_MAX = 64;
/** Bytes held, in messages of the greatest size: of one neighbour, and of all. */
export const SIZES_OF_NEIGHBOUR_MAX = 2;
export const SIZES_MAX = 16;
/** Fragments taken for one message. */
const FRAGMENTS_MAX = 1_024;
/** "MUST contain at least 256 bytes of the message body"; the last one holds what is left. */
const FRAGMENT_BYTES_MIN = 256;
/** "the PMTU of the next overlay link minus 32 bytes": room for the Via List to grow. */
const VIA_GROWTH_BYTES = 32;

interface Part {
  readonly start: number;
  readonly bytes: Uint8Array;
}
interface Open {
  readonly from: NodeId;
  readonly sinceMs: number;
  /** Of the first fragment, whose header becomes the message's; without its payload. */
  readonly header: Packet | undefined;
  /** Bytes of the whole, once the last fragment has come. */
  readonly size: number | undefined;
  /** By their start; none overlaps another. */
  readonly parts: ReadonlyArray<Part>;
  readonly bytes: number;
  readonly fragments: number;
}
/** Messages begun, by neighbour and transaction, oldest first. */
export type Gathering = ReadonlyMap<string, Open>;
export const nothingGathered: Gathering = new Map();

export interface Gathered {
  readonly held: Gathering;
  readonly whole?: Packet;
  /** Why this fragment, and what was held of its message, is gone. */
  readonly dropped?: string;
}

const none = new Uint8Array();

/**
 * Takes a fragment that has come from that neighbour to its destination; a whole message passes at once. Fragments of two
 * neighbours are never joined, so that one neighbour cannot spoil another's message.
 */
export const gather = (
  before: Gathering,
  packet: Packet,
  from: NodeId,
  atMs: number,
  messageBytesMax: number,
): Gathered => {
  if (packet.fragment >>> 0 === fragmentWhole) return { held: before, whole: packet };
  const held = new Map([...before].filter(([, { sinceMs }]) => atMs - sinceMs < FRAGMENTS_MS));
  const name = `${from} ${packet.transactionId}`;
  const known = held.get(name);
  const joined = known === undefined ? opened(held, from, atMs) : known;
  const next = typeof joined === "string" ? joined : withFragment(joined, packet, messageBytesMax);
  if (typeof next === "string" || !isRoomFor(held, next, joined as Open, messageBytesMax)) {
    held.delete(name); // "if the receiver runs out of buffer space to reassemble a message, it MUST drop the message"
    return { held, dropped: typeof next === "string" ? next : "no room for fragments" };
  }
  if (next.header === undefined || next.size !== next.bytes) return { held: held.set(name, next) };
  held.delete(name);
  const payload = concat(...next.parts.map(({ bytes }) => bytes));
  return { held, whole: { ...next.header, fragment: fragmentWhole, payload } };
};

const opened = (held: Gathering, from: NodeId, atMs: number): Open | string => {
  if (held.size >= OPEN_MAX) return "too many messages in fragments";
  const ofNeighbour = [...held.values()].filter((open) => open.from === from).length;
  if (ofNeighbour >= OPEN_OF_NEIGHBOUR_MAX) return "too many messages of this neighbour in fragments";
  return { from, sinceMs: atMs, header: undefined, size: undefined, parts: [], bytes: 0, fragments: 0 };
};

const isRoomFor = (held: Gathering, next: Open, before: Open, messageBytesMax: number): boolean => {
  const others = [...held.values()].filter((open) => open !== before);
  const sum = (opens: ReadonlyArray<Open>) => opens.reduce((bytes, open) => bytes + open.bytes, next.bytes);
  return (
    sum(others) <= SIZES_MAX * messageBytesMax &&
    sum(others.filter(({ from }) => from === next.from)) <= SIZES_OF_NEIGHBOUR_MAX * messageBytesMax
  );
};

/** The message with this fragment in it, or why it can never be whole. */
const withFragment = (open: Open, packet: Packet, messageBytesMax: number): Open | string => {
  const { offset, isLast } = pieceOf(packet.fragment) ?? { offset: 0, isLast: false };
  const end = offset + packet.payload.length;
  if (end > messageBytesMax) return "fragments of a message over the limit";
  if (open.fragments >= FRAGMENTS_MAX) return `over ${FRAGMENTS_MAX} fragments`;
  if (!isLast && packet.payload.length < FRAGMENT_BYTES_MIN) return "a fragment under 256 bytes";
  const size = isLast ? end : open.size;
  if (open.size !== undefined && size !== open.size) return "two ends of one message";
  const last = open.parts.at(-1);
  if (size !== undefined && Math.max(end, last === undefined ? 0 : last.start + last.bytes.length) > size)
    return "a fragment beyond the end";
  const parts = laid(open.parts, offset, packet.payload);
  if (parts === undefined) return "fragments that contradict each other";
  const header = offset === 0 ? { ...packet, payload: none } : open.header;
  const bytes = parts.reduce((sum, part) => sum + part.bytes.length, 0);
  return { ...open, header, size, parts, bytes, fragments: open.fragments + 1 };
};

/** The parts together with these bytes; undefined if they differ from bytes that are there already. */
const laid = (parts: ReadonlyArray<Part>, start: number, bytes: Uint8Array): ReadonlyArray<Part> | undefined => {
  const fresh: Array<Part> = [];
  const end = start + bytes.length;
  let from = start;
  for (const part of parts) {
    const partEnd = part.start + part.bytes.length;
    if (partEnd <= start || part.start >= end) continue;
    for (let at = Math.max(start, part.start); at < Math.min(end, partEnd); at++)
      if (bytes[at - start] !== part.bytes[at - part.start]) return undefined;
    if (part.start > from) fresh.push({ start: from, bytes: bytes.slice(from - start, part.start - start) });
    from = Math.max(from, partEnd);
  }
  // Copied: a view would keep the whole frame it came in.
  if (from < end) fresh.push({ start: from, bytes: bytes.slice(from - start) });
  return [...parts, ...fresh].sort((a, b) => a.start - b.start);
};

/**
 * The packet as one that fits `bytesMax`, or as several: "equal-sized fragments", each with a full copy of the lists. A
 * fragment may be cut again. Where the header leaves no room for 256 bytes each it stays whole, as the RFC has it.
 */
export const fragmentsOf = (packet: Packet, bytesMax: number): ReadonlyArray<Packet> => {
  const { payload, fragment } = packet;
  const header = encode(Packet, { ...packet, payload: none }).length;
  const { offset, isLast } = pieceOf(fragment) ?? { offset: 0, isLast: true };
  const room = bytesMax - VIA_GROWTH_BYTES - header;
  if (header + payload.length <= bytesMax || room < 2 * FRAGMENT_BYTES_MIN) return [packet];
  const count = Math.ceil(payload.length / room);
  const cutAt = (i: number) => Math.floor((payload.length * i) / count);
  return Array.from({ length: count }, (_, i) => ({
    ...packet,
    fragment: fragmentFor({ offset: offset + cutAt(i), isLast: isLast && i === count - 1 }),
    payload: payload.subarray(cutAt(i), cutAt(i + 1)),
  }));
};
