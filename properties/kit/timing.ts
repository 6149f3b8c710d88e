/**
 * Laws about time, on machines that may be busy with other things.
 *
 * Each look measures what is claimed and a control: something that is known to differ, and must be seen to. A look whose
 * control is not seen is too noisy to tell, and is repeated; so is one in which the claim does not hold, since what a real
 * difference shows it shows each time. VIPR_TIMING=strict, for a quiet machine, fails a law that could not be told.
 */
import { equal, ok } from "node:assert";
import process from "node:process";
import { test } from "./harness.ts";

export interface Look {
  readonly holds: boolean;
  /** The control was seen: the machine is quiet enough for this look to count. */
  readonly isClear: boolean;
  /** The figures, for whoever reads a failure. */
  readonly figures: string;
}

/** Looks that are taken before a law is given up as too noisy to tell. */
const LOOKS_MAX = 6;
/** Clear looks in which a claim did not hold, before it is believed to be false. */
const MISSES_MAX = 3;

export const timingLaw = (name: string, look: () => Look | Promise<Look>): void =>
  test(name, async () => {
    const looks: Array<Look> = [];
    const misses = () => looks.filter(({ isClear, holds }) => isClear && !holds);
    while (looks.length < LOOKS_MAX && misses().length < MISSES_MAX) {
      const now = await look();
      if (now.isClear && now.holds) return;
      looks.push(now);
    }
    const figures = looks.map((one) => one.figures).join("\n");
    ok(misses().length < MISSES_MAX, `does not hold:\n${figures}`);
    console.log(`${name}: too noisy to tell\n${figures}`);
    equal(process.env.VIPR_TIMING === "strict", false, "too noisy to tell");
  });

/** Property reads of an object and of what lies in it, counted: what a search looks at, whatever the machine's speed. */
export const counting = <T extends object>(of: T): { readonly counted: T; readonly reads: () => number } => {
  let reads = 0;
  const counted = new Proxy(of, {
    get: (target, key) => {
      reads += 1;
      return Reflect.get(target, key);
    },
  });
  return { counted, reads: () => reads };
};
