/**
 * One mutant judged: tests are run with it, some files a process, until one fails that passes without it.
 *
 *   files in order --> 2, then 6, then 18 ... in a process with the hook --> first failure --> the same test without the mutant
 *
 * What does not catch it: a test that takes too long (unless the row says so), a committed table of transitions (it shows that
 * something has changed, not that it is wrong), and a failure to load. docs/mutants.md.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { runProgram } from "../kit/side-by-side.ts";
import { fileIn } from "../kit/times.ts";
import { type Mutant, ROOT } from "./mutant.ts";
import type { Failure } from "./reporter.ts";
import { testsOf } from "./which.ts";

export type Verdict =
  | { readonly verdict: "caught"; readonly by: string; readonly file: string }
  | { readonly verdict: "survived"; readonly files: number }
  /** Nothing is known: it does not load, or a run broke off. */
  | { readonly verdict: "broken"; readonly why: string };

const FILES_FIRST = 2;
const FILES_TIMES = 3;
const TEST_TIMEOUT_MS = 60_000;
/** Of a mutant that may hang. */
const HANG_TIMEOUT_MS = 30_000;
const RUN_TIMEOUT_MS = 300_000;
const SEED = "1";
/** Whatever runs this: hooks are Node's. */
const NODE = "node";
const NOISE_CHARS_MAX = 1_000;
const TABLE_LAW = /: its table is the one committed$/;

const HOOK = new URL("./hook.ts", import.meta.url).href;
const REPORTER = new URL("./reporter.ts", import.meta.url).href;

