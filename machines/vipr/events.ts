/**
 * What a ViPR server reports to its watcher: counters for operators, the audit log, the rows of the demonstration. Numbers
 * are not masked here, since the watcher is the operator's own program; the log masks them.
 */
import { type CallTimes, type E164, type NtpMs, ntpMsOf, type VServiceId } from "../../codecs/shared/mod.ts";
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

/**
 * What a ViPR server does with one number, as it happens: for the audit log, the page and `watch`. Times in milliseconds
 * since 1970, worth in bits.
 */
export type ViprEvent =
  | { readonly type: "published"; readonly number: E164 }
  | { readonly type: "publishFailed"; readonly number: E164; readonly why: string }
  | {
      readonly type: "vcr";
      readonly direction: "sent" | "received";
      readonly number: E164;
      readonly call: CallName;
      /** Whether the record has a calling number. */
      readonly hasCaller: boolean;
      /** Of a sent call: when it will be validated, and what that will be worth at most. */
      readonly dueMs?: number;
      readonly worthBits?: number;
    }
  /** A sent call that was due while the server was down: it waits again. */
  | {
      readonly type: "waits";
      readonly number: E164;
      readonly call: CallName;
      readonly dueMs: number;
      readonly worthBits: number;
    }
  /** A sent call whose VService was no longer published when it was due: it is not validated. */
  | { readonly type: "dropped"; readonly number: E164; readonly call: CallName }
  /** A sent call that claimants were asked about before, by another record of it: it is not validated. */
  | { readonly type: "repeated"; readonly number: E164; readonly call: CallName }
  /** A sent call that no user name tells from others of ours: it is not validated. */
  | { readonly type: "ambiguous"; readonly number: E164; readonly call: CallName }
  /** A sent call whose queue was full: it is not validated. */
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
      readonly by: VServiceId;
      readonly call: CallName;
      readonly attempt: ClaimVerdict;
      /** Handshakes that a claimant may try for one call: one guess each. */
      readonly tries: number;
    }
  | {
      readonly type: "proved";
      readonly number: E164;
      readonly by: VServiceId;
      readonly claim: PvpClaim;
      /** How many calls the sum has. */
      readonly bits: number;
      readonly calls: number;
      readonly required: number;
    }
  | { readonly type: "learned"; readonly number: E164; readonly domain: string; readonly told: number }
  | { readonly type: "unwelcome"; readonly number: E164; readonly domain: string }
  | { readonly type: "granted"; readonly number: E164; readonly domain: string }
  | { readonly type: "declined"; readonly number: E164; readonly domain: string; readonly code: number }
  /** An originator failed to validate a call that we received; `attempts`: how many have, with that method of naming it. */
  | { readonly type: "charged"; readonly number: E164; readonly call: CallName; readonly attempts: number };
