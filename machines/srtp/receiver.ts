/**
 * Opens packets that another end has secured, from any number of sources. RFC 3711 §3.1, §3.3, §3.4; MKI: §3.1.
 *
 *   which key (MKI) -> which packet (index) -> seen before? -> authentic? -> noted, decrypted in place
 *
 * A source is remembered once a packet of it was authentic: strangers fill nothing. By RFC 4568 §6.4 each begins with a
 * rollover counter of 0; where the first packets were lost and the sequence number has turned over meanwhile, 1 is tried too.
 */
import { isRtcp, payloadAt, sequenceIn, ssrcIn } from "../../codecs/rtp/mod.ts";
import { equalBytes } from "../../codecs/shared/mod.ts";
import { type DerivedKeys, deriveKeys, type SessionKeys, type SrtpSuite } from "./keys.ts";
import { applyKeystream, PACKET_BYTES_MAX } from "./keystream.ts";
import type { SrtpPrimitives } from "./primitives.ts";
import {
  putRollover,
  RTCP_HEADER_BYTES,
  RTCP_INDEX_BYTES,
  RTCP_TAG_BYTES,
  rtcpSourceIn,
  SOURCES_MAX,
  type SrtpRefusal,
  type SrtpResult,
} from "./sender.ts";
import { indexOf, Seen } from "./sequence.ts";

/** A key as SDP agrees on it: master key and salt together. */
export interface MasterKey {
  readonly keySalt: Uint8Array;
  /** As it stands in packets; all keys of a receiver have one of one length, or a single key has none. */
  readonly mki?: Uint8Array | undefined;
  /** Packets that it may protect, of RTP and RTCP each. */
  readonly lifetime?: number | undefined;
}

interface ReceiverKey {
  readonly derived: DerivedKeys;
  readonly mki: Uint8Array | undefined;
  readonly lifetime: number;
  rtpPackets: number;
  rtcpPackets: number;
}

/** Beyond 0, of a source that is new here. */
const LATE_ROLLOVER_MAX = 1;
const HALF = 0x8000;

/** Opens the packets of one direction: authenticates, refuses replays, decrypts. RFC 3711 §3.3. */
export class SrtpReceiver {
  private readonly keys: ReadonlyArray<ReceiverKey>;
  private readonly tagBytes: number;
  private readonly mkiBytes: number;
  private readonly sources = new Map<number, Seen>();
  private readonly rtcpSources = new Map<number, Seen>();
  private isOver = false;

  constructor(primitives: SrtpPrimitives, suite: SrtpSuite, keys: ReadonlyArray<MasterKey>) {
    this.tagBytes = suite.tagBytes;
    this.mkiBytes = keys[0]?.mki?.length ?? 0;
    this.keys = keys.map(({ keySalt, mki, lifetime }) => ({
      derived: deriveKeys(primitives, suite, keySalt),
      mki,
      lifetime: lifetime ?? Number.POSITIVE_INFINITY,
      rtpPackets: 0,
      rtcpPackets: 0,
    }));
  }

  /** What comes back is a part of `packet`, decrypted in place. What is refused stays as it was. */
  rtp(packet: Uint8Array): SrtpResult {
    const end = packet.length - this.tagBytes - this.mkiBytes;
    const from = payloadAt(packet, end);
    if (from < 0) return "malformed";
    if (packet.length > PACKET_BYTES_MAX) return "tooLarge";
    const key = this.keyOf(packet, end);
    if (typeof key === "string") return key;
    if (key.rtpPackets >= key.lifetime) return "keyExpired";
    const ssrc = ssrcIn(packet);
    const seen = this.sources.get(ssrc);
    if (seen === undefined && this.sources.size >= SOURCES_MAX) return "tooManySources";
    const index = this.indexOfRtp(packet, seen, end, key.derived.rtp);
    if (typeof index === "string") return index;
    key.rtpPackets++;
    noted(this.sources, ssrc, seen, index);
    applyKeystream(key.derived.rtp.cipher, key.derived.rtp.salt, ssrc, index, packet, from, end);
    return packet.subarray(0, end);
  }

