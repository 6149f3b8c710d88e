/**
 * `vipr simulate federation`: plays the plan of a seed, or of many; a violation is shrunk and kept in a file.
 *
 *   seed --> planOf --> runPlan --> held | violated --> shrinkPlan --> file
 */
import { appendFileSync, writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { exitCode } from "../cli/exit.ts";
import { type ValuesOf, Wrong, wholeOf } from "../cli/options.ts";
import { complain, say } from "../cli/output.ts";
import { terminalLine } from "../cli/progress.ts";
import type { simulateTable } from "../command/tables/simulate.ts";
import { Stopped } from "../simulate/stages.ts";
import type { Checker } from "./checks.ts";
import { planOf } from "./draw.ts";
import { writeFile } from "./file.ts";
import { type Outcome, runPlan, simulatedText } from "./run.ts";
import { shrinkViolation } from "./shrink-violation.ts";

const MINUTES = "10";
const MINUTES_MAX = 100_000;
const SEED_MAX = 2 ** 31 - 1;
const SEEDS_MAX = 10_000_000;

interface Asked {
  readonly seed: number;
  readonly seeds: number;
  readonly minutes: number;
  readonly trace: string | undefined;
  readonly shrinks: boolean;
  /** Ends with the first violation. */
  readonly first: boolean;
  readonly json: boolean;
  readonly isStopped: () => boolean;
}
/** The last line. Fields beyond the first six are for whoever runs many seeds. */
interface Verdict {
  verdict: "held" | "violated";
  checker: Checker | null;
  calls: number;
  /** Of what was asked for; `restMinutes`: until all was built up, and came to rest. */
  simulatedMinutes: number;
  restMinutes: number;
  seconds: number;
  trace: string | null;
  why: string | null;
  seed: number;
  seeds: number;
  violated: number;
  sipCalls: number;
  hash: string | null;
}

/** Throws Wrong. */
export const simulateFederation = async (values: ValuesOf<typeof simulateTable.options>): Promise<number> => {
  if (values.nightly && values.seeds !== undefined) throw new Wrong("--nightly has no end: not with --seeds");
  const seed = wholeOf(values.seed ?? "1", "seed", 0, SEED_MAX);
  const seeds = values.nightly ? SEEDS_MAX : wholeOf(values.seeds ?? "1", "seeds", 1, SEEDS_MAX);
  const minutes = wholeOf(values.minutes ?? MINUTES, "minutes", 1, MINUTES_MAX);
  if (values.trace !== undefined) checkWritable(values.trace);
  let isStopped = false;
  const stop = () => {
    isStopped = true;
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    const { trace, json, first } = values;
    return await runAll({
      seed,
      seeds,
      minutes,
      trace,
      json,
      first,
      shrinks: !values["no-shrink"],
      isStopped: () => isStopped,
    });
  } finally {
    process.removeListener("SIGINT", stop);
    process.removeListener("SIGTERM", stop);
  }
};

/** Before hours are simulated for it. */
const checkWritable = (file: string): void => {
  try {
    appendFileSync(file, "");
  } catch (error) {
    throw new Wrong(`--trace cannot be written: ${(error as Error).message}`);
  }
};

const runAll = async (asked: Asked): Promise<number> => {
  const { seed: first, seeds, minutes, json, isStopped } = asked;
  const startedMs = performance.now();
  const all: Verdict = { ...noVerdict(first), seeds: 0 };
  for (let seed = first; seed < first + seeds && !isStopped(); seed++) {
    try {
      const one = await runOne(asked, seed);
      all.seeds += 1;
      all.calls += one.calls;
      all.sipCalls += one.sipCalls;
      all.simulatedMinutes = tenths(all.simulatedMinutes + one.simulatedMinutes);
      all.restMinutes = tenths(all.restMinutes + one.restMinutes);
      if (one.verdict === "violated") {
        all.violated += 1;
        if (all.verdict === "held") Object.assign(all, pickOf(one));
      }
      if (seeds === 1) all.hash = one.hash;
      if (seeds === 1 && one.trace !== null) all.trace = one.trace;
      if (seeds > 1) (json ? say : complain)(json ? JSON.stringify(one) : lineOf(one));
      if (asked.first && one.verdict === "violated") break;
    } catch (error) {
      if (error instanceof Stopped) break;
      if ((error as { code?: string }).code === undefined) throw error;
      complain(`vipr simulate federation: ${(error as Error).message}`);
      return exitCode.usage;
    }
  }
  if (all.seeds === 0) {
    complain("vipr simulate federation: ended before its time; nothing is reported of a part");
    return exitCode.interrupted;
  }
  all.seconds = secondsSince(startedMs);
  say(json ? JSON.stringify(all) : textOf(all, minutes));
  return all.verdict === "held" ? exitCode.done : exitCode.fault;
};

const runOne = async (asked: Asked, seed: number): Promise<Verdict> => {
  const { minutes, json, shrinks, isStopped, seeds } = asked;
  const startedMs = performance.now();
  const plan = planOf(seed, minutes);
  if (!json && seeds === 1) complain(introOf(plan));
  const line = terminalLine();
  const tell = (ms: number) => line(() => `federation ${seed}: ${simulatedText(ms, minutes)}`);
  const outcome = await runPlan(plan, isStopped, tell);
  const { violation } = outcome;
  let kept: { readonly plan: typeof plan; readonly outcome: Outcome } = { plan, outcome };
  if (violation !== undefined && shrinks) {
    if (!json)
      complain(`federation ${seed}: ${violation.checker} violated: ${violation.why}; looking for the least that fails`);
    kept = await shrinkViolation(plan, outcome, isStopped, undefined, (runs) =>
      line(() => `federation ${seed}: ${runs} smaller plans tried`),
    );
  }
  const file = asked.trace ?? (violation === undefined ? undefined : `vipr-federation-${seed}.trace`);
  const isWritten = file !== undefined && (violation !== undefined || seeds === 1);
  if (isWritten) writeFileSync(file, writeFile(kept.plan, kept.outcome));
  return {
    ...noVerdict(seed),
    verdict: violation === undefined ? "held" : "violated",
    checker: violation?.checker ?? null,
    calls: outcome.calls,
    simulatedMinutes: tenths(Math.min(minutes, outcome.simulatedMs / 60_000)),
    restMinutes: tenths(Math.max(0, outcome.simulatedMs / 60_000 - minutes)),
    seconds: secondsSince(startedMs),
    trace: isWritten ? file : null,
    why: violation?.why ?? null,
    violated: violation === undefined ? 0 : 1,
    sipCalls: outcome.sipCalls,
    hash: outcome.hash,
  };
};

const noVerdict = (seed: number): Verdict => ({
  verdict: "held",
  checker: null,
  calls: 0,
  simulatedMinutes: 0,
  restMinutes: 0,
  seconds: 0,
  trace: null,
  why: null,
  seed,
  seeds: 1,
  violated: 0,
  sipCalls: 0,
  hash: null,
});
const pickOf = ({ verdict, checker, why, trace, seed }: Verdict) => ({ verdict, checker, why, trace, seed });
const tenths = (value: number): number => Math.round(10 * value) / 10;
const secondsSince = (startedMs: number): number => Math.round((performance.now() - startedMs) / 100) / 10;

const introOf = ({ seed, companies, calls, faults, adversaries }: ReturnType<typeof planOf>): string => {
  const hostile = adversaries.map(({ kind }) => kind).join(", ");
  return `federation ${seed}: ${companies.length} companies, ${calls.length} calls, ${faults.length} faults, ${
    hostile === "" ? "no adversary" : `adversaries: ${hostile}`
  }`;
};
const lineOf = ({ seed, verdict, checker, why, calls, seconds }: Verdict): string =>
  `federation ${seed}: ${verdict}${checker === null ? "" : `: ${checker}: ${why}`}, ${calls} calls, ${seconds} s`;
const textOf = (all: Verdict, minutes: number): string => {
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["verdict", all.checker === null ? all.verdict : `${all.verdict}: ${all.checker}: ${all.why} (seed ${all.seed})`],
    ["federations", `${all.seeds} of ${minutes} minutes, ${all.violated} violated`],
    ["calls", `${all.calls}, ${all.sipCalls} of them over the Internet`],
    ["simulated", `${all.simulatedMinutes} minutes, and ${all.restMinutes} until all was there and came to rest`],
    ...(all.trace === null ? [] : [["trace", `${all.trace}: vipr replay ${all.trace}`] as const]),
    ["took", `${all.seconds} s`],
  ];
  return rows.map(([name, value]) => `${name.padEnd(14)}${value}`).join("\n");
};
