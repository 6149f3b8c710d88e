/**
 * Secures packets under one master key, for any number of sources. RFC 3711 §3.1, §3.3, §3.4.
 *
 *   RTP    header | payload, encrypted | tag                       tag over all before it and the rollover counter
 *   RTCP   first 8 bytes | rest, encrypted | E, index | tag        tag over all before it
 *
 * No index is used twice: two packets under one keystream are open to whoever has both. What repeats or is far behind is
 * refused; a source that counts anew is given numbers that go on. RFC 3711 §9.1.
 */
import { isRtcp, payloadAt, sequenceIn, ssrcIn } from "../../codecs/rtp/mod.ts";
import { type DerivedKeys, deriveKeys, type SrtpSuite } from "./keys.ts";
import { applyKeystream, PACKET_BYTES_MAX } from "./keystream.ts";
import type { SrtpPrimitives } from "./primitives.ts";
import { indexOf, Restarts, Seen } from "./sequence.ts";

/** Sources under one key: a telephone has one or two, a transfer brings another. */
export const SOURCES_MAX = 64;
/** RFC 3711 §9.2. */
export const RTP_LIFETIME_MAX: number = 2 ** 48;
export const RTCP_LIFETIME_MAX: number = 2 ** 31;
export const RTCP_HEADER_BYTES = 8;
/** Of the authentication tag of a report, whatever the tag of RTP. RFC 4568 §6.2. */
export const RTCP_TAG_BYTES = 10;
export const RTCP_INDEX_BYTES = 4;

/** Why a packet is not taken. `keyExpired`: the key has protected as many as it may. */
export type SrtpRefusal =
  | "malformed"
  | "tooLarge"
  | "replayed"
  | "old"
  | "notAuthentic"
  | "tooManySources"
  | "unknownKey"
  | "keyExpired";
/** The packet, or why there is none. */
export type SrtpResult = Uint8Array | SrtpRefusal;

/** Secures the packets of one direction: encrypts, and adds the tag. RFC 3711 §3.3. */
export class SrtpSender {
  private readonly keys: DerivedKeys;
  private readonly tagBytes: number;
  private readonly sources = new Map<number, Seen>();
  /** Of the last one: a telephone has one, and a map costs. */
  private lastSsrc = -1;
  private last: Seen | undefined;
  private readonly restarts = new Restarts();
  private readonly rtcpIndices = new Map<number, number>();
  private isOver = false;

  constructor(primitives: SrtpPrimitives, suite: SrtpSuite, keySalt: Uint8Array) {
    this.keys = deriveKeys(primitives, suite, keySalt);
    this.tagBytes = suite.tagBytes;
  }

  /** The bytes of `packet` stay as they are. */
  rtp(packet: Uint8Array): SrtpResult {
    if (this.isOver) return "keyExpired";
    const from = payloadAt(packet);
    if (from < 0) return "malformed";
    const { length } = packet;
    if (length + this.tagBytes > PACKET_BYTES_MAX) return "tooLarge";
    const ssrc = ssrcIn(packet);
    const seen = this.seenOf(ssrc);
    if (seen === undefined) return "tooManySources";
    const sequence = sequenceIn(packet);
    const number = (sequence + seen.offset) & 0xffff;
    const index = indexOf(seen.highest, number);
    if (index >= RTP_LIFETIME_MAX) return "keyExpired";
    const freshness = seen.freshness(index);
    if (freshness !== "fresh") return this.restarts.stale(seen, sequence) ? this.rtp(packet) : freshness;
    this.restarts.fresh();
    seen.note(index);
    const { cipher, salt, mac } = this.keys.rtp;
    const out = new Uint8Array(length + this.tagBytes);
    out.set(packet);
    out[2] = number >> 8;
    out[3] = number;
    applyKeystream(cipher, salt, ssrc, index, out, from, length);
    putRollover(out, length, index);
    const tag = mac.of(out.subarray(0, length + 4));
    for (let i = 0; i < this.tagBytes; i++) out[length + i] = tag[i]!;
    return out;
  }

  rtcp(packet: Uint8Array): SrtpResult {
    if (this.isOver) return "keyExpired";
    if (!isRtcp(packet)) return "malformed";
    const { length } = packet;
    if (length + RTCP_INDEX_BYTES + RTCP_TAG_BYTES > PACKET_BYTES_MAX) return "tooLarge";
    const ssrc = rtcpSourceIn(packet);
    const index = this.rtcpIndices.get(ssrc) ?? 0;
    if (index >= RTCP_LIFETIME_MAX) return "keyExpired";
    if (!this.rtcpIndices.has(ssrc) && this.rtcpIndices.size >= SOURCES_MAX) return "tooManySources";
    this.rtcpIndices.set(ssrc, index + 1);
    const { cipher, salt, mac } = this.keys.rtcp;
    const out = new Uint8Array(length + RTCP_INDEX_BYTES + RTCP_TAG_BYTES);
    out.set(packet);
    applyKeystream(cipher, salt, ssrc, index, out, RTCP_HEADER_BYTES, length);
    put32(out, length, index | 0x8000_0000);
    const covered = length + RTCP_INDEX_BYTES;
    const tag = mac.of(out.subarray(0, covered));
    for (let i = 0; i < RTCP_TAG_BYTES; i++) out[covered + i] = tag[i]!;
    return out;
  }

  /** The keys are zeroed; what comes afterwards is refused. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.keys.end();
  }

  private seenOf(ssrc: number): Seen | undefined {
    if (ssrc === this.lastSsrc) return this.last;
    let seen = this.sources.get(ssrc);
    if (seen === undefined) {
      if (this.sources.size >= SOURCES_MAX) return undefined;
      seen = new Seen();
      this.sources.set(ssrc, seen);
    }
    this.lastSsrc = ssrc;
    this.last = seen;
    return seen;
  }
}

export const put32 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
};
export const putRollover = (bytes: Uint8Array, at: number, index: number): void =>
  put32(bytes, at, Math.floor(index / 0x1_0000));
/** RFC 3711 §3.4: of the first packet of a compound one. */
export const rtcpSourceIn = (packet: Uint8Array): number =>
  ((packet[4]! << 24) | (packet[5]! << 16) | (packet[6]! << 8) | packet[7]!) >>> 0;
