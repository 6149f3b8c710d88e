/**
 * Runs the properties under one runtime's own test runner and closes with one line: `node: N passed, N failed`.
 *
 *   node properties/kit/run.ts node|deno|bun [--quick] [--laws] [--only TEXT]
 *
 * --quick leaves out the simulations, the demonstration, the commands and the laws that need thousands of calls; --laws runs the laws
 * alone (set VIPR_RUNS and, to replay, VIPR_SEED). The exit code is 1 when anything failed, or when nothing ran.
 *
 * Node and Bun run as many processes as there are cores, each with its share of the files: a process for each file would load the
 * same modules two hundred times, half of what the whole run costs. Deno shares the files out itself.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import process from "node:process";
import { createInterface } from "node:readline";

const SLOW = /^properties\/(simulation|demo|cli|crash)\//;
/** Laws of chance and time, and 5,000 charts: of what `npm run ok` may take, they alone would be a third. */
const THOROUGH =
  /^properties\/(validation\/(indistinct|sweep|clocks|coalition)|tls\/cbc-timing|machines\/charts|reload\/durable)\.test\.ts$/;
const TEST_TIMEOUT_MS = 180_000;
const NODE_COMPILE_CACHE = "node_modules/.cache/vipr";

const runners = {
  node: {
    command: (files: ReadonlyArray<string>) => [
      "node",
      "--test",
      "--test-isolation=none",
      `--test-timeout=${TEST_TIMEOUT_MS}`,
      "--test-reporter=spec",
      ...files,
    ],
    processes: availableParallelism(),
    passed: /^ℹ pass (\d+)/gm,
    failed: /^ℹ (?:fail|cancelled|skipped) (\d+)/gm,
  },
  deno: {
    command: (files: ReadonlyArray<string>) => ["deno", "test", "-A", "--no-check", "--parallel", ...files],
    processes: 1,
    passed: /\| (\d+) passed/g,
    failed: /\| (\d+) (?:failed|ignored)/g,
  },
  bun: {
    command: (files: ReadonlyArray<string>) => [
      "bun",
      "test",
      "--timeout",
      String(TEST_TIMEOUT_MS),
      ...files.map((file) => `./${file}`),
    ],
    processes: availableParallelism(),
    passed: /^ *(\d+) pass$/gm,
    failed: /^ *(\d+) (?:fail|skip)$/gm,
  },
} as const;

const runtime = process.argv[2] as keyof typeof runners;
const flags = process.argv.slice(3);
const only = flags.includes("--only") ? (flags[flags.indexOf("--only") + 1] ?? "") : "";
const runner = runners[runtime];
if (runner === undefined) {
  console.error("usage: run.ts node|deno|bun [--quick] [--laws] [--only TEXT]");
  process.exit(2);
}

const leftOut = flags.includes("--quick") ? [SLOW, THOROUGH] : flags.includes("--laws") ? [SLOW] : [];
const files = globSync("properties/**/*.test.ts")
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.includes(only) && !leftOut.some((slow) => slow.test(file)))
  .sort();

// Without a file to run, a test runner takes every one that it finds.
if (files.length === 0) {
  console.error(`no test file's path has "${only}" in it`);
  process.exit(2);
}

const ansi = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");
const run = (command: ReadonlyArray<string>): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    const child = spawn(command[0]!, command.slice(1), {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_COMPILE_CACHE, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      // Whole lines: several processes write here.
      const lines = createInterface({ input: stream });
      lines.on("line", (line) => {
        output += `${line}\n`;
        process.stdout.write(`${line}\n`);
      });
    }
    child.on("error", (error) => resolve({ code: 127, output: `${output}\n${error.message}` }));
    child.on("close", (code) => resolve({ code: code ?? 1, output: output.replace(ansi, "") }));
  });

const sum = (text: string, pattern: RegExp): number =>
  [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);

/** Neighbours in the list are of one room and take alike: they go to different processes. */
const shares = Array.from({ length: Math.min(runner.processes, files.length) }, (_, i) =>
  files.filter((_file, at) => at % runner.processes === i),
);
const results = await Promise.all(shares.map((share) => run(runner.command(share))));
const output = results.map((result) => result.output).join("\n");
const passed = sum(output, runner.passed);
const failed = sum(output, runner.failed);
console.log(`\n${runtime}: ${passed} passed, ${failed} failed`);
process.exit(results.some(({ code }) => code !== 0) || failed > 0 || passed === 0 ? 1 : 0);
