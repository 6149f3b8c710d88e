/**
 * One stream of a call through the relay: a packet that has come on one side is judged, opened, counted, secured, and sent
 * to the other side. Knows no socket. RFC 3550, RFC 3711; docs/protocol/media.md#whose-packets-are-taken. DECISIONS.md D-137.
 *
 *   inside  RTP  -> admitted? -> counted -> secured            -> outside
 *   outside SRTP -> admitted? -> opened  -> counted            -> inside
 *   passed: neither secured nor opened; what is no RTP or RTCP at all goes no further
 *   moved: the telephone network's end has the place of the one outside, in the clear. docs/protocol/media.md#fallback
 *
 * Called once a packet: nothing here allocates but the packet that is sent.
 */
import { isNotice, isRtcp, parseRtcp, payloadAt, type RtcpPacket, withoutNames } from "../../codecs/rtp/mod.ts";
import type { StreamEnd } from "../../codecs/sip/mod.ts";
import { PACKET_BYTES_MAX, type SrtpReceiver, type SrtpRefusal, type SrtpSender } from "../srtp/mod.ts";
import { Latch } from "./latch.ts";
import type { Side } from "./negotiation.ts";
import { Statistics, type StreamFigures } from "./statistics.ts";

/** Of one stream from one side: G.711 in packets of 20 ms are 50, video of good quality some 500. */
export const PACKETS_A_SECOND_MAX = 1_000;
/** ... from where nobody is expected: what a flood of strangers may cost, and it costs the expected one nothing. */
export const OTHERS_A_SECOND_MAX = 100;
/** So long media goes to an address outside of which nothing authentic has come. RFC 7675 asks the same of ICE. */
export const UNPROVED_MS_MAX = 30_000;
/** After a change of keys packets under the old ones may still be on their way. RFC 4568 §7.1.4. */
export const OLD_KEY_MS = 10_000;

/**
 * `notReady`: the other side has not agreed yet. `stranger`: from an address that is not this end's. `tooOften`: more than
 * PACKETS_A_SECOND_MAX. `notRtp`: neither RTP nor RTCP. `held`: the other side wants none. `unproved`: it has shown no key
 * for UNPROVED_MS_MAX. `moved`: from outside, of a call that has gone to the telephone network.
 */
export type PathRefusal = SrtpRefusal | "notReady" | "stranger" | "tooOften" | "notRtp" | "held" | "unproved" | "moved";

/** Where a packet comes in or goes out. `trunk`: by the telephone network, once the call was moved there. */
export type LegName = Side | "trunk";

/** What is to be sent to the other side, and from which of our two ports there. */
export interface Forward {
  readonly toward: LegName;
  readonly bytes: Uint8Array;
  readonly host: string;
  readonly port: number;
  readonly byRtcpPort: boolean;
}

/** One side of the stream. */
class Leg {
  readonly statistics = new Statistics();
  readonly refused: Partial<Record<PathRefusal, number>> = {};
  readonly rtp = new Latch();
  readonly rtcp = new Latch();
  end: StreamEnd | undefined;
  isMuxed = false;
  sender: SrtpSender | undefined;
  receiver: SrtpReceiver | undefined;
  oldReceiver: SrtpReceiver | undefined;
  oldUntilMs = 0;
  /** Since when we send to where nothing has proved itself. */
  unprovedSinceMs: number | undefined;
  private secondOf = 0;
  private expected = 0;
  private others = 0;

  isTooOften(isExpected: boolean, nowMs: number): boolean {
    const second = Math.floor(nowMs / 1_000);
    if (second !== this.secondOf) {
      this.secondOf = second;
      this.expected = 0;
      this.others = 0;
    }
    return isExpected ? ++this.expected > PACKETS_A_SECOND_MAX : ++this.others > OTHERS_A_SECOND_MAX;
  }

  refuse(why: PathRefusal): void {
    this.refused[why] = (this.refused[why] ?? 0) + 1;
  }
}

export interface LegFigures extends StreamFigures {
  readonly refused: Readonly<Record<string, number>>;
}

export class MediaPath {
  private readonly inside = new Leg();
  private readonly outside = new Leg();
  private readonly trunk = new Leg();
  private isMoved = false;
  /** The relay at the other end has told that the media are bad there. */
  private notices = 0;
  private isOpen = false;
  private mode: "srtp" | "passed" = "srtp";
  private isOver = false;
  private readonly trustsInside: boolean;

  /** `trustsInside`: telephones inside may send from hosts that their descriptions do not name, as behind a NAT. */
  constructor(trustsInside = false) {
    this.trustsInside = trustsInside;
  }

  /** The end of one side, as its description says. */
  describe(side: Side, end: StreamEnd, isMuxed: boolean): void {
    const leg = this[side];
    leg.end = end;
    leg.isMuxed = isMuxed;
    leg.statistics.clockRates = end.clockRates;
    if (end.isHeld) return;
    leg.rtp.name(end.rtp);
    leg.rtcp.name(isMuxed ? end.rtp : end.rtcp);
  }

  /** Offer and answer have met: packets pass, under these keys, which stay the caller's to end. */
  open(
    mode: "srtp" | "passed",
    sender: SrtpSender | undefined,
    receiver: SrtpReceiver | undefined,
    nowMs: number,
  ): void {
    this.isOpen = true;
    this.mode = mode;
    const { outside } = this;
    outside.sender = sender;
    if (outside.receiver === receiver) return;
    outside.oldReceiver = outside.receiver;
    outside.oldUntilMs = nowMs + OLD_KEY_MS;
    outside.receiver = receiver;
  }

