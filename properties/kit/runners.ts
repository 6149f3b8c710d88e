/**
 * Each runtime's own test runner: how it is started on files, and how what it prints is counted.
 *
 * Node (with --test-isolation=none) and Deno (with node:test) end with 0 when a module throws while it is read: tests that it has
 * registered before count, the rest of it is gone, and on Deno all files after it. So both have a test that fails for each file
 * that could not be read. Bun says so itself. DECISIONS.md D-321.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const TEST_TIMEOUT_MS = 180_000;

export type Files = ReadonlyArray<string>;
let entries = 0;
const written = (text: string, folder: string): string => {
  const entry = join(folder, `share-${entries++}.test.mjs`);
  writeFileSync(entry, `import { test } from "node:test";\n${text}`);
  return entry;
};
const urlsOf = (files: Files): string => JSON.stringify(files.map((file) => pathToFileURL(file).href));

/** Run behind the files: a module that has thrown throws again, and one that is there is only looked up. */
const nodeCheck = (files: Files, folder: string): string =>
  written(
    `test("the files of this share are read to their ends", async () => {
  const results = await Promise.allSettled(${urlsOf(files)}.map((url) => import(url)));
  const errors = results.flatMap(({ reason }) => reason ?? []);
  if (errors.length > 0) throw new AggregateError(errors, errors.map((error) => error?.stack ?? error).join("\\n"));
});
`,
    folder,
  );

/** Deno loads every module anew for each file that it is given: it is given one, which imports them. */
const denoEntry = (files: Files, folder: string): string =>
  written(
    `const failed = (url, error) => test(\`\${url} is read to its end\`, () => { throw error; });
for (const url of ${urlsOf(files)}) await import(url).catch((error) => failed(url, error));
`,
    folder,
  );

export const runners = {
  node: {
    command: (files: Files, folder: string) => [
      "node",
      "--test",
      "--test-isolation=none",
      `--test-timeout=${TEST_TIMEOUT_MS}`,
      "--test-reporter=spec",
      ...files,
      nodeCheck(files, folder),
    ],
    passed: /^ℹ pass (\d+)/gm,
    failed: /^ℹ (?:fail|cancelled|skipped) (\d+)/gm,
    failure: /^ *✖ (?!failing tests:)(.+?) \([\d.]+ms\)$/gm,
  },
  deno: {
    command: (files: Files, folder: string) => ["deno", "test", "-A", "--no-check", denoEntry(files, folder)],
    passed: /\| (\d+) passed/g,
    failed: /\| (\d+) (?:failed|ignored)/g,
    failure: /^(.+) => \S+:\d+:\d+$/gm,
  },
  bun: {
    command: (files: Files) => [
      "bun",
      "test",
      "--timeout",
      String(TEST_TIMEOUT_MS),
      ...files.map((file) => `./${file}`),
    ],
    passed: /^ *(\d+) pass$/gm,
    failed: /^ *(\d+) (?:fail|skip)$/gm,
    failure: /^\(fail\) (.+?)(?: \[[\d.]+ms\])?$/gm,
  },
} as const;
export type Runtime = keyof typeof runners;

export const counted = (text: string, pattern: RegExp): number =>
  [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);

const REASON_LINES_MAX = 14;

/** The tests that failed, each with what stands beside its name: all three runners say it, somewhere in what may be megabytes. */
export const failuresIn = (output: string, runtime: Runtime): ReadonlyMap<string, string> => {
  const found = new Map<string, string>();
  for (const match of output.matchAll(runners[runtime].failure)) {
    // Bun says why before the name, and the others behind it: Node where it says the name for the second time.
    const isBefore = runtime === "bun";
    if (found.has(match[1]!) && runtime !== "node") continue;
    const lines = (isBefore ? output.slice(0, match.index) : output.slice(match.index + match[0].length))
      .trim()
      .split("\n");
    const near = isBefore ? lines.slice(-REASON_LINES_MAX) : lines.slice(0, REASON_LINES_MAX);
    found.set(match[1]!, near.map((line) => `    ${line}`).join("\n"));
  }
  return found;
};
