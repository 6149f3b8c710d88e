/** Plans by hand: two companies, few calls, no fault but the one that a test is about. */
import type { Plan, PlannedCall } from "../../runtime/federation/plan.ts";

export const [ANNA, BORIS] = ["+88811001", "+88812001"] as const;

export const plan: Plan = {
  seed: 5,
  minutes: 2,
  delayMs: [1, 5],
  lossPercent: 0,
  waitMs: [5_000, 6_000],
  requiredBits: 1,
  companies: [
    { name: "c1.example", numbers: [ANNA], nodes: 1, skewMs: 100, diskMs: 0 },
    { name: "c2.example", numbers: [BORIS], nodes: 1, skewMs: -100, diskMs: 0 },
  ],
  adversaries: [],
  calls: [],
  faults: [],
};

/** From the first company to the second. */
export const callAt = (atMs: number, talkMs: number): PlannedCall => ({
  atMs,
  from: "c1.example",
  calling: ANNA,
  called: BORIS,
  talkMs,
});
export const twoCalls: ReadonlyArray<PlannedCall> = [callAt(1_000, 17_000), callAt(40_000, 31_000)];