  /** To the telephone network, whose end is there: nothing goes outside any more, and nothing is taken from there. */
  moveTo(end: StreamEnd): void {
    this.isMoved = true;
    const { trunk } = this;
    trunk.end = end;
    trunk.isMuxed = false;
    trunk.statistics.clockRates = end.clockRates;
    trunk.rtp.name(end.rtp);
    trunk.rtcp.name(end.rtcp);
  }

  /** How many times the other relay has told that the media are bad there. */
  get noticed(): number {
    return this.notices;
  }

  /** The stream is refused: nothing passes until it is opened again. */
  shut(): void {
    this.isOpen = false;
  }

  /** Nothing passes any more. */
  end(): void {
    this.isOver = true;
    this.isOpen = false;
  }

  /** A datagram that came at one side; what is to be sent, if anything. Its bytes may be changed. */
  receive(
    side: LegName,
    atRtcpPort: boolean,
    bytes: Uint8Array,
    host: string,
    port: number,
    nowMs: number,
  ): Forward | undefined {
    const from = this[side];
    const forward = this.judge(side, from, atRtcpPort, bytes, host, port, nowMs);
    if (typeof forward !== "string") return forward;
    from.refuse(forward);
    return undefined;
  }

  /** A report of our own for the other relay, as it leaves; why it does not. */
  tell(report: Uint8Array, nowMs: number): Forward | PathRefusal {
    return this.isOpen && !this.isMoved ? this.onward("outside", report, true, nowMs) : "notReady";
  }

  figures(side: LegName): LegFigures {
    const { statistics, refused } = this[side];
    const reported = this[this.otherOf(side)].statistics.block;
    return { ...statistics.figures(reported), refused: { ...(refused as Record<string, number>) } };
  }

  private otherOf(side: LegName): LegName {
    if (side !== "inside") return "inside";
    return this.isMoved ? "trunk" : "outside";
  }

  private judge(
    side: LegName,
    from: Leg,
    atRtcpPort: boolean,
    bytes: Uint8Array,
    host: string,
    port: number,
    nowMs: number,
  ): Forward | PathRefusal | undefined {
    if (this.isOver) return "notReady";
    const latch = atRtcpPort ? from.rtcp : from.rtp;
    if (from.isTooOften(latch.expects(host, port), nowMs)) return "tooOften";
    if (bytes.length > PACKET_BYTES_MAX) return "tooLarge";
    const isReport = isRtcp(bytes);
    if (isReport ? bytes[0]! >> 6 !== 2 : atRtcpPort || payloadAt(bytes) < 0) return "notRtp";
    if (!this.isOpen) return "notReady";
    if (this.isMoved ? side === "outside" : side === "trunk") return this.isMoved ? "moved" : "notReady";
    const isSecured = side === "outside" && this.mode === "srtp";
    const isProved = isSecured || (side === "inside" && this.trustsInside);
    if (!latch.admits(host, port, nowMs, isProved)) return "stranger";
    const plain = isSecured ? opened(from, bytes, isReport, nowMs) : bytes;
    if (typeof plain === "string") return plain;
    latch.note(host, port, nowMs);
    from.unprovedSinceMs = undefined;
    if (!isReport) from.statistics.rtp(plain, nowMs);
    else if (this.isForUs(side, from, plain, nowMs)) return undefined;
    return this.onward(this.otherOf(side), plain, isReport, nowMs);
  }

  /** Counts a report. True: the other relay tells us, and no telephone, that the media are bad there. */
  private isForUs(side: LegName, from: Leg, plain: Uint8Array, nowMs: number): boolean {
    // The reports of what is passed are encrypted, and nobody's but the two ends'.
    const reports: ReadonlyArray<RtcpPacket> = this.mode === "passed" ? [] : (parseRtcp(plain) ?? []);
    from.statistics.rtcp(reports, nowMs);
    if (side !== "outside" || !isNotice(reports)) return false;
    this.notices++;
    return true;
  }

  private onward(toward: LegName, plain: Uint8Array, isReport: boolean, nowMs: number): Forward | PathRefusal {
    const to = this[toward];
    if (to.end === undefined) return "notReady";
    if (to.end.isHeld) return "held";
    const byRtcpPort = isReport && !to.isMuxed;
    const latch = byRtcpPort ? to.rtcp : to.rtp;
    const host = latch.toHost();
    if (host === undefined) return "notReady";
    if (toward !== "outside" || this.mode === "passed")
      return { toward, bytes: plain, host, port: latch.toPort(), byRtcpPort };
    if (isUnproved(to, nowMs)) return "unproved";
    const { sender } = to;
    if (sender === undefined) return "notReady";
    const bytes = isReport ? sender.rtcp(withoutNames(plain)) : sender.rtp(plain);
    return typeof bytes === "string" ? bytes : { toward, bytes, host, port: latch.toPort(), byRtcpPort };
  }
}

/** So that nobody who has a ticket can have us send media to a third party for long. */
const isUnproved = (to: Leg, nowMs: number): boolean => {
  if (to.rtp.isLatched || to.rtcp.isLatched) return false;
  to.unprovedSinceMs ??= nowMs;
  return nowMs - to.unprovedSinceMs > UNPROVED_MS_MAX;
};

const opened = (
  from: Leg,
  bytes: Uint8Array,
  isReport: boolean,
  nowMs: number,
): Uint8Array | SrtpRefusal | "notReady" => {
  const { receiver, oldReceiver } = from;
  if (receiver === undefined) return "notReady";
  const plain = isReport ? receiver.rtcp(bytes) : receiver.rtp(bytes);
  if (typeof plain !== "string" || oldReceiver === undefined || plain !== "notAuthentic") return plain;
  if (nowMs > from.oldUntilMs) {
    from.oldReceiver = undefined;
    return plain;
  }
  return isReport ? oldReceiver.rtcp(bytes) : oldReceiver.rtp(bytes);
};
