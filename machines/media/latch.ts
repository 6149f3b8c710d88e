/**
 * From where an end sends, and where its media goes: what SDP names until a packet has come, then where that came from
 * (symmetric RTP, RFC 4961). docs/protocol/media.md#whose-packets-are-taken
 *
 *   SDP's address --- first good packet ---> its source --- others: strangers
 *                                               |
 *                       nothing for RELATCH_MS, and a good packet from elsewhere: there
 *
 * "Good" is authentic, where there are keys. Where there are none, only the host that SDP names is taken, with any port.
 */
import { ipTextOf } from "../../codecs/shared/mod.ts";
import type { MediaAddress } from "../../codecs/sip/mod.ts";

/** Longer than any gap between packets of one who talks; RTCP comes every five seconds. */
export const RELATCH_MS = 6_000;
const NEVER = Number.NEGATIVE_INFINITY;

export class Latch {
  /** As SDP has it, with the one text of its address. */
  private named: MediaAddress | undefined;
  private host = "";
  private port = 0;
  private lastMs = NEVER;

  /** `named`: where SDP wants it. Of a new description; the same place again changes nothing. */
  name(named: MediaAddress): void {
    if (this.named?.host === named.host && this.named.port === named.port) return;
    this.named = named;
    this.forget();
  }

  /** The next good packet tells anew. */
  forget(): void {
    this.host = "";
    this.lastMs = NEVER;
  }

  get isLatched(): boolean {
    return this.lastMs !== NEVER;
  }

  /** False: a stranger's. `isProved`: who has the keys will be known before the packet is taken. */
  admits(host: string, port: number, nowMs: number, isProved: boolean): boolean {
    if (host === this.host && port === this.port) return true;
    if (this.named === undefined || nowMs - this.lastMs < RELATCH_MS) return false;
    return isProved || ipTextOf(host) === this.named.host;
  }

  /** The source that is known, or the one that SDP names. */
  expects(host: string, port: number): boolean {
    if (this.isLatched) return host === this.host && port === this.port;
    return port === this.named?.port && ipTextOf(host) === this.named.host;
  }

  /** A packet from there was good. */
  note(host: string, port: number, nowMs: number): void {
    this.host = host;
    this.port = port;
    this.lastMs = nowMs;
  }

  /** Where to send; undefined before SDP has come. */
  toHost(): string | undefined {
    return this.lastMs === NEVER ? this.named?.host : this.host;
  }
  toPort(): number {
    return this.lastMs === NEVER ? (this.named?.port ?? 0) : this.port;
  }
}
