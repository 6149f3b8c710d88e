/**
 * How well one end's packets come, by their sequence numbers and arrival, and how well ours go, by what it reports. RFC 3550
 * §6.4.1, A.1, A.3, A.8.
 */
import {
  payloadTypeIn,
  type ReportBlock,
  type RtcpPacket,
  sequenceIn,
  ssrcIn,
  timestampIn,
} from "../../codecs/rtp/mod.ts";
import { indexOf } from "../srtp/mod.ts";

/** A jump beyond this is another begin and no loss. RFC 3550 A.1, MAX_DROPOUT. */
const DROPOUT_MAX = 3_000;
/** RFC 3550 A.8: a sixteenth of each difference. */
const SMOOTHING = 16;

export interface StreamFigures {
  readonly packets: number;
  readonly bytes: number;
  /** RTCP, compound packets. */
  readonly reports: number;
  readonly lost: number;
  readonly jitterMs: number;
  readonly reportedLoss?: number;
  readonly reportedJitterMs?: number;
  readonly lastSeenMs?: number;
}

export class Statistics {
  packets = 0;
  bytes = 0;
  reports = 0;
  lastSeenMs: number | undefined;
  private ssrc = -1;
  private first = 0;
  private highest = -1;
  /** Of this source, in this run of sequence numbers. */
  private received = 0;
  private lostBefore = 0;
  private jitter = 0;
  private rate = 0;
  private transit = Number.NaN;
  block: ReportBlock | undefined;
  clockRates: ReadonlyMap<number, number> = new Map();

  /** An RTP packet that was taken, at this time of the receiver. */
  rtp(packet: Uint8Array, nowMs: number): void {
    this.packets++;
    this.bytes += packet.length;
    this.lastSeenMs = nowMs;
    const ssrc = ssrcIn(packet);
    const sequence = sequenceIn(packet);
    const index = ssrc === this.ssrc ? indexOf(this.highest, sequence) : -1;
    if (index < 0 || Math.abs(index - this.highest) > DROPOUT_MAX) this.begin(ssrc, sequence);
    else if (index > this.highest) this.highest = index;
    this.received++;
    const rate = this.clockRates.get(payloadTypeIn(packet));
    if (rate !== undefined) this.arrived(timestampIn(packet), rate, nowMs);
  }

  /** What this end says of what it receives. */
  rtcp(packets: ReadonlyArray<RtcpPacket>, nowMs: number): void {
    this.reports++;
    this.lastSeenMs = nowMs;
    for (const packet of packets)
      if (packet.type === "senderReport" || packet.type === "receiverReport")
        this.block = packet.blocks[0] ?? this.block;
  }

  get lost(): number {
    return this.lostBefore + this.lostNow();
  }

  /** `block`: what the other end says of the packets of this one. */
  figures(block: ReportBlock | undefined): StreamFigures {
    const { rate } = this;
    return {
      packets: this.packets,
      bytes: this.bytes,
      reports: this.reports,
      lost: this.lost,
      jitterMs: this.rate === 0 ? 0 : (1_000 * this.jitter) / this.rate,
      ...(block === undefined ? {} : { reportedLoss: block.fractionLost }),
      ...(block === undefined || rate === 0 ? {} : { reportedJitterMs: (1_000 * block.jitter) / rate }),
      ...(this.lastSeenMs === undefined ? {} : { lastSeenMs: this.lastSeenMs }),
    };
  }

  private begin(ssrc: number, sequence: number): void {
    this.lostBefore += this.lostNow();
    this.ssrc = ssrc;
    this.first = sequence;
    this.highest = sequence;
    this.received = 0;
    this.transit = Number.NaN;
  }

  /** Repeated packets may be more than the lost ones: A.3 would say a negative number. */
  private lostNow(): number {
    return this.highest < 0 ? 0 : Math.max(0, this.highest - this.first + 1 - this.received);
  }

  private arrived(timestamp: number, rate: number, nowMs: number): void {
    if (rate !== this.rate) {
      this.rate = rate;
      this.transit = Number.NaN;
    }
    const transit = (nowMs * rate) / 1_000 - timestamp;
    // Over a turn of the timestamp the difference is off by 2^32.
    const difference = Math.abs(transit - this.transit);
    if (difference < DROPOUT_MAX * rate) this.jitter += (difference - this.jitter) / SMOOTHING;
    this.transit = transit;
  }
}
