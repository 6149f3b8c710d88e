/**
 * The calls over SIP that are up, and which of them a call from the telephone network continues: one whose media are bad, to
 * the same number, from a caller whose last digits are the same. docs/protocol/media.md#fallback. DECISIONS.md D-172.
 */
import type { SipRequest } from "../../codecs/sip/mod.ts";

/** Those beyond are carried as all others, and are not moved. */
const KNOWN_MAX = 20_000;
/** So long after the media were bad, or the other side said so, a call is waited for; while nothing comes, longer. */
export const EXPECTED_MS = 60_000;
/** Longer than RTCP leaves between two reports, 7.5 s: who says nothing may send nothing else. RFC 3550 §6.3.1. */
export const SILENT_MS = 10_000;

export interface CallNumbers {
  /** Digits, in whatever form the other side writes them; none: withheld. */
  readonly calling: string;
  /** One text for one number; undefined: none. */
  readonly called: string | undefined;
}

export interface KnownCall extends CallNumbers {
  readonly key: string;
  readonly role: "caller" | "callee";
  readonly invite: SipRequest;
  /** When its media were bad, here or as the other side says: first and last; undefined: never. */
  badSinceMs: number | undefined;
  badAtMs: number;
  /** It was tried, or is being tried. */
  isTried: boolean;
}

/** A call as the relay names it, and for how long nothing has come for it. */
export interface Silence {
  readonly media: string;
  readonly ms: number;
}

export class KnownCalls {
  private readonly calls = new Map<string, KnownCall>();
  /** Those that came to us, by the number that was called. */
  private readonly toNumber = new Map<string, Set<KnownCall>>();

  get size(): number {
    return this.calls.size;
  }

  add(added: Pick<KnownCall, "key" | "role" | "invite" | "calling" | "called">) {
    const [oldest] = this.calls.keys();
    if (this.calls.size >= KNOWN_MAX) this.remove(oldest!);
    const call: KnownCall = { ...added, badSinceMs: undefined, badAtMs: 0, isTried: false };
    this.calls.set(call.key, call);
    if (call.role === "caller" || call.called === undefined) return;
    const others = this.toNumber.get(call.called);
    if (others === undefined) this.toNumber.set(call.called, new Set([call]));
    else others.add(call);
  }

  of(key: string): KnownCall | undefined {
    return this.calls.get(key);
  }

  remove(key: string) {
    const call = this.calls.get(key);
    this.calls.delete(key);
    const others = call?.called === undefined ? undefined : this.toNumber.get(call.called);
    others?.delete(call!);
    if (others?.size === 0) this.toNumber.delete(call!.called!);
  }

  /**
   * Of several that fit the one that has been bad for longest. One whose media have stopped is bad before its hold-down has
   * said so: the other side's may be shorter, and neither hears the other.
   */
  continuedBy(
    { calling, called }: CallNumbers,
    digits: number,
    nowMs: number,
    silence: (call: KnownCall) => Silence | undefined,
  ): { readonly call: KnownCall; readonly media: string } | undefined {
    let found: { readonly call: KnownCall; readonly media: string; readonly sinceMs: number } | undefined;
    for (const call of this.toNumber.get(called ?? "") ?? []) {
      if (call.isTried || !isSameCaller(call.calling, calling, digits)) continue;
      const silent = silence(call);
      const isBad = call.badSinceMs !== undefined && nowMs - call.badAtMs <= EXPECTED_MS;
      if (silent === undefined || (!isBad && silent.ms < SILENT_MS)) continue;
      const sinceMs = call.badSinceMs ?? nowMs - silent.ms;
      if (found === undefined || sinceMs < found.sinceMs) found = { call, media: silent.media, sinceMs };
    }
    return found;
  }
}

/** By their last digits: each network writes prefixes of its own. A caller who is withheld is nobody. */
export const isSameCaller = (one: string, other: string, digits: number): boolean =>
  one.length >= digits && other.length >= digits && one.slice(-digits) === other.slice(-digits);
