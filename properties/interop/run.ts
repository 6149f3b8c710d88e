/**
 * Runs every check against real peers: `npm run interop [-- TEXT]`.
 *
 * A check whose peer is missing is reported as missing and counts as failed: `.ci/setup` installs them all.
 */
import { spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import process from "node:process";

export interface InteropCheck {
  readonly name: string;
  /** Commands on PATH, or absolute files. */
  readonly needs: ReadonlyArray<string>;
  readonly run: () => Promise<void>;
}

const CHECK_TIMEOUT_MS = 150_000;

const isThere = (need: string): boolean =>
  need.startsWith("/") ? existsSync(need) : spawnSync("sh", ["-c", `command -v "${need}"`]).status === 0;

const limited = (check: InteropCheck): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
  });
  return Promise.race([check.run(), late]).finally(() => clearTimeout(timer));
};

const only = process.argv[2] ?? "";
const summaries: Array<string> = [];
let passed = 0;
let failed = 0;
for (const file of globSync("properties/interop/*.interop.ts").sort()) {
  const { checks, summary } = (await import(new URL(`../../${file}`, import.meta.url).href)) as {
    checks: ReadonlyArray<InteropCheck>;
    summary?: () => string;
  };
  for (const check of checks.filter(({ name }) => name.includes(only))) {
    const missing = check.needs.filter((need) => !isThere(need));
    try {
      if (missing.length > 0) throw new Error(`missing: ${missing.join(", ")} (sh .ci/setup installs it)`);
      const before = performance.now();
      await limited(check);
      passed += 1;
      console.log(`ok      ${check.name} (${Math.round(performance.now() - before)} ms)`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${check.name}\n        ${error instanceof Error ? (error.stack ?? error.message) : error}`);
    }
  }
  if (summary !== undefined) summaries.push(summary());
}
for (const text of summaries) if (text !== "") console.log(`\n${text}`);
console.log(`\ninterop: ${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
