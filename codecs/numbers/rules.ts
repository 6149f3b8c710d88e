/** A dial plan made ready to read with: its patterns as expressions, its country's forms. Made once for each plan. */
import { patternOf } from "./pattern.ts";
import { type DialPlan, plainTrunk, type TrunkPlan } from "./plan.ts";
import { type NationalForms, nationalForms } from "./world.ts";

export interface Rules {
  readonly plan: DialPlan;
  readonly forms: NationalForms | undefined;
  /** In the order of the plan: the first that fits counts. */
  readonly extensions: ReadonlyArray<{ readonly key: RegExp; readonly template: string }>;
  /** What the exchange makes of a called number, and the numbers that it may have been. */
  readonly dids: ReadonlyMap<string, ReadonlyArray<string>>;
  /** At least one. */
  readonly trunks: ReadonlyArray<TrunkPlan>;
  readonly neverLeaves: { readonly dialled: ReadonlyArray<RegExp>; readonly whole: ReadonlyArray<RegExp> };
}

const known = new WeakMap<DialPlan, Rules>();

export const compiled = (plan: DialPlan): Rules => {
  const found = known.get(plan);
  if (found !== undefined) return found;
  const made = compile(plan);
  known.set(plan, made);
  return made;
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
