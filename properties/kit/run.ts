/**
 * Runs the properties under the runtimes' own test runners and closes with a line for each: `node: N passed, N failed`.
 *
 *   node properties/kit/run.ts node|deno|bun... [--quick] [--laws] [--only TEXT] [--times]
 *
 * --quick leaves out the simulations, federations, the demonstration, the commands, clusters, fuzzing, and the laws that need thousands of calls; --laws runs the laws
 * alone (set VIPR_RUNS and, to replay, VIPR_SEED); --times shows at the end which files took longest. The exit code is 1 when
 * anything failed, or when nothing ran.
 *
 * A process takes many files, since each of its own would load the same modules two hundred times, and what it says is shown when it
 * ends. There are more of them than cores, of all runtimes: half of a process's time is waiting, for timers and programs.
 * DECISIONS.md D-230, D-231.
 */
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { counted, type Files, failuresIn, type Runtime, runners } from "./runners.ts";
import { runProgram, sideBySide } from "./side-by-side.ts";
import { slowest } from "./times.ts";

const SLOW = /^properties\/(simulation|federation|demo|cli|crash|cluster|fuzz|bench)\//;
/** Laws of chance and time, 5,000 charts, stores of PostgreSQL, pairs of damaged chains, whole companies, shells, texts that
 * mutants exchange, and servers that are flooded: of what
 * `npm run ok` may take, they alone would be more than a half. */
const THOROUGH =
  /^properties\/(validation\/(indistinct|sweep|clocks|coalition|chance|conference|relations|busy-days|closing)|page\/outside|mutants\/table|command\/completion|tls\/(cbc-timing|answer)|machines\/charts|reload\/(durable|flood|buckets|bare|hostile)|fallback\/(companies|challenged)|enrol\/enrolment|x509\/(path|uses)|explore\/(explorer|zave)|store\/(postgres|postgres-away|cluster|backup|migrations)|vap\/server|vipr\/(tenants|call-queues)|sip\/fuzz)\.test\.ts$/;
const SHARE_FILES_MIN = 4;
const SHARE_TIMEOUT_MS = 1_800_000;
const ROOT = new URL("../../", import.meta.url).pathname;
process.chdir(ROOT);
const folder = mkdtempSync(join(tmpdir(), "vipr-tests-"));

const flags = process.argv.slice(2);
const runtimes = flags.filter((flag): flag is Runtime => Object.hasOwn(runners, flag));
const only = flags.includes("--only") ? (flags[flags.indexOf("--only") + 1] ?? "") : "";
if (runtimes.length === 0) {
  console.error("usage: run.ts node|deno|bun... [--quick] [--laws] [--only TEXT] [--times]");
  process.exit(2);
}

const isQuick = flags.includes("--quick");
/** A process has a second's work before its first test: few, where the tests are short. */
const AT_ONCE = Number(process.env.VIPR_AT_ONCE ?? (isQuick ? 2 : 3) * availableParallelism());
const leftOut = isQuick ? [SLOW, THOROUGH] : flags.includes("--laws") ? [SLOW] : [];
const files = globSync("properties/**/*.test.ts")
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.includes(only) && !leftOut.some((slow) => slow.test(file)))
  .sort();

// Without a file to run, a test runner takes every one that it finds.
if (files.length === 0) {
  console.error(`no test file's path has "${only}" in it`);
  process.exit(2);
}

interface Share {
  readonly runtime: Runtime;
  readonly files: Files;
}
/** Of one runtime: twice as many in all as run at once, so that those which end early leave work to be taken up. */
const SHARES = Math.min(AT_ONCE, Math.ceil((2 * AT_ONCE) / runtimes.length));
const sharesOf = (shared: Files, most: number): ReadonlyArray<Share> =>
  runtimes.flatMap((runtime) => {
    const count = Math.min(most, Math.ceil(shared.length / SHARE_FILES_MIN));
    // Neighbours in the list are of one room and take alike: they go to different processes.
    return Array.from({ length: count }, (_, i) => ({
      runtime,
      files: shared.filter((_file, at) => at % count === i),
    }));
  });
/** Laws about time see more on a quiet machine: where they are not left out, they come last, and alone. */
const isTimed = (file: string): boolean => !isQuick && readFileSync(file, "utf8").includes("timingLaw(");
const together = sharesOf(
  files.filter((file) => !isTimed(file)),
  SHARES,
);
const alone = sharesOf(files.filter(isTimed), 1);
const isSingle = together.length + alone.length === 1;

const times = flags.includes("--times") ? join(folder, "times") : undefined;
const env = {
  ...process.env,
  NODE_COMPILE_CACHE: join(ROOT, "node_modules/.cache/vipr"),
  NO_COLOR: "1",
  DENO_NO_UPDATE_CHECK: "1",
  ...(times === undefined ? {} : { VIPR_TIMES: times }),
};
const run = async (share: Share) => {
  const startedMs = performance.now();
  const { code, output } = await runProgram(runners[share.runtime].command(share.files, folder), {
    env,
    isShown: isSingle,
    timeoutMs: SHARE_TIMEOUT_MS,
  });
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
  if (!isSingle) console.log(`${output}\n-- ${share.runtime}, ${share.files.length} files, ${seconds} s --\n`);
  return { code, output, runtime: share.runtime };
};

try {
  const results = [...(await sideBySide(together, AT_ONCE, run)), ...(await sideBySide(alone, 1, run))];
  if (times !== undefined) console.log(slowest(times));
  for (const runtime of runtimes) {
    const own = results.filter((result) => result.runtime === runtime);
    const output = own.map((result) => result.output).join("\n");
    const passed = counted(output, runners[runtime].passed);
    const failed = counted(output, runners[runtime].failed);
    for (const [name, why] of failuresIn(output, runtime)) console.log(`${runtime} failed: ${name}\n${why}`);
    console.log(`${runtime}: ${passed} passed, ${failed} failed`);
    if (own.some(({ code }) => code !== 0) || failed > 0 || passed === 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
