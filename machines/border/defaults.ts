/** Timers and limits of a border element, where its host says nothing else. RFC 3261 §17; DECISIONS.md D-120. */
import { CORE_TIMING, type CoreTiming } from "../proxy/mod.ts";
import type { BorderLimits } from "./types.ts";

export const BORDER_TIMING: CoreTiming = CORE_TIMING;
export const BORDER_LIMITS: BorderLimits = {
  callsOfDomain: 1_000,
  callsPerSecond: 50,
  calls: 20_000,
  bodyBytes: 32_768,
  transactions: 200_000,
  bytes: 256 * 1_048_576,
};
