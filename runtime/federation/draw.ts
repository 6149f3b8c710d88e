/**
 * A plan drawn from a seed: who is there, who calls whom and when, what breaks, who means harm. The same seed and minutes
 * give the same plan.
 */
import { type Chance, chanceOf } from "../memory/chance.ts";
import {
  ADVERSARIES,
  type Plan,
  type PlannedAdversary,
  type PlannedCall,
  type PlannedCompany,
  type PlannedFault,
} from "./plan.ts";

const COMPANIES = [2, 4] as const;
const LINES = [2, 6] as const;
const MINUTE_MS = 60_000;
/** Of a company, in an hour that is not busy; a busy hour has three times as many. */
const CALLS_AN_HOUR = [20, 120] as const;
const CALLS_MAX = 10_000;
const TALK_MS = [5_000, 90_000] as const;
const WITHHELD_PERCENT = 10;
/** Half of all calls go to whom the company has called before, a quarter of the others to a main number. */
const AGAIN_PERCENT = 60;
const MAIN_PERCENT = 25;
/** 12 is what servers want; with less there are routes after a few calls. */
const REQUIRED_BITS = [2, 4, 8, 12];
const SKEW_MS_MAX = 900;
const STORES_PER_SECOND = [100, 400] as const;
/** On average one fault in so many minutes. */
const FAULT_EVERY_MINUTES = 4;
const FAULTS_MAX = 200;

export const planOf = (seed: number, minutes: number): Plan => {
  const chance = chanceOf(seed);
  const companies = Array.from({ length: chance.between(...COMPANIES) }, (_, i) => companyOf(chance, i));
  const delayMin = chance.between(1, 40);
  return {
    seed,
    minutes,
    delayMs: [delayMin, delayMin + chance.between(0, 80)],
    lossPercent: happens(chance, 50) ? 0 : chance.between(1, 3),
    waitMs: [5_000, 5_000 + 1_000 * chance.between(0, 25)],
    requiredBits: oneOf(chance, REQUIRED_BITS),
    companies,
    calls: callsOf(chance, companies, minutes),
    faults: faultsOf(chance, companies, minutes),
    adversaries: adversariesOf(chance, companies, minutes),
  };
};

const happens = (chance: Chance, percent: number) => chance.between(0, 99) < percent;
const oneOf = <A>(chance: Chance, from: ReadonlyArray<A>): A => from[chance.between(0, from.length - 1)]!;

/** +888 is a country code of the United Nations that nobody has any more: these numbers ring nowhere. */
const companyOf = (chance: Chance, i: number): PlannedCompany => ({
  name: `c${i + 1}.example`,
  numbers: Array.from({ length: chance.between(...LINES) }, (_, line) => `+8881${i + 1}00${100 + line}`),
  nodes: happens(chance, 70) ? 1 : 2,
  skewMs: chance.between(-SKEW_MS_MAX, SKEW_MS_MAX),
  diskMs: happens(chance, 70) ? 0 : chance.between(1, 30),
});

const callsOf = (chance: Chance, companies: ReadonlyArray<PlannedCompany>, minutes: number): Plan["calls"] => {
  const calls: Array<PlannedCall> = [];
  const endMs = minutes * MINUTE_MS;
  for (const company of companies) {
    const perHour = chance.between(...CALLS_AN_HOUR);
    const busyFromMs = chance.between(0, endMs);
    const called: Array<string> = [];
    const others = companies.filter(({ name }) => name !== company.name);
    // Poisson: the time to the next call has no memory.
    for (let atMs = 0; calls.length < CALLS_MAX; ) {
      const isBusy = atMs >= busyFromMs && atMs < busyFromMs + endMs / 4;
      const rate = (perHour * (isBusy ? 3 : 1)) / (60 * MINUTE_MS);
      atMs += Math.ceil(-Math.log(1 - chance.next()) / rate);
      if (atMs >= endMs) break;
      const to = oneOf(chance, others);
      const number =
        called.length > 0 && happens(chance, AGAIN_PERCENT)
          ? oneOf(chance, called)
          : happens(chance, MAIN_PERCENT)
            ? to.numbers[0]!
            : oneOf(chance, to.numbers);
      called.push(number);
      const calling = happens(chance, WITHHELD_PERCENT) ? {} : { calling: oneOf(chance, company.numbers) };
      calls.push({ atMs, from: company.name, ...calling, called: number, talkMs: chance.between(...TALK_MS) });
    }
  }
  return calls.sort((a, b) => a.atMs - b.atMs);
};

const faultsOf = (chance: Chance, companies: ReadonlyArray<PlannedCompany>, minutes: number): Plan["faults"] => {
  const count = Math.min(FAULTS_MAX, chance.between(0, Math.ceil((2 * minutes) / FAULT_EVERY_MINUTES)));
  const names = companies.map(({ name }) => name);
  return Array.from({ length: count }, () => faultOf(chance, names, minutes)).sort((a, b) => a.atMs - b.atMs);
};

const faultOf = (chance: Chance, names: ReadonlyArray<string>, minutes: number): PlannedFault => {
  const company = oneOf(chance, names);
  const timed = { atMs: chance.between(0, minutes * MINUTE_MS), forMs: chance.between(2_000, 90_000) };
  const kinds: ReadonlyArray<() => PlannedFault> = [
    () => ({ ...timed, type: "partition", apart: [company], isSilent: happens(chance, 50) }),
    () => ({
      ...timed,
      type: "badLink",
      company,
      lossPercent: chance.between(2, 20),
      delayMs: chance.between(0, 800),
    }),
    () => ({ ...timed, type: "crash", company, losesDisk: happens(chance, 25) }),
    () => ({ ...timed, type: "restart", company }),
    () => ({ ...timed, type: "clockStep", company, byMs: chance.between(-5_000, 5_000) }),
    () => ({ ...timed, type: "slowDisk", company, byMs: chance.between(50, 2_000) }),
    () => ({ ...timed, type: "fullDisk", company }),
    () => ({ ...timed, type: "certificateEnds", company }),
    () => ({ ...timed, type: "newSecret", company }),
    () => ({ ...timed, type: "membershipEnds", company }),
    () => ({ ...timed, type: "newConfiguration", storesPerSecond: chance.between(...STORES_PER_SECOND) }),
    () => ({ ...timed, type: "borderCut", company }),
  ];
  return oneOf(chance, kinds)();
};

const adversariesOf = (
  chance: Chance,
  companies: ReadonlyArray<PlannedCompany>,
  minutes: number,
): ReadonlyArray<PlannedAdversary> => {
  const numbers = companies.flatMap((company) => company.numbers);
  return Array.from({ length: chance.between(0, 2) }, (_, i) => ({
    kind: oneOf(chance, ADVERSARIES),
    name: `x${i + 1}.example`,
    atMs: chance.between(0, (minutes * MINUTE_MS) / 2),
    targets: [...new Set(Array.from({ length: chance.between(1, 4) }, () => oneOf(chance, numbers)))],
    strength: chance.between(1, 3),
  }));
};
