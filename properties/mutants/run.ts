/**
 * Are the laws worth something? Each mutant is a deliberate fault; some test has to fail by it.
 *
 *   npm run mutants -- [--only TEXT] [--draw N --seed S] [--with "COMMAND" | --federations N] [--jobs N] [--list] [--json]
 *
 * --only takes those whose name or file has TEXT in it (several, with commas between), --draw N of these by chance. --with asks a command instead of the tests:
 * `--with "vipr simulate federation --seed 1 --minutes 5"` runs it with the mutant, and then without it. --federations
 * asks whole federations alone, of the seeds 1 to N until one is violated. --jobs are judged at
 * once (one a core). With --json each line is JSON; the last line is {"mutants":n,"caught":n,"survived":n} in any case. Exit code 1 when
 * one survived, or could not be judged.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { Chance } from "../kit/chance.ts";
import { sideBySide } from "../kit/side-by-side.ts";
import { endTests, judge, judgeByFederations, judgeWith, type Verdict } from "./judge.ts";
import { type Mutant, mutated } from "./mutant.ts";
import { mutants } from "./table.ts";

const USAGE =
  'usage: npm run mutants -- [--only TEXT] [--draw N --seed S] [--with "COMMAND" | --federations N] [--jobs N] [--list] [--json]';

const optionsOf = () => {
  try {
    return parseArgs({
      options: {
        only: { type: "string", default: "" },
        draw: { type: "string" },
        seed: { type: "string", default: String(process.pid) },
        with: { type: "string" },
        federations: { type: "string" },
        jobs: { type: "string", default: String(availableParallelism()) },
        list: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (cause) {
    console.error(`${(cause as Error).message}\n${USAGE}`);
    process.exit(2);
  }
};
const values = optionsOf();
const [draw, seed, jobs, federations] = [values.draw, values.seed, values.jobs, values.federations].map((one) =>
  one === undefined ? undefined : Number(one),
);
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
if (
  !Number.isSafeInteger(seed) ||
  !(jobs! >= 1) ||
  (draw !== undefined && !(draw >= 1)) ||
  (federations !== undefined && (!(federations >= 1) || values.with !== undefined))
) {
  console.error(USAGE);
  process.exit(2);
}

const texts = values.only.split(",");
const named = mutants.filter(({ name, file }) => texts.some((text) => name.includes(text) || file.includes(text)));
const drawn = (from: ReadonlyArray<Mutant>, count: number, chance: Chance): ReadonlyArray<Mutant> => {
  const left = [...from];
  return Array.from({ length: Math.min(count, left.length) }, () => left.splice(chance.below(left.length), 1)[0]!);
};
const chosen = draw === undefined ? named : drawn(named, draw, new Chance(seed!));
if (chosen.length === 0) {
  console.error(`no mutant's name or file has "${values.only}" in it; --list shows them`);
  process.exit(2);
}
for (const mutant of mutants) mutated(mutant); // all of the table, whatever was asked for
if (values.list) {
  for (const { name, file, why } of chosen) console.log(`${name} (${file}): ${why}`);
  process.exit(0);
}

// What tests leave behind that are ended in the middle goes with it.
const folder = mkdtempSync(join(tmpdir(), "vipr-mutants-"));
process.env.TMPDIR = folder;
const interrupted = () => {
  endTests();
  rmSync(folder, { recursive: true, force: true });
  process.exit(130);
};
process.on("SIGINT", interrupted);
process.on("SIGTERM", interrupted);
const command = values.with?.split(" ").filter((word) => word !== "");
const judged = (mutant: Mutant): Promise<Verdict> =>
  federations !== undefined
    ? judgeByFederations(mutant, 1, federations)
    : command === undefined
      ? judge(mutant)
      : judgeWith(mutant, command);
const shown = (mutant: Mutant, verdict: Verdict, seconds: number): string => {
  if (values.json) return JSON.stringify({ mutant: mutant.name, ...verdict, seconds });
  const what = `${mutant.name} (${seconds} s)`;
  if (verdict.verdict === "caught") return `caught   ${what}: ${verdict.by}  [${verdict.file}]`;
  if (verdict.verdict === "broken") return `BROKEN   ${what}: ${verdict.why}`;
  return `SURVIVED ${what}: ${mutant.why} (${mutant.file}; ${verdict.files} test files)`;
};

try {
  const verdicts = await sideBySide(chosen, jobs!, async (mutant) => {
    const startedMs = performance.now();
    const verdict = await judged(mutant);
    console.log(shown(mutant, verdict, Math.round((performance.now() - startedMs) / 100) / 10));
    return verdict;
  });
  const caught = verdicts.filter(({ verdict }) => verdict === "caught").length;
  const broken = verdicts.filter(({ verdict }) => verdict === "broken").length;
  const survived = chosen.length - caught - broken;
  console.log(JSON.stringify({ mutants: chosen.length, caught, survived, ...(broken > 0 ? { broken } : {}) }));
  if (caught < chosen.length) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
