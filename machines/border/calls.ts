/**
 * The calls under way, and what each domain may have of them. Nothing that passes depends on it: a call of before a restart
 * goes on, and is not counted.
 *
 *   opened --> answered by one, or by several (forks) --> BYE of the last of them: over
 *     +------> failed: over
 */
import { CALL_MS_MAX } from "../proxy/mod.ts";
import type { BorderLimits, RefusalReason } from "./types.ts";

interface Call {
  readonly domain: string;
  readonly sinceMs: number;
  /** Tags of those who answered. */
  readonly tags: Array<string>;
}

interface DomainShare {
  calls: number;
  /** Calls that may begin at once. */
  allowance: number;
  atMs: number;
}

export class CallsUnderWay {
  private readonly calls = new Map<string, Call>();
  private readonly domains = new Map<string, DomainShare>();
  private readonly limits: BorderLimits;

  constructor(limits: BorderLimits) {
    this.limits = limits;
  }

  get size(): number {
    return this.calls.size;
  }

  ofDomain(domain: string): number {
    return this.domains.get(domain)?.calls ?? 0;
  }

  /** Why there is no room for another call of this domain. `isFromOutside`: it counts by the second, too. */
  refusal(domain: string, isFromOutside: boolean, nowMs: number): RefusalReason | undefined {
    if (this.calls.size >= this.limits.calls) return "full";
    const share = this.domains.get(domain);
    if (share === undefined) return undefined;
    if (share.calls >= this.limits.callsOfDomain) return "tooManyCalls";
    if (!isFromOutside) return undefined;
    this.refill(share, nowMs);
    return share.allowance < 1 ? "callRate" : undefined;
  }

  opened(call: string, domain: string, isFromOutside: boolean, nowMs: number): void {
    const share = this.shareOf(domain, nowMs);
    share.calls += 1;
    if (isFromOutside) {
      this.refill(share, nowMs);
      share.allowance -= 1;
    }
    this.calls.set(call, { domain, sinceMs: nowMs, tags: [] });
  }

  answered(call: string, tag: string): void {
    const found = this.calls.get(call);
    if (found !== undefined && found.tags.length < FORKS_MAX && !found.tags.includes(tag)) found.tags.push(tag);
  }

  /** True: the call is over. */
  failed(call: string): boolean {
    const found = this.calls.get(call);
    return found !== undefined && found.tags.length === 0 && this.remove(call, found);
  }

  /** A BYE was taken, between whose ends is one of these tags. True: the call is over, or we do not know it. */
  hungUp(call: string, tags: ReadonlyArray<string | undefined>): boolean {
    const found = this.calls.get(call);
    if (found === undefined) return true;
    const at = found.tags.findIndex((tag) => tags.includes(tag));
    if (at >= 0) found.tags.splice(at, 1);
    return found.tags.length === 0 && this.remove(call, found);
  }

  /** Forgets calls that cannot be up any more; and domains of which there are none. */
  expire(nowMs: number): ReadonlyArray<string> {
    const old = [...this.calls].filter(([, { sinceMs }]) => nowMs - sinceMs > CALL_MS_MAX);
    for (const [call, found] of old) this.remove(call, found);
    for (const [domain, share] of this.domains)
      if (share.calls === 0 && nowMs - share.atMs > DOMAIN_REST_MS) this.domains.delete(domain);
    return old.map(([call]) => call);
  }

  private remove(call: string, { domain }: Call): true {
    this.calls.delete(call);
    const share = this.domains.get(domain);
    if (share !== undefined) share.calls -= 1;
    return true;
  }

  private shareOf(domain: string, nowMs: number): DomainShare {
    const known = this.domains.get(domain);
    if (known !== undefined) return known;
    const share = { calls: 0, allowance: this.burst, atMs: nowMs };
    // Only domains with a good ticket, or to which we call, come here; those at rest go first.
    if (this.domains.size >= DOMAINS_MAX)
      for (const [name, { calls }] of this.domains)
        if (calls === 0) {
          this.domains.delete(name);
          break;
        }
    this.domains.set(domain, share);
    return share;
  }

  private get burst(): number {
    return this.limits.callsPerSecond * BURST_SECONDS;
  }
  private refill(share: DomainShare, nowMs: number): void {
    const more = ((nowMs - share.atMs) / 1_000) * this.limits.callsPerSecond;
    share.allowance = Math.min(this.burst, share.allowance + more);
    share.atMs = nowMs;
  }
}
/** What a domain has not called in this time it may call at once. */
const BURST_SECONDS = 5;
const DOMAIN_REST_MS = 60_000;
const DOMAINS_MAX = 65_536;
/** 2xx of one call under different tags; those beyond pass and are not counted. */
const FORKS_MAX = 16;
