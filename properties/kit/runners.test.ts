/** What a runner is started with: that no file is taken for tested which could not be read. */
import { ok, deepStrictEqual as same } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "./harness.ts";
import { counted, failuresIn, type Runtime, runners } from "./runners.ts";
import { runProgram } from "./side-by-side.ts";

const OWN: Runtime = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
const TIMEOUT_MS = 60_000;

test("runners: a file that throws while it is read fails the run, and the files behind it are tested", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vipr-runner-"));
  const before = process.cwd();
  process.chdir(folder); // Bun is given relative names
  try {
    const written = (name: string, text: string) => {
      writeFileSync(join(folder, name), `import { test } from "node:test";\ntest("${name}", () => {});\n${text}`);
      return name;
    };
    const bad = written("a.test.mjs", 'throw new Error("while it is read");\n');
    const good = written("b.test.mjs", "await new Promise((resolve) => setTimeout(resolve, 10));\n");
    const run = async (...files: ReadonlyArray<string>) => {
      const [program, ...args] = runners[OWN].command(files, folder);
      const env = { ...process.env, NO_COLOR: "1", NODE_TEST_CONTEXT: undefined };
      return await runProgram([program!, ...args], { env, isShown: false, timeoutMs: TIMEOUT_MS });
    };
    const fine = await run(good);
    same([fine.code, counted(fine.output, runners[OWN].failed)], [0, 0], fine.output);
    const { code, output } = await run(bad, good);
    same(code, 1, output);
    ok(counted(output, runners[OWN].failed) === 1 && output.includes("while it is read"), output);
    ok(output.includes("b.test.mjs"), output);
    same([...failuresIn(fine.output, OWN)], []);
    const failing =
      "const { ok } = await import('node:assert'); test('what is false', () => ok(1 === 2, '1 === 2'));\n";
    const failed = await run(written("c.test.mjs", failing), good);
    const failures = failuresIn(failed.output, OWN);
    same([failed.code, [...failures.keys()]], [1, ["what is false"]], failed.output);
    ok(failures.get("what is false")!.includes("1 === 2"), failures.get("what is false"));
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  }
});