/** The environment of a process in which the mutant is. */
export const withMutant = ({ name }: Mutant): NodeJS.ProcessEnv => ({
  ...process.env,
  VIPR_MUTANT: name,
  NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ""} --import ${HOOK}`.trim(),
});
const testEnv = {
  VIPR_SEED: SEED,
  NO_COLOR: "1",
  NODE_COMPILE_CACHE: `${ROOT}node_modules/.cache/vipr`,
  // Tests within a test are left out by Node.
  NODE_TEST_CONTEXT: undefined,
};

const RUNNER = ["--test", "--test-isolation=none", `--test-reporter=${REPORTER}`];

const running = new Set<() => void>();
/** Ends the tests that run, and what they have started: they have a group of processes of their own, which Ctrl-C does not reach. */
export const endTests = (): void => {
  for (const end of running) end();
};

interface Run {
  readonly failure?: Failure;
  readonly code: number;
  readonly noise: string;
}
/** Ends the processes, and those that they started, at the first failure that counts. */
const runTests = (files: ReadonlyArray<string>, env: NodeJS.ProcessEnv, mayHang = false): Promise<Run> =>
  new Promise((resolve) => {
    const timeout = `--test-timeout=${mayHang ? HANG_TIMEOUT_MS : TEST_TIMEOUT_MS}`;
    const child = spawn(NODE, [...RUNNER, timeout, ...files], { cwd: ROOT, env, detached: true });
    const end = () => {
      try {
        process.kill(-child.pid!, "SIGKILL");
      } catch {} // all have ended
    };
    running.add(end);
    const timer = setTimeout(end, RUN_TIMEOUT_MS);
    let [line, noise, failure] = ["", "", undefined as Failure | undefined];
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      noise = (noise + text).slice(-NOISE_CHARS_MAX);
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (line + text).split("\n");
      line = lines.pop()!;
      for (const one of lines.filter((given) => given.startsWith('{"test"'))) {
        const found = JSON.parse(one) as Failure;
        if (failure !== undefined || !counts(found, mayHang)) continue;
        failure = found;
        end();
      }
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      end();
      running.delete(end);
      resolve({ ...(failure === undefined ? {} : { failure }), code: code ?? 1, noise });
    });
  });

/** Tests that fail without any mutant: they say nothing about one. */
const failing = new Set<string>();
const counts = ({ test, kind }: Failure, mayHang: boolean): boolean =>
  (mayHang || kind !== "testTimeoutFailure") && !TABLE_LAW.test(test) && !failing.has(test);

const controls = new Map<string, Promise<boolean>>();
/** Does the test pass without the mutant? */
const passes = (test: string, files: ReadonlyArray<string>): Promise<boolean> => {
  const known = controls.get(test);
  if (known !== undefined) return known;
  const pattern = test.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  const flags = ["--test", "--test-isolation=none", `--test-name-pattern=/^${pattern}$/`];
  const asked = runProgram([NODE, ...flags, ...files], {
    cwd: ROOT,
    env: { ...process.env, ...testEnv },
    timeoutMs: RUN_TIMEOUT_MS,
  }).then(({ code, output }) => code === 0 && /^ℹ pass [1-9]/m.test(output));
  controls.set(test, asked);
  return asked;
};

/** Do all of these files' tests pass without the mutant? */
const areGood = async (files: ReadonlyArray<string>): Promise<boolean> =>
  (await runTests(files, { ...process.env, ...testEnv })).code === 0;

export const judge = async (mutant: Mutant): Promise<Verdict> => {
  const env = { ...withMutant(mutant), ...testEnv };
  const left = [...testsOf(mutant)];
  const { length } = left;
  for (let size = FILES_FIRST; left.length > 0; size *= FILES_TIMES) {
    const verdict = await judgeBy(mutant, env, left.splice(0, size));
    if (verdict !== undefined) return verdict;
  }
  return { verdict: "survived", files: length };
};

/** By these files alone; undefined where none of their tests fails by it. */
const judgeBy = async (
  mutant: Mutant,
  env: NodeJS.ProcessEnv,
  files: ReadonlyArray<string>,
): Promise<Verdict | undefined> => {
  const times = join(tmpdir(), `${mutant.name}-${performance.now()}`);
  const { failure, code, noise } = await runTests(files, { ...env, VIPR_TIMES: times }, mutant.mayHang);
  if (failure === undefined && code !== 0 && mutant.mayHang === true && (await areGood(files)))
    return { verdict: "caught", by: "the tests never end", file: files.join(" ") };
  if (failure === undefined) {
    if (code !== 0 && noise !== "") process.stderr.write(`${mutant.name}: ${noise}\n`);
    return undefined;
  }
  const { test, message } = failure;
  if (test.endsWith(".test.ts")) return { verdict: "broken", why: `${test}: ${message}` };
  const file = existsSync(times) ? fileIn(times, test) : undefined;
  if (await passes(test, file === undefined ? files : [file]))
    return { verdict: "caught", by: test, file: file ?? files.join(" ") };
  process.stderr.write(`"${test}" fails without a mutant too, and is not counted\n`);
  failing.add(test);
  return judgeBy(mutant, env, files);
};

/** Long enough for calls, claims that end, and what adversaries do one after another. */
const FEDERATION_MINUTES = "4";
const FEDERATIONS_TIMEOUT_MS = 7_200_000;

/** Judged by whole federations alone, `seeds` of them from `seed` on: by the first that is violated, and is not without it. */
export const judgeByFederations = async (mutant: Mutant, seed: number, seeds: number): Promise<Verdict> => {
  const play = (from: number, count: number, env: NodeJS.ProcessEnv) => {
    const which = ["--seed", `${from}`, "--seeds", `${count}`, "--minutes", FEDERATION_MINUTES];
    const words = ["simulate", "federation", ...which, "--first", "--no-shrink", "--json"];
    const options = { cwd: tmpdir(), env, timeoutMs: FEDERATIONS_TIMEOUT_MS };
    return runProgram([NODE, `${ROOT}runtime/main.ts`, ...words], options);
  };
  const { code, output } = await play(seed, seeds, withMutant(mutant));
  if (code === 0) return { verdict: "survived", files: 0 };
  const last = output.trimEnd().split("\n").at(-1) ?? "";
  if (!last.startsWith('{"verdict":"violated"')) return { verdict: "broken", why: output.slice(-NOISE_CHARS_MAX) };
  const found = JSON.parse(last) as { readonly seed: number; readonly checker: string; readonly why: string };
  if ((await play(found.seed, 1, process.env)).code !== 0)
    return { verdict: "broken", why: `federation ${found.seed} is violated without the mutant too` };
  return { verdict: "caught", by: `${found.checker}: ${found.why}`, file: `federation ${found.seed}` };
};

/** Judged by a command alone: caught where it fails, and does not without the mutant. `vipr` is the one of the sources. */
export const judgeWith = async (mutant: Mutant, command: ReadonlyArray<string>): Promise<Verdict> => {
  const words = command[0] === "vipr" ? [NODE, `${ROOT}runtime/main.ts`, ...command.slice(1)] : command;
  const options = { cwd: ROOT, timeoutMs: RUN_TIMEOUT_MS };
  const { code, output } = await runProgram(words, { ...options, env: withMutant(mutant) });
  if (code === 0) return { verdict: "survived", files: 0 };
  const control = await runProgram(words, options);
  if (control.code !== 0)
    return {
      verdict: "broken",
      why: `the command fails without the mutant too:\n${control.output.slice(-NOISE_CHARS_MAX)}`,
    };
  return { verdict: "caught", by: output.trimEnd().split("\n").at(-1) ?? "", file: command.join(" ") };
};
