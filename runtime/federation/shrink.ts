/**
 * The shortest plan that still fails: what is left out one time after another, as long as the same checker says the same.
 *
 *   what comes after the violation --> halves, quarters ... of adversaries, faults, calls --> companies --> all the rest
 */
import { companiesOf, type Plan } from "./plan.ts";

export interface Shrunk {
  readonly plan: Plan;
  readonly runs: number;
}
const RUNS_MAX = 150;

/** `fails`: whether that plan fails in the same way. `stopMs`: the time of the violation in the plan, if it is of one. */
export const shrinkPlan = async (
  first: Plan,
  stopMs: number,
  fails: (plan: Plan) => Promise<boolean>,
  runsMax: number = RUNS_MAX,
): Promise<Shrunk> => {
  let plan = first;
  let runs = 0;
  /** Takes the smaller plan if it fails. */
  const take = async (smaller: Plan): Promise<boolean> => {
    if (runs >= runsMax) return false;
    runs += 1;
    if (!(await fails(smaller))) return false;
    plan = smaller;
    return true;
  };
  const before = <A extends { readonly atMs: number }>(all: ReadonlyArray<A>) =>
    all.filter(({ atMs }) => atMs <= stopMs);
  await take({
    ...plan,
    calls: before(plan.calls),
    faults: before(plan.faults),
    adversaries: before(plan.adversaries),
  });
  for (let size = Number.POSITIVE_INFINITY; sizeOf(plan) < size && runs < runsMax; ) {
    size = sizeOf(plan);
    await without(
      (p) => p.adversaries,
      (p, adversaries) => ({ ...p, adversaries }),
      () => plan,
      take,
    );
    await without(
      (p) => p.faults,
      (p, faults) => ({ ...p, faults }),
      () => plan,
      take,
    );
    await without(
      (p) => p.calls,
      (p, calls) => ({ ...p, calls }),
      () => plan,
      take,
    );
    for (const { name } of plan.companies) if (plan.companies.length > 1) await take(withoutCompany(plan, name));
    for (const smaller of simpler(plan)) await take({ ...plan, ...smaller });
  }
  return { plan, runs };
};

/** Leaves out half of a list, then a quarter, and so on to each one. */
const without = async <A>(
  of: (plan: Plan) => ReadonlyArray<A>,
  withList: (plan: Plan, list: ReadonlyArray<A>) => Plan,
  now: () => Plan,
  take: (smaller: Plan) => Promise<boolean>,
): Promise<void> => {
  for (let size = of(now()).length; size >= 1; size = Math.floor(size / 2))
    for (let at = 0; at < of(now()).length; ) {
      const list = of(now());
      const smaller = [...list.slice(0, at), ...list.slice(at + size)];
      if (!(await take(withList(now(), smaller)))) at += size;
    }
};

const withoutCompany = (plan: Plan, name: string): Plan => {
  const gone = new Set(plan.companies.find((company) => company.name === name)?.numbers);
  return {
    ...plan,
    companies: plan.companies.filter((company) => company.name !== name),
    calls: plan.calls.filter(({ from, called }) => from !== name && !gone.has(called)),
    faults: plan.faults.filter((fault) => companiesOf(fault)?.includes(name) !== true),
    adversaries: plan.adversaries
      .map((one) => ({ ...one, targets: one.targets.filter((number) => !gone.has(number)) }))
      .filter(({ targets }) => targets.length > 0),
  };
};

/** One thing at a time that makes a plan easier to read. */
const simpler = (plan: Plan): ReadonlyArray<Partial<Plan>> => {
  const used = new Set([
    ...plan.calls.flatMap(({ calling, called }) => [calling, called]),
    ...plan.adversaries.flatMap(({ targets }) => targets),
  ]);
  const companies = plan.companies;
  const lastMs = Math.max(0, ...[...plan.calls, ...plan.faults, ...plan.adversaries].map(({ atMs }) => atMs));
  const minutes = Math.max(1, Math.ceil(lastMs / 60_000));
  const all: ReadonlyArray<Partial<Plan>> = [
    { minutes },
    { companies: companies.map((one) => ({ ...one, numbers: one.numbers.filter((n, i) => i === 0 || used.has(n)) })) },
    { companies: companies.map((one) => ({ ...one, nodes: 1 })) },
    { companies: companies.map((one) => ({ ...one, skewMs: 0 })) },
    { companies: companies.map((one) => ({ ...one, diskMs: 0 })) },
    { lossPercent: 0 },
    { delayMs: [plan.delayMs[0], plan.delayMs[0]] },
  ];
  return all.filter((change) => JSON.stringify({ ...plan, ...change }) !== JSON.stringify(plan));
};

const sizeOf = (plan: Plan): number => JSON.stringify(plan).length;
