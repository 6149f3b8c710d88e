/** A dial plan compiled: its patterns as regular expressions, its country's forms of numbers. Done once for each plan. */
import { patternOf } from "./pattern.ts";
import { type DialPlan, plainTrunk, type TrunkPlan } from "./plan.ts";
import { type NationalForms, nationalForms } from "./world.ts";

export interface Rules {
  readonly plan: DialPlan;
  readonly forms: NationalForms | undefined;
  /** In the order of the plan: the first that fits counts. */
  readonly extensions: ReadonlyArray<{ readonly key: RegExp; readonly template: string }>;
  /** From the short form to which the exchange cuts a called number, to the numbers that have this short form. */
  readonly dids: ReadonlyMap<string, ReadonlyArray<string>>;
  /** At least one. */
  readonly trunks: ReadonlyArray<TrunkPlan>;
  /** Patterns of numbers that stay inside, as they are dialled, and (with a +) as E.164 numbers. */
  readonly neverLeaves: { readonly dialled: ReadonlyArray<RegExp>; readonly whole: ReadonlyArray<RegExp> };
}

const rulesOf = new WeakMap<DialPlan, Rules>();

export const compiled = (plan: DialPlan): Rules => {
  const rules = rulesOf.get(plan) ?? compile(plan);
  rulesOf.set(plan, rules);
  return rules;
};

const compile = (plan: DialPlan): Rules => {
  const dids = new Map<string, Array<string>>();
  for (const [number, short] of Object.entries(plan.dids)) dids.set(short, [...(dids.get(short) ?? []), number]);
  const trunks = Object.values(plan.trunks);
  return {
    plan,
    forms: plan.country === undefined ? undefined : nationalForms(plan.country, plan.nationalPrefix),
    extensions: Object.entries(plan.extensions).map(([key, template]) => ({ key: patternOf(key), template })),
    dids,
    trunks: trunks.length === 0 ? [plainTrunk] : trunks,
    neverLeaves: {
      dialled: plan.neverLeaves.filter((pattern) => !pattern.startsWith("+")).map(patternOf),
      whole: plan.neverLeaves.filter((pattern) => pattern.startsWith("+")).map(patternOf),
    },
  };
};
