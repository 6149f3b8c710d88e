/**
 * Compound RTCP packets: reports of senders and receivers, descriptions of sources, goodbyes. RFC 3550 §6.
 *
 *   |V=2|P| count | packet type   | length in words, less one | body ...       one packet after the other, in one datagram
 *
 * What has no name here (feedback, extended reports, APP) is kept as it came.
 */
import { concat } from "../shared/mod.ts";
import { decode, encode, list, struct, type TypeOf, textVector, u8, u24, u32, u64 } from "../wire/mod.ts";

/**
 * How well one source is received. `cumulativeLost` has 24 bits with a sign, here as they stand; `lastSenderReport` is the
 * middle of an NTP timestamp, `delaySinceLast` in 1/65536 s.
 */
export const ReportBlock = struct("ReportBlock", "RFC 3550 §6.4.1", {
  ssrc: u32,
  /** Of 256. */
  fractionLost: u8,
  cumulativeLost: u24,
  highestSequence: u32,
  /** In units of the timestamp. */
  jitter: u32,
  lastSenderReport: u32,
  delaySinceLast: u32,
});
export type ReportBlock = TypeOf<typeof ReportBlock>;

/** What a sender has sent so far, and one instant by two clocks: NTP's 64 bits and its RTP timestamp. */
export const SenderInfo = struct("SenderInfo", "RFC 3550 §6.4.1", {
  ntp: u64,
  timestamp: u32,
  packets: u32,
  octets: u32,
});
export type SenderInfo = TypeOf<typeof SenderInfo>;

const SdesItem = struct("SdesItem", "RFC 3550 §6.5", { code: u8, text: textVector(u8) });
/** A text of up to 255 bytes; code 1 is CNAME. */
export type SdesItem = TypeOf<typeof SdesItem>;
/** The texts of one source. */
export interface SdesChunk {
  readonly ssrc: number;
  readonly items: ReadonlyArray<SdesItem>;
}

/** One packet of a compound one. Padding is not kept. */
export type RtcpPacket =
  | {
      readonly type: "senderReport";
      readonly ssrc: number;
      readonly sender: SenderInfo;
      readonly blocks: ReadonlyArray<ReportBlock>;
      /** Profile-specific extensions, as they came. */
      readonly more: Uint8Array;
    }
  | {
      readonly type: "receiverReport";
      readonly ssrc: number;
      readonly blocks: ReadonlyArray<ReportBlock>;
      readonly more: Uint8Array;
    }
  | { readonly type: "sourceDescription"; readonly chunks: ReadonlyArray<SdesChunk> }
  | { readonly type: "goodbye"; readonly sources: ReadonlyArray<number>; readonly reason: string | undefined }
  | { readonly type: "other"; readonly packetType: number; readonly count: number; readonly body: Uint8Array };

/** As many as a datagram of 1,500 bytes holds of the smallest. */
export const RTCP_PACKETS_MAX = 375;
const CODES = { senderReport: 200, receiverReport: 201, sourceDescription: 202, goodbye: 203 } as const;
const HEADER_BYTES = 4;
const BLOCK_BYTES = 24;
const SENDER_BYTES = 20;

/** The packets of a datagram; undefined where it is no compound packet. RFC 3550 §6.1, A.2. */
export const parseRtcp = (datagram: Uint8Array): ReadonlyArray<RtcpPacket> | undefined => {
  const packets: Array<RtcpPacket> = [];
  for (let at = 0; at < datagram.length; ) {
    if (datagram.length - at < HEADER_BYTES || packets.length === RTCP_PACKETS_MAX) return undefined;
    const first = datagram[at]!;
    const end = at + HEADER_BYTES + 4 * ((datagram[at + 2]! << 8) | datagram[at + 3]!);
    const hasPadding = (first & 32) !== 0;
    // Only the last packet of a compound one may be padded, by whole words.
    if (first >> 6 !== 2 || end > datagram.length || (hasPadding && end !== datagram.length)) return undefined;
    const padding = hasPadding ? datagram[end - 1]! : 0;
    if (hasPadding && (padding === 0 || padding % 4 !== 0 || at + HEADER_BYTES + padding > end)) return undefined;
    const body = datagram.subarray(at + HEADER_BYTES, end - padding);
    const packet = bodyOf(datagram[at + 1]!, first & 31, body);
    if (packet === undefined) return undefined;
    packets.push(packet);
    at = end;
  }
  return packets.length === 0 ? undefined : packets;
};

