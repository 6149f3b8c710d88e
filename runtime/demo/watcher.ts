/** What the companies' servers report: counted for the table, and passed on as plain values. */
import { Effect } from "effect";
import type { ViprEvent } from "../../actors/vipr/mod.ts";
import { type E164, nodeIdText } from "../../codecs/shared/mod.ts";
import { THIEF } from "./adversaries.ts";
import type { StoryStep } from "./story-steps.ts";
import { countEvent, countIntrusion, type Intrusions, type Tally } from "./tally.ts";

/** Receives what happens. Numbers arrive whole: masking them is the listener's task. */
export interface DemoListener {
  /** `page`: the address of the page, when it is there. */
  readonly phase: (name: string, detail: string, page?: string) => Effect.Effect<void>;
  /** Of the call and the theft that are followed; numbers in it are masked. */
  readonly step: (step: StoryStep) => Effect.Effect<void>;
  readonly event: (domain: string, event: Readonly<Record<string, unknown>>) => Effect.Effect<void>;
}

interface Watched {
  readonly tallies: ReadonlyMap<string, Tally>;
  readonly intrusions: Intrusions;
  readonly thieves: ReadonlySet<bigint>;
  readonly domainOf: (number: E164) => string | undefined;
}

/** Counts what a company's server reports, and which attempts of the thief were refused. */
export const watcherOf =
  ({ tallies, intrusions, thieves, domainOf }: Watched, listener: DemoListener) =>
  (domain: string) =>
  (event: ViprEvent) =>
    Effect.suspend(() => {
      const tally = tallies.get(domain);
      if (tally !== undefined) countEvent(tally, event);
      if (event.type === "attempted") {
        const { nodeId, verdict } = event.attempt;
        const isRefused = verdict === "refused" || verdict === "declined";
        const hasOutcome = isRefused || verdict === "validated";
        if (hasOutcome && domain === THIEF)
          countIntrusion(intrusions, "guessedCall", domainOf(event.number), isRefused ? verdict : undefined);
        else if (hasOutcome && thieves.has(nodeId))
          countIntrusion(intrusions, "stolenNumber", domain, isRefused ? verdict : undefined);
      }
      return listener.event(domain, plainOf(event));
    });

/** Identifiers as text: a JSON line has no integers of 128 bits. Only the fields that the demonstration's output has. */
const plainOf = (event: ViprEvent): Readonly<Record<string, unknown>> => {
  const { type, number } = event;
  switch (event.type) {
    case "attempted": {
      const { nodeId, verdict, method, bits } = event.attempt;
      return { type, number, nodeId: nodeIdText(nodeId), verdict, method, bits: Math.round(bits * 10) / 10 };
    }
    case "vcr":
      return { type, direction: event.direction, number, ...(event.dueMs === undefined ? {} : { dueMs: event.dueMs }) };
    case "lookedUp":
      return { type, number, claims: event.claims };
    case "proved":
      return { type, number, bits: event.bits, required: event.required };
    case "lookUpFailed":
      return { type, number, why: event.why };
    case "charged":
      return { type, number, attempts: event.attempts };
    default:
      return { ...event };
  }
};
