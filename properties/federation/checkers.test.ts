/** A checker that cannot fail checks nothing: each is violated by a fault that is planted for it, and by no other. */
import { ok, deepStrictEqual as same } from "node:assert";
import type { Checker } from "../../runtime/federation/checks.ts";
import type { Plan, PlannedAdversary, Planted } from "../../runtime/federation/plan.ts";
import { runPlan } from "../../runtime/federation/run.ts";
import { longTest, test } from "../kit/harness.ts";
import { BORIS, plan, twoCalls } from "./plans.ts";

const hostile = (kind: PlannedAdversary["kind"], atMs: number): Pick<Plan, "adversaries"> => ({
  adversaries: [{ kind, name: "x1.example", atMs, targets: [BORIS], strength: 1 }],
});
const planted: Readonly<Record<Planted, readonly [checker: Checker, more: Partial<Plan>]>> = {
  misdialled: ["route", hostile("thief", 0)],
  overheard: ["ticket", hostile("guesser", 25_000)],
  forgetful: [
    "acknowledged",
    {
      waitMs: [60_000, 60_000],
      faults: [{ type: "crash", company: "c1.example", atMs: 30_000, forMs: 5_000, losesDisk: false }],
    },
  ],
  hoarding: ["disk", hostile("hog", 0)],
  credulous: ["signature", hostile("messagesForger", 5_000)],
  torn: [
    "ring",
    { faults: [{ type: "partition", apart: ["c1.example"], isSilent: false, atMs: 30_000, forMs: 5_000 }] },
  ],
  unheard: ["call", {}],
  unclosed: ["leak", {}],
  dies: ["defect", {}],
};

for (const [name, [checker, more]] of Object.entries(planted) as Array<[Planted, (typeof planted)[Planted]]>)
  longTest(
    `federation: what is planted as ${name} violates the checker ${checker}, and the same plan without it none`,
    async () => {
      const whole: Plan = { ...plan, calls: twoCalls, ...more };
      const { violation } = await runPlan({ ...whole, planted: [name] });
      same(violation?.checker, checker, violation?.why);
      if (Object.keys(more).length === 0) return; // the plan alone is asked below
      same((await runPlan(whole)).violation, undefined);
    },
  );

test("federation: the plan that faults are planted in violates nothing by itself", async () => {
  const { violation, calls } = await runPlan({ ...plan, calls: twoCalls });
  same(violation, undefined);
  ok(calls === 2);
});
