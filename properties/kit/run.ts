/**
 * Runs the properties under one runtime's own test runner and closes with one line: `node: N passed, N failed`.
 *
 *   node properties/kit/run.ts node|deno|bun [--quick] [--laws] [--only TEXT]
 *
 * --quick leaves out the simulations, the demonstration and the commands; --laws runs the laws alone (set VIPR_RUNS and, to replay,
 * VIPR_SEED). The exit code is 1 when anything failed, or when nothing ran.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import process from "node:process";

const SLOW = /^properties\/(simulation|demo|cli)\//;
const TEST_TIMEOUT_MS = 180_000;
/** Each test file is a process of its own, and would compile the same sources again: half of what a small one costs. */
const NODE_COMPILE_CACHE = "node_modules/.cache/vipr";

const runners = {
  node: {
    command: (files: ReadonlyArray<string>) => [
      "node",
      "--test",
      `--test-timeout=${TEST_TIMEOUT_MS}`,
      `--test-concurrency=${availableParallelism()}`, // all cores: by default Node leaves one idle
      "--test-reporter=spec",
      ...files,
    ],
    passed: /^ℹ pass (\d+)/gm,
    failed: /^ℹ (?:fail|cancelled|skipped) (\d+)/gm,
  },
  deno: {
    command: (files: ReadonlyArray<string>) => ["deno", "test", "-A", "--no-check", "--parallel", ...files],
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

const files = globSync("properties/**/*.test.ts")
  .map((file) => file.replaceAll("\\", "/"))
  .filter(
    (file) => file.includes(only) && !((flags.includes("--quick") || flags.includes("--laws")) && SLOW.test(file)),
  )
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
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        process.stdout.write(chunk);
      });
    child.on("error", (error) => resolve({ code: 127, output: `${output}\n${error.message}` }));
    child.on("close", (code) => resolve({ code: code ?? 1, output: output.replace(ansi, "") }));
  });

const sum = (text: string, pattern: RegExp): number =>
  [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);

const { code, output } = await run(runner.command(files));
const passed = sum(output, runner.passed);
const failed = sum(output, runner.failed);
console.log(`\n${runtime}: ${passed} passed, ${failed} failed`);
process.exit(code !== 0 || failed > 0 || passed === 0 ? 1 : 0);
