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
  },
  deno: {
    command: (files: Files, folder: string) => ["deno", "test", "-A", "--no-check", denoEntry(files, folder)],
    passed: /\| (\d+) passed/g,
    failed: /\| (\d+) (?:failed|ignored)/g,
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
  },
} as const;
export type Runtime = keyof typeof runners;

export const counted = (text: string, pattern: RegExp): number =>
  [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
