/**
 * What a ViPR server tells whoever watches it: counters for operators, a story for `explain`, rows for a demonstration.
 * Numbers are whole here, since the watcher is the operator's own program; what is logged masks them.
 */
import type { E164 } from "../../codecs/shared/mod.ts";
import type { ClaimVerdict } from "../../machines/validation/mod.ts";

export type ViprEvent =
  | { readonly type: "published"; readonly number: E164 }
  | { readonly type: "publishFailed"; readonly number: E164; readonly why: string }
  | { readonly type: "vcr"; readonly direction: "sent" | "received"; readonly number: E164; readonly dueMs?: number }
  | { readonly type: "lookedUp"; readonly number: E164; readonly claims: number }
  | { readonly type: "lookUpFailed"; readonly number: E164; readonly why: string }
  | { readonly type: "attempted"; readonly number: E164; readonly attempt: ClaimVerdict }
  | { readonly type: "proved"; readonly number: E164; readonly bits: number; readonly required: number }
  | { readonly type: "learned"; readonly number: E164; readonly domain: string; readonly told: number }
  | { readonly type: "unwelcome"; readonly number: E164; readonly domain: string }
  | { readonly type: "granted"; readonly number: E164; readonly domain: string }
  | { readonly type: "declined"; readonly number: E164; readonly domain: string; readonly code: number };
