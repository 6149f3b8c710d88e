/**
 * What one relay of ours tells the other of a call, by the way of its RTCP: "the media of this call are bad here". An
 * application packet, RFC 3550 §6.7, behind the empty report that begins a compound one (§6.1).
 * docs/protocol/media.md#fallback
 *
 *   |V=2| 0 | RR, 201 | 1 | ssrc |   |V=2| 1 | APP, 204 | 2 | ssrc | "VIPR" |
 */
import { constant, decode, encode, struct, type TypeOf, u32 } from "../wire/mod.ts";
import { printRtcp, type RtcpPacket } from "./rtcp.ts";

const APP = 204;
const MEDIA_BAD = 1;

/** The body of the application packet. Malformed under another name. */
export const MediaNotice = struct("MediaNotice", "RFC 3550 §6.7", {
  ssrc: u32,
  /** "VIPR" */
  name: constant(u32, 0x5649_5052),
});
export type MediaNotice = TypeOf<typeof MediaNotice>;

/** The whole datagram. */
export const printNotice = (ssrc: number): Uint8Array =>
  printRtcp([
    { type: "receiverReport", ssrc, blocks: [], more: new Uint8Array() },
    { type: "other", packetType: APP, count: MEDIA_BAD, body: encode(MediaNotice, { ssrc }) },
  ]);

/** Whether one of the packets of a datagram is the notice. */
export const isNotice = (packets: ReadonlyArray<RtcpPacket>): boolean =>
  packets.some(
    (packet) =>
      packet.type === "other" &&
      packet.packetType === APP &&
      packet.count === MEDIA_BAD &&
      decode(MediaNotice, packet.body).ok,
  );
