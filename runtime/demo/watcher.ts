/** What the companies' servers tell of themselves: counted for the table, and told on as plain values. */
import { Effect } from "effect";
import type { ViprEvent } from "../../actors/vipr/mod.ts";
import { type E164, nodeIdText } from "../../codecs/shared/mod.ts";
import { THIEF } from "./adversaries.ts";
import type { RunningCompany } from "./company.ts";
import { countEvent, countIntrusion, type Intrusions, type Tally } from "./tally.ts";

/** Hears what happens; numbers arrive whole and are the listener's to mask. */
export interface DemoTold {
  readonly phase: (name: string, detail: string) => Effect.Effect<void>;
  readonly event: (domain: string, event: Readonly<Record<string, unknown>>) => Effect.Effect<void>;
}

interface Watched {
  readonly tallies: ReadonlyMap<string, Tally>;
  readonly intrusions: Intrusions;
  readonly thieves: ReadonlySet<bigint>;
  readonly ownerOf: (number: E164) => RunningCompany | undefined;
}

/** Counts what a company's server tells, and above all who was refused. */
export const watcherOf =
  ({ tallies, intrusions, thieves, ownerOf }: Watched, told: DemoTold) =>
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
          countIntrusion(intrusions, "guessedCall", ownerOf(event.number)?.domain, isRefused ? verdict : undefined);
        else if (hasOutcome && thieves.has(nodeId))
          countIntrusion(intrusions, "stolenNumber", domain, isRefused ? verdict : undefined);
      }
      return told.event(domain, plainOf(event));
    });

/** Identifiers as text: a JSON line has no integers of 128 bits. Of each event what a watcher of the demonstration needs. */
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