  rtcp(packet: Uint8Array): SrtpResult {
    const tagAt = packet.length - RTCP_TAG_BYTES;
    const end = tagAt - this.mkiBytes - RTCP_INDEX_BYTES;
    if (!isRtcp(packet) || end < RTCP_HEADER_BYTES) return "malformed";
    if (packet.length > PACKET_BYTES_MAX) return "tooLarge";
    const key = this.keyOf(packet, end + RTCP_INDEX_BYTES);
    if (typeof key === "string") return key;
    if (key.rtcpPackets >= key.lifetime) return "keyExpired";
    const ssrc = rtcpSourceIn(packet);
    const seen = this.rtcpSources.get(ssrc);
    if (seen === undefined && this.rtcpSources.size >= SOURCES_MAX) return "tooManySources";
    const isEncrypted = (packet[end]! & 0x80) !== 0;
    const index = rtcpSourceIn(packet.subarray(end - 4)) & 0x7fff_ffff;
    const freshness = seen?.freshness(index) ?? "fresh";
    if (freshness !== "fresh") return freshness;
    const { cipher, salt, mac } = key.derived.rtcp;
    const tag = mac.of(packet.subarray(0, end + RTCP_INDEX_BYTES));
    if (!isTag(tag, packet, tagAt, RTCP_TAG_BYTES)) return "notAuthentic";
    key.rtcpPackets++;
    noted(this.rtcpSources, ssrc, seen, index);
    // RFC 4568 §6.3.2: UNENCRYPTED_SRTCP was refused, so that this end has said that it encrypts.
    if (!isEncrypted) return "notAuthentic";
    applyKeystream(cipher, salt, ssrc, index, packet, RTCP_HEADER_BYTES, end);
    return packet.subarray(0, end);
  }

  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    for (const { derived } of this.keys) derived.end();
  }

  private keyOf(packet: Uint8Array, at: number): ReceiverKey | SrtpRefusal {
    if (this.isOver) return "keyExpired";
    if (this.mkiBytes === 0) return this.keys[0]!;
    const mki = packet.subarray(at, at + this.mkiBytes);
    return this.keys.find((key) => key.mki !== undefined && equalBytes(key.mki, mki)) ?? "unknownKey";
  }

  /** The index under which the packet is authentic. */
  private indexOfRtp(packet: Uint8Array, seen: Seen | undefined, end: number, keys: SessionKeys): number | SrtpRefusal {
    const sequence = sequenceIn(packet);
    const tagAt = packet.length - this.tagBytes;
    if (seen !== undefined) {
      const index = indexOf(seen.highest, sequence);
      const freshness = seen.freshness(index);
      if (freshness !== "fresh") return freshness;
      return isAuthentic(keys, packet, end, tagAt, index) ? index : "notAuthentic";
    }
    for (let late = 0; late <= (sequence < HALF ? LATE_ROLLOVER_MAX : 0); late++) {
      const index = late * 0x1_0000 + sequence;
      if (isAuthentic(keys, packet, end, tagAt, index)) return index;
    }
    return "notAuthentic";
  }
}

const noted = (sources: Map<number, Seen>, ssrc: number, found: Seen | undefined, index: number): void => {
  const seen = found ?? new Seen();
  if (found === undefined) sources.set(ssrc, seen);
  seen.note(index);
};

/** The tag covers the rollover counter, which is not sent: it stands for a moment where the MKI or the tag does. */
const isAuthentic = ({ mac }: SessionKeys, packet: Uint8Array, end: number, tagAt: number, index: number): boolean => {
  const held = packet.slice(end, packet.length);
  putRollover(packet, end, index);
  const tag = mac.of(packet.subarray(0, end + 4));
  packet.set(held, end);
  return isTag(tag, packet, tagAt, packet.length - tagAt);
};

/** In a time that does not depend on where they differ. */
const isTag = (tag: Uint8Array, packet: Uint8Array, at: number, size: number): boolean => {
  let difference = 0;
  for (let i = 0; i < size; i++) difference |= tag[i]! ^ packet[at + i]!;
  return difference === 0;
};
