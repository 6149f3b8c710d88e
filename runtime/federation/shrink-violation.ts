/** A violation made small: the plan that still violates the same checker, and what happens in it. */
import { Stopped } from "../simulate/stages.ts";
import type { Plan } from "./plan.ts";
import { type Outcome, runPlan } from "./run.ts";
import { shrinkPlan } from "./shrink.ts";

export const shrinkViolation = async (
  first: Plan,
  found: Outcome,
  isStopped: () => boolean = () => false,
  runsMax?: number,
  tell: (runs: number) => void = () => {},
): Promise<{ readonly plan: Plan; readonly outcome: Outcome; readonly runs: number }> => {
  let least = { plan: first, outcome: found };
  const stopMs = found.events.find(({ from }) => from === "checker")?.atMs ?? Number.POSITIVE_INFINITY;
  let tried = 0;
  const fails = async (plan: Plan): Promise<boolean> => {
    tell(++tried);
    const outcome = await runPlan(plan, isStopped);
    if (outcome.violation?.checker !== found.violation?.checker) return false;
    least = { plan, outcome };
    return true;
  };
  try {
    const { runs } = await shrinkPlan(first, stopMs, fails, runsMax);
    return { ...least, runs };
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    return { ...least, runs: 0 }; // what there was when it was stopped
  }
};
