/** The story of a number for the page: what `vipr explain` prints, in parts. Whole numbers are in it: who asks has the token. */
import type { AuditReport } from "../../machines/vipr/mod.ts";
import { claimText, factText, missingText, waitingText } from "../cli/explain-text.ts";

export const storyOf = (story: AuditReport, nowMs: number) => ({
  number: story.number,
  sent: story.sent,
  received: story.received,
  isPublished: story.isPublished,
  requiredBits: story.requiredBits,
  forgotten: story.forgotten,
  missing: missingText(story, nowMs),
  waiting: story.waiting.map((call) => waitingText(call, nowMs)),
  facts: story.facts.map((fact) => ({ atMs: fact.atMs, type: fact.type, text: factText(fact).trim() })),
  claims: story.claims.map((claim) => ({
    bits: claim.bits,
    missingBits: claim.missingBits,
    lines: claimText(claim, story.requiredBits)
      .map((line) => line.trim())
      .filter((line) => line !== ""),
  })),
});
