/**
 * The header of an RTP packet, read in place: a relay looks at every packet and writes none anew. RFC 3550 §5.1, §5.3.1.
 *
 *    0                   1                   2                   3
 *   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *   |                           timestamp                           |
 *   |           synchronization source (SSRC) identifier            |
 *   |  contributing sources, CC of them; then, with X, an extension |
 *
 * `RtpHeader` is the same as a description; a law holds both equal.
 */
import { bits, flag, struct, type TypeOf, u16, u32 } from "../wire/mod.ts";

/** The fixed 12 bytes. Malformed where the version is not 2. */
export const RtpHeader = struct("RtpHeader", "RFC 3550 §5.1", {
  first: bits("10PXCCCC", { padding: ["P", flag], extension: ["X", flag], sources: ["C"] }),
  second: bits("MTTTTTTT", { marker: ["M", flag], payloadType: ["T"] }),
  sequence: u16,
  timestamp: u32,
  ssrc: u32,
});
export type RtpHeader = TypeOf<typeof RtpHeader>;

/** Without contributing sources and extension: the least that a packet has. */
export const RTP_HEADER_BYTES = 12;

const u16At = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;
const u32At = (bytes: Uint8Array, at: number): number => (u16At(bytes, at) << 16) | u16At(bytes, at + 2);

/** Where the payload begins; -1 for what is no RTP packet. `end`: where the packet ends, before a tag. */
export const payloadAt = (bytes: Uint8Array, end: number = bytes.length): number => {
  const first = bytes[0]!;
  if (end < RTP_HEADER_BYTES || first >> 6 !== 2) return -1;
  const sources = RTP_HEADER_BYTES + 4 * (first & 15);
  if ((first & 16) === 0) return sources <= end ? sources : -1;
  if (sources + 4 > end) return -1;
  const payload = sources + 4 + 4 * u16At(bytes, sources + 2);
  return payload <= end ? payload : -1;
};

/** 7 bits. Ask a packet for this, its sequence, timestamp or SSRC only once `payloadAt` has found it to be one. */
export const payloadTypeIn = (bytes: Uint8Array): number => bytes[1]! & 127;
/** 16 bits. */
export const sequenceIn = (bytes: Uint8Array): number => u16At(bytes, 2);
/** 32 bits, in units of the payload's clock. */
export const timestampIn = (bytes: Uint8Array): number => u32At(bytes, 4) >>> 0;
/** 32 bits. */
export const ssrcIn = (bytes: Uint8Array): number => u32At(bytes, 8) >>> 0;

/** RFC 5761 §4: on a port that has both, the second byte of an RTCP packet is 192 to 223. */
export const isRtcp = (bytes: Uint8Array): boolean => bytes.length >= 8 && bytes[1]! >= 192 && bytes[1]! <= 223;
