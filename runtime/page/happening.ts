/** What a ViPR server reports, for its page: the sentences of `vipr explain`, numbers masked, as anyone on this machine may read them. */
import type { Happenings } from "../../actors/admin/mod.ts";
import type { ViprEvent } from "../../actors/vipr/mod.ts";
import { maskE164 } from "../../codecs/shared/mod.ts";
import { plainOf } from "../../codecs/vipr/mod.ts";
import { auditEventOf } from "../../machines/vipr/mod.ts";
import { factText } from "../cli/explain-text.ts";

export const happened = (happenings: Happenings, event: ViprEvent, atMs: number): void =>
  happenings.record(atMs, event.type, () => ({
    ...ofProof(event),
    number: maskE164(event.number),
    text: factText(plainOf(auditEventOf(event, atMs))).trim(),
  }));

const ofProof = (event: ViprEvent) => {
  if (event.type === "proved") return { bits: event.bits, required: event.required };
  if (event.type !== "attempted") return {};
  const { method, verdict, bits } = event.attempt;
  return { method, verdict, bits };
};
