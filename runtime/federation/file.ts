/** The file of a run: its plan, its verdict, and what happened. Text, so that a plan can be changed by hand and played again. */
import type { Violation } from "./checks.ts";
import type { Plan } from "./plan.ts";
import type { Outcome } from "./run.ts";
import type { TraceEvent } from "./trace.ts";

export const FEDERATION_FORMAT = "vipr federation";
const VERSION = 1;

export interface FederationFile {
  readonly plan: Plan;
  readonly violation: Violation | undefined;
  readonly hash: string;
  readonly events: ReadonlyArray<TraceEvent>;
}

/** A line for the plan, one for the verdict, one an event. */
export const writeFile = (plan: Plan, { violation, hash, events }: Outcome): string => {
  const head = { format: FEDERATION_FORMAT, version: VERSION, plan };
  const verdict = { violation: violation ?? null, hash };
  return `${[head, verdict, ...events].map((line) => JSON.stringify(line)).join("\n")}\n`;
};

/** Whether these bytes are meant to be such a file. */
export const isFederationFile = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.subarray(0, 64)).toString("latin1").startsWith(`{"format":"${FEDERATION_FORMAT}"`);

/** Throws in a sentence, with the line, what is wrong with it. */
export const readFile = (text: string): FederationFile => {
  const lines = text.split("\n").filter((line) => line !== "");
  const at = <A>(line: number, read: (value: any) => A): A => {
    try {
      return read(JSON.parse(lines[line] ?? ""));
    } catch (error) {
      throw new Error(`line ${line + 1}: ${(error as Error).message}`);
    }
  };
  const plan = at(0, ({ version, plan }) => {
    if (version !== VERSION) throw new Error(`a file of version ${version}, not ${VERSION}`);
    return planIn(plan);
  });
  const { violation, hash } = at(1, (value) => {
    if (typeof value?.hash !== "string") throw new Error("no verdict");
    return value;
  });
  const events = lines.slice(2).map((_, i) =>
    at(i + 2, (value): TraceEvent => {
      if (typeof value?.atMs !== "number" || typeof value.from !== "string" || typeof value.what !== "string")
        throw new Error("no event");
      return value;
    }),
  );
  return { plan, violation: violation ?? undefined, hash, events };
};

const planIn = (plan: any): Plan => {
  const lists = ["companies", "calls", "faults", "adversaries", "delayMs", "waitMs"];
  const wrong = lists.find((name) => !Array.isArray(plan?.[name]));
  if (wrong !== undefined) throw new Error(`the plan has no list "${wrong}"`);
  const missing = ["seed", "minutes", "lossPercent", "requiredBits"].find((name) => !Number.isFinite(plan[name]));
  if (missing !== undefined) throw new Error(`the plan has no number "${missing}"`);
  const named = [...plan.companies, ...plan.adversaries].find(({ name }: any) => typeof name !== "string");
  if (named !== undefined) throw new Error("a company or adversary without a name");
  return plan;
};
