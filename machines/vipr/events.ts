/**
 * What a ViPR server tells whoever watches it: counters for operators, a story for `explain`, rows for a demonstration.
 * Numbers are whole here, since the watcher is the operator's own program; what is logged masks them.
 */
import { type CallTimes, type E164, type NtpMs, ntpMsOf } from "../../codecs/shared/mod.ts";
import type { ClaimVerdict, PvpClaim } from "../validation/mod.ts";

/** Names a call among those of its number, in the audit log and in reports. */
export interface CallName {
  readonly startMs: NtpMs;
  readonly stopMs: NtpMs;
}
export const callNameOf = ({ startMs, stopMs }: CallTimes): CallName => ({
  startMs: ntpMsOf(startMs),
  stopMs: ntpMsOf(stopMs),
});

export type ViprEvent =
  | { readonly type: "published"; readonly number: E164 }
  | { readonly type: "publishFailed"; readonly number: E164; readonly why: string }
  | {
      readonly type: "vcr";
      readonly direction: "sent" | "received";
      readonly number: E164;
      readonly call: CallName;
      /** Whether a caller id is known. */
      readonly hasCaller: boolean;
      /** Of a sent one: when it will be validated, and what that will be worth at most. */
      readonly dueMs?: number;
      readonly worthBits?: number;
    }
  /** A sent one that was due while the server was away: it waits anew. */
  | {
      readonly type: "waits";
      readonly number: E164;
      readonly call: CallName;
      readonly dueMs: number;
      readonly worthBits: number;
    }
  /** A sent one whose VService was no longer published when it was due: it is not validated. */
  | { readonly type: "dropped"; readonly number: E164; readonly call: CallName }
  /** A sent one that overlaps one that was put to the proof, or lies close by it: it is not validated. */
  | { readonly type: "repeated"; readonly number: E164; readonly call: CallName }
  /** A sent one that found too many of its line waiting: it is not validated. */
  | { readonly type: "crowded"; readonly number: E164; readonly call: CallName }
  | {
      readonly type: "lookedUp";
      readonly number: E164;
      readonly call: CallName;
      readonly claims: number;
      readonly claimants: ReadonlyArray<PvpClaim>;
    }
  | { readonly type: "lookUpFailed"; readonly number: E164; readonly call: CallName; readonly why: string }
  | {
      readonly type: "attempted";
      readonly number: E164;
      /** The VService of ours whose agents made the call. */
      readonly by: bigint;
      readonly call: CallName;
      readonly attempt: ClaimVerdict;
      /** Handshakes that a claimant gets for one call: a guess each. */
      readonly tries: number;
    }
  | {
      readonly type: "proved";
      readonly number: E164;
      readonly by: bigint;
      readonly claim: PvpClaim;
      /** The sum of so many calls. */
      readonly bits: number;
      readonly calls: number;
      readonly required: number;
    }
  | { readonly type: "learned"; readonly number: E164; readonly domain: string; readonly told: number }
  | { readonly type: "unwelcome"; readonly number: E164; readonly domain: string }
  | { readonly type: "granted"; readonly number: E164; readonly domain: string }
  | { readonly type: "declined"; readonly number: E164; readonly domain: string; readonly code: number }
  /** Somebody tried a call that we received, and failed; `attempts` have, by that way of naming it. */
  | { readonly type: "charged"; readonly number: E164; readonly call: CallName; readonly attempts: number };
