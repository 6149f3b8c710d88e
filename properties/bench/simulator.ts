/**
 * Whole federations on virtual time: how many hours are simulated in a minute of processor time, of three companies with all
 * their roles, at rest and with a hundred calls an hour. Nobody else simulates one, so there is no peer: what counts is the row
 * of the day before. Building a federation up costs half a second and is in each round: one at rest is played for longer.
 */
import type { Plan, PlannedCall } from "../../runtime/federation/plan.ts";
import { runPlan } from "../../runtime/federation/run.ts";
import { type Contest, cpuMs, PeerMissing } from "./kit.ts";

const BUSY_MINUTES = 60;
const REST_MINUTES = 300;
const COMPANIES = 3;
const LINES = 4;
const CALLS_AN_HOUR = 100;
const TALK_MS = 60_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const nameOf = (company: number): string => `c${company + 1}.example`;
const numberOf = (company: number, line: number): string => `+8881${company + 1}00${100 + line}`;

/** Each company calls the next one's lines in turn, evenly over the time: after a few calls there are routes. */
const callsAt = (anHour: number): ReadonlyArray<PlannedCall> =>
  Array.from({ length: Math.floor((BUSY_MINUTES * anHour) / 60) }, (_, i) => {
    const [from, line] = [i % COMPANIES, Math.floor(i / COMPANIES) % LINES];
    const called = numberOf((from + 1) % COMPANIES, line);
    const atMs = (i * HOUR_MS) / anHour;
    return { atMs, from: nameOf(from), calling: numberOf(from, line), called, talkMs: TALK_MS };
  });

const planWith = (minutes: number, calls: ReadonlyArray<PlannedCall>): Plan => ({
  seed: 1,
  minutes,
  delayMs: [5, 40],
  lossPercent: 0,
  waitMs: [5_000, 15_000],
  requiredBits: 4,
  companies: Array.from({ length: COMPANIES }, (_, company) => ({
    name: nameOf(company),
    numbers: Array.from({ length: LINES }, (_, line) => numberOf(company, line)),
    nodes: 1,
    skewMs: 0,
    diskMs: 0,
  })),
  adversaries: [],
  calls,
  faults: [],
});

const hoursOf = (plan: Plan) => async (): Promise<number> => {
  const from = cpuMs();
  const { simulatedMs, violation, calls } = await runPlan(plan);
  if (violation !== undefined || calls !== plan.calls.length) throw new Error(violation?.why ?? `${calls} calls`);
  return simulatedMs / HOUR_MS / ((cpuMs() - from) / MINUTE_MS);
};

const common = {
  unit: "h/min",
  peerName: "none",
  peer: () => {
    throw new PeerMissing("nobody else simulates a federation");
  },
  rounds: 3,
};
export const contests: ReadonlyArray<Contest> = [
  {
    ...common,
    name: "simulator: hours a CPU-minute, three companies at rest",
    ours: hoursOf(planWith(REST_MINUTES, [])),
  },
  {
    ...common,
    name: `simulator: hours a CPU-minute, three companies, ${CALLS_AN_HOUR} calls an hour`,
    ours: hoursOf(planWith(BUSY_MINUTES, callsAt(CALLS_AN_HOUR))),
  },
];