const bodyOf = (packetType: number, count: number, body: Uint8Array): RtcpPacket | undefined => {
  switch (packetType) {
    case CODES.senderReport:
      return reportOf(body, count, true);
    case CODES.receiverReport:
      return reportOf(body, count, false);
    case CODES.sourceDescription:
      return chunksOf(body, count);
    case CODES.goodbye:
      return goodbyeOf(body, count);
    default:
      return { type: "other", packetType, count, body: body.slice() };
  }
};

const reportOf = (body: Uint8Array, count: number, isSender: boolean): RtcpPacket | undefined => {
  const from = 4 + (isSender ? SENDER_BYTES : 0);
  const to = from + count * BLOCK_BYTES;
  if (body.length < to) return undefined;
  const ssrc = decode(u32, body.subarray(0, 4));
  const blocks = decode(list(ReportBlock), body.subarray(from, to));
  if (!ssrc.ok || !blocks.ok) return undefined;
  const common = { ssrc: ssrc.value, blocks: blocks.value, more: body.slice(to) };
  if (!isSender) return { type: "receiverReport", ...common };
  const sender = decode(SenderInfo, body.subarray(4, from));
  return sender.ok ? { type: "senderReport", ...common, sender: sender.value } : undefined;
};

/** Each chunk ends with a zero byte, and with as many more as fill its last word. RFC 3550 §6.5. */
const chunksOf = (body: Uint8Array, count: number): RtcpPacket | undefined => {
  const chunks: Array<SdesChunk> = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const ssrc = decode(u32, body.subarray(at, at + 4));
    if (!ssrc.ok) return undefined;
    const items: Array<SdesItem> = [];
    for (at += 4; at < body.length && body[at] !== 0; ) {
      const end = at + 2 + (body[at + 1] ?? 0);
      const item = decode(SdesItem, body.subarray(at, end));
      if (!item.ok) return undefined;
      items.push(item.value);
      at = end;
    }
    at = (at & ~3) + 4;
    if (at > body.length || body.subarray(at - 4, at).at(-1) !== 0) return undefined;
    chunks.push({ ssrc: ssrc.value, items });
  }
  return at === body.length ? { type: "sourceDescription", chunks } : undefined;
};

const Reason = textVector(u8);
const goodbyeOf = (body: Uint8Array, count: number): RtcpPacket | undefined => {
  const end = 4 * count;
  const sources = decode(list(u32), body.subarray(0, end));
  if (!sources.ok || body.length < end) return undefined;
  if (body.length === end) return { type: "goodbye", sources: sources.value, reason: undefined };
  const reason = decode(Reason, body.subarray(end, end + 1 + body[end]!));
  return reason.ok ? { type: "goodbye", sources: sources.value, reason: reason.value } : undefined;
};

/** Whole words, without padding. */
export const printRtcp = (packets: ReadonlyArray<RtcpPacket>): Uint8Array => {
  const parts = packets.map((packet) => {
    const { packetType, count, body } = partsOf(packet);
    const words = Math.ceil(body.length / 4);
    const out = new Uint8Array(HEADER_BYTES + 4 * words);
    out.set([0x80 | count, packetType, words >> 8, words & 255]);
    out.set(body, HEADER_BYTES);
    return out;
  });
  return concat(...parts);
};

const partsOf = (
  packet: RtcpPacket,
): { readonly packetType: number; readonly count: number; readonly body: Uint8Array } => {
  switch (packet.type) {
    case "senderReport":
    case "receiverReport": {
      const sender = packet.type === "senderReport" ? [encode(SenderInfo, packet.sender)] : [];
      const blocks = encode(list(ReportBlock), packet.blocks);
      const body = concat(encode(u32, packet.ssrc), ...sender, blocks, packet.more);
      return { packetType: CODES[packet.type], count: packet.blocks.length, body };
    }
    case "sourceDescription":
      return {
        packetType: CODES.sourceDescription,
        count: packet.chunks.length,
        body: concat(...packet.chunks.map(chunkBytes)),
      };
    case "goodbye": {
      const reason = packet.reason === undefined ? [] : [encode(Reason, packet.reason)];
      return {
        packetType: CODES.goodbye,
        count: packet.sources.length,
        body: concat(encode(list(u32), packet.sources), ...reason),
      };
    }
    case "other":
      return packet;
  }
};

const chunkBytes = ({ ssrc, items }: SdesChunk): Uint8Array => {
  const used = concat(encode(u32, ssrc), ...items.map((item) => encode(SdesItem, item)));
  return concat(used, new Uint8Array(4 - (used.length & 3)));
};
