/** What the demonstration counts, per company and for the intruders. */

import type { ViprEvent } from "../../actors/vipr/mod.ts";
import type { CallOutcome } from "../../machines/sip/mod.ts";

export interface Tally {
  published: number;
  vcrs: number;
  lookups: number;
  claims: number;
  validated: number;
  refused: number;
  /** Not reached, or broken off: neither a proof nor a refusal. */
  unreached: number;
  sipCalls: number;
  pstnFallbacks: number;
  /** Of these: the number is of no company here, */
  pstnForeign: number;
  /** there was no route yet, */
  pstnNoRoute: number;
  /** or the attempt over SIP failed before it was answered. */
  pstnFailedOver: number;
  failedCalls: number;
}

export const noTally = (): Tally => ({
  published: 0,
  vcrs: 0,
  lookups: 0,
  claims: 0,
  validated: 0,
  refused: 0,
  unreached: 0,
  sipCalls: 0,
  pstnFallbacks: 0,
  pstnForeign: 0,
  pstnNoRoute: 0,
  pstnFailedOver: 0,
  failedCalls: 0,
});

/** A ViPR server's event, counted. */
export const countEvent = (tally: Tally, event: ViprEvent): void => {
  switch (event.type) {
    case "published":
      tally.published += 1;
      return;
    case "vcr":
      tally.vcrs += 1;
      return;
    case "lookedUp":
      tally.lookups += 1;
      tally.claims += event.claims;
      return;
    case "attempted":
      if (event.attempt.verdict === "validated") tally.validated += 1;
      else if (event.attempt.verdict === "refused" || event.attempt.verdict === "declined") tally.refused += 1;
      else tally.unreached += 1;
      return;
  }
};

/** A call placed when routes could be known. `isForeign`: to a number of no company here. */
export const countCall = (tally: Tally, outcome: CallOutcome, isForeign: boolean): void => {
  if (outcome.via === "sip") tally.sipCalls += 1;
  else if (outcome.via === "failed") tally.failedCalls += 1;
  else {
    tally.pstnFallbacks += 1;
    if (outcome.fellBack !== undefined) tally.pstnFailedOver += 1;
    else if (isForeign) tally.pstnForeign += 1;
    else tally.pstnNoRoute += 1;
  }
};

export const sumOf = (tallies: ReadonlyArray<Tally>): Tally => {
  const sum = noTally();
  for (const tally of tallies) for (const key of Object.keys(sum) as Array<keyof Tally>) sum[key] += tally[key];
  return sum;
};

export const INTRUSIONS = [
  "stolenNumber",
  "overwrittenClaim",
  "guessedCall",
  "noTicket",
  "forgedTicket",
  "foreignTicket",
  "wrongNumber",
  "garbage",
] as const;
export type Intrusion = (typeof INTRUSIONS)[number];

/** Tried and turned away, by kind, with the reasons that were given; and what got through. */
export interface Intrusions {
  readonly refused: Record<Intrusion, number>;
  readonly reasons: Record<Intrusion, Set<string>>;
  /** By the domain they were aimed at. */
  readonly byDomain: Map<string, number>;
  admitted: number;
}

export const noIntrusions = (): Intrusions => ({
  refused: Object.fromEntries(INTRUSIONS.map((kind) => [kind, 0])) as Record<Intrusion, number>,
  reasons: Object.fromEntries(INTRUSIONS.map((kind) => [kind, new Set<string>()])) as Record<Intrusion, Set<string>>,
  byDomain: new Map(),
  admitted: 0,
});

/** `refusedFor`: the reason given; undefined when it got through. */
export const countIntrusion = (
  intrusions: Intrusions,
  kind: Intrusion,
  at: string | undefined,
  refusedFor: string | undefined,
): void => {
  if (refusedFor === undefined) {
    intrusions.admitted += 1;
    return;
  }
  intrusions.refused[kind] += 1;
  intrusions.reasons[kind].add(refusedFor);
  if (at !== undefined) intrusions.byDomain.set(at, (intrusions.byDomain.get(at) ?? 0) + 1);
};
