/**
 * Runs every check against real peers: `npm run interop [-- TEXT]`.
 *
 * Each file's checks have a process of their own, in which they run one after the other; most of their time is waiting for calls to
 * end, so that several run at once, and those in which no packet may come late last and alone. A check whose peer is missing is reported as missing and counts as failed: `.ci/setup`
 * installs them all.
 */
import { spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { availableParallelism } from "node:os";
import process from "node:process";
import { runProgram, sideBySide } from "../kit/side-by-side.ts";

export interface InteropCheck {
  readonly name: string;
  /** Commands on PATH, or absolute files. */
  readonly needs: ReadonlyArray<string>;
  readonly run: () => Promise<void>;
}
interface CheckFile {
  readonly checks: ReadonlyArray<InteropCheck>;
  readonly summary?: () => string;
  /** Hundreds of packets have their time to keep: nothing runs beside. */
  readonly isAlone?: boolean;
}
interface Tally {
  readonly passed: number;
  readonly failed: number;
}

const AT_ONCE = Number(process.env.VIPR_AT_ONCE ?? availableParallelism());
/** What waits longest is begun first. */
const LONG = /(company|fallback|second|tls-srp)\.interop\.ts$/;
const CHECK_TIMEOUT_MS = 150_000;
const SELF = new URL(import.meta.url).pathname;

const isThere = (need: string): boolean =>
  need.startsWith("/") ? existsSync(need) : spawnSync("sh", ["-c", `command -v "${need}"`]).status === 0;

const limited = (check: InteropCheck): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
  });
  return Promise.race([check.run(), late]).finally(() => clearTimeout(timer));
};

const judge = async (check: InteropCheck): Promise<boolean> => {
  const missing = check.needs.filter((need) => !isThere(need));
  try {
    if (missing.length > 0) throw new Error(`missing: ${missing.join(", ")} (sh .ci/setup installs it)`);
    const before = performance.now();
    await limited(check);
    console.log(`ok      ${check.name} (${Math.round(performance.now() - before)} ms)`);
    return true;
  } catch (error) {
    console.log(`FAILED  ${check.name}\n        ${error instanceof Error ? (error.stack ?? error.message) : error}`);
    return false;
  }
};

const load = async (file: string): Promise<CheckFile> => await import(new URL(`../../${file}`, import.meta.url).href);
const chosenOf = ({ checks }: CheckFile, only: string) => checks.filter(({ name }) => name.includes(only));

/** In this process. */
const runFile = async (file: string, only: string): Promise<Tally> => {
  const loaded = await load(file);
  const held: Array<boolean> = [];
  for (const check of chosenOf(loaded, only)) held.push(await judge(check));
  const summary = loaded.summary?.() ?? "";
  if (summary !== "") console.log(`\n${summary}\n`);
  const passed = held.filter(Boolean).length;
  return { passed, failed: held.length - passed };
};

const TALLY = /^interop: (\d+) passed, (\d+) failed$/m;
const tallyLine = ({ passed, failed }: Tally): string => `interop: ${passed} passed, ${failed} failed`;

/** In one of its own, whose output is shown when it ends. One that breaks down is a failure. */
const runFileApart = async (file: string, only: string): Promise<Tally> => {
  const { output } = await runProgram([process.execPath, SELF, only, file]);
  process.stdout.write(output.replace(TALLY, ""));
  const [, passed, failed] = TALLY.exec(output) ?? [file, 0, 1];
  return { passed: Number(passed), failed: Number(failed) };
};

const runAll = async (only: string): Promise<Tally> => {
  const names = globSync("properties/interop/*.interop.ts").sort();
  const files = await Promise.all(names.map(async (name) => ({ name, loaded: await load(name) })));
  const chosen = files
    .filter(({ loaded }) => chosenOf(loaded, only).length > 0)
    .sort((a, b) => Number(LONG.test(b.name)) - Number(LONG.test(a.name)));
  if (chosen.length === 1) return await runFile(chosen[0]!.name, only);
  const apart = ({ name }: (typeof chosen)[number]) => runFileApart(name, only);
  const [alone, together] = [true, false].map((is) => chosen.filter(({ loaded }) => (loaded.isAlone ?? false) === is));
  const tallies = [...(await sideBySide(together!, AT_ONCE, apart)), ...(await sideBySide(alone!, 1, apart))];
  return tallies.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed }), {
    passed: 0,
    failed: 0,
  });
};

const [only = "", file] = process.argv.slice(2);
const tally = file === undefined ? await runAll(only) : await runFile(file, only);
console.log(tallyLine(tally));
process.exit(tally.failed > 0 || tally.passed === 0 ? 1 : 0);
