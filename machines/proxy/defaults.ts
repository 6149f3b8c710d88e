/**
 * Times and limits of a proxy, where its options say nothing.
 * Requirements: RFC 3261 §16.6, §16.7, §17.1.1.2.
 */
import type { CoreLimits, CoreTiming } from "./types.ts";

export const CORE_TIMING: CoreTiming = { t1Ms: 500, attemptMs: 2_000, silenceMs: 5_000, ringMs: 185_000 };
export const CORE_LIMITS: CoreLimits = {
  transactionsMax: 400_000,
  callsMax: 100_000,
  bytesMax: 256 * 1_048_576,
  sameCallMax: 512,
};
