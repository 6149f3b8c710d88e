/** The demonstration as a stranger runs it: a process, real sockets, its last line, its exit codes. */
import { ok, deepStrictEqual as same } from "node:assert";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { longTest, test } from "../kit/harness.ts";

const MAIN = new URL("../../runtime/main.ts", import.meta.url).pathname;
const EXPLAINED = "+81355506960";
const EXAMPLE = new URL("../examples/Master.csv", import.meta.url);

/** Under the runtime that runs this test. */
const vipr = (...args: ReadonlyArray<string>): Promise<{ code: number | null; out: string; err: string }> =>
  new Promise((resolve) => {
    const own = "Deno" in globalThis ? ["run", "-A"] : [];
    const child = spawn(process.execPath, [...own, MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    child.on("close", (code) => resolve({ code, out, err }));
  });

const withFile = async (text: string, use: (file: string) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "vipr-"));
  try {
    const file = join(folder, "Master.csv");
    writeFileSync(file, text);
    await use(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** Lines of the example; the whole of it is played above. */
const CALLS_OF_ANOTHER = 60;
const summaryIn = (out: string) => JSON.parse(out.trimEnd().split("\n").at(-1)!).summary;

test("demo --once --json: what must hold holds, and is in the last line", async () => {
  // A number of the example that others call; it is printed whole, since it was asked for.
  const { code, out, err } = await vipr("demo", "--once", "--json", "--seed", "7", "--explain", EXPLAINED);
  same(err, "");
  same(code, 0);
  for (const line of out.trimEnd().split("\n")) JSON.parse(line);
  const summary = summaryIn(out);
  same(
    [summary.domains, summary.nodes, summary.falseRoutes, summary.failedCalls, summary.intrusionsAdmitted],
    [3, 8, 0, 0, 0],
  );
  ok(summary.published >= 60 && summary.validated >= 40, JSON.stringify(summary));
  ok(summary.sipCalls >= 30 && summary.pstnFallbacks >= 5, JSON.stringify(summary));
  ok(Object.values(summary.intrusions as Record<string, number>).filter((refused) => refused > 0).length >= 5);
  ok(!/\+1408555\d/.test(out), "a whole number was printed");
  const stories = out
    .split("\n")
    .filter((line) => line.includes('"type":"story"'))
    .map((line) => JSON.parse(line).story);
  ok(
    stories.some(({ isPublished, received }) => isPublished && received > 0),
    "its owner tells of it",
  );
  const callers = stories.filter(({ sent }) => sent > 0);
  ok(callers.length > 0, "and somebody who called it");
  for (const { learned, claims, waiting, requiredBits } of callers) {
    same(waiting, []);
    const best = Math.max(0, ...claims.map(({ bits }: { readonly bits: number }) => bits));
    ok(learned !== undefined || best < requiredBits);
  }
});

longTest(
  "demo --calls: bad lines are reported with their line number and skipped; other numbers find their companies",
  async () => {
    const other = readFileSync(EXAMPLE, "utf8").replaceAll("1408555", "3312345").replaceAll("4930555", "3906555");
    const lines = other.split("\n").slice(0, CALLS_OF_ANOTHER);
    lines.splice(3, 0, '"unclosed,quote', "too,few");
    await withFile(lines.join("\n"), async (file) => {
      const { code, out, err } = await vipr("demo", "--once", "--calls", file);
      same(code, 0);
      ok(/line \d+: .*skipped/.test(err), err);
      ok(out.includes("False routes: 0. Intrusions admitted: 0."), out);
    });
  },
);

test("demo --calls with nothing usable ends with a clear error and exit 2", async () => {
  for (const text of ["", "nonsense\n", "\u0000\u0001\u0002"])
    await withFile(text, async (file) => {
      const { code, err } = await vipr("demo", "--once", "--calls", file);
      same(code, 2);
      ok(err.includes("no line tells an answered call"), err);
    });
  const missing = await vipr("demo", "--once", "--calls", "/nowhere/Master.csv");
  same(missing.code, 2);
  ok(missing.err.includes("cannot read the calls"), missing.err);
});

test("vipr: wrong words end with exit 2 and say what was wrong, help with 0", async () => {
  for (const args of [
    ["demo", "--sed", "1"],
    ["demo", "--seed", "x"],
    ["demo", "--domain", "x"],
    ["demo", "--admin", "192.0.2.1:80"],
    ["dmo"],
    [],
  ]) {
    const { code, err } = await vipr(...args);
    same(code, 2);
    ok(err.length > 0);
  }
  const help = await vipr("demo", "--help");
  same(help.code, 0);
  ok(help.out.includes("--once"));
});
