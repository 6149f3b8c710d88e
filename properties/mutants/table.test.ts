/** The table of mutants is of today's sources, and a mutant is judged as the page says. docs/mutants.md. */
import { ok, deepStrictEqual as same } from "node:assert";
import { test } from "../kit/harness.ts";
import { judge, judgeByFederations, judgeWith } from "./judge.ts";
import { type Mutant, mutated, ROOT } from "./mutant.ts";
import { mutants } from "./table.ts";
import { testsOf } from "./which.ts";

test("mutants: each text stands once in its file, and each has tests that load that file", () => {
  for (const mutant of mutants) mutated(mutant);
  same(
    mutants.filter((mutant) => testsOf(mutant).length === 0).map(({ name }) => name),
    [],
  );
  same(new Set(mutants.map(({ name }) => name)).size, mutants.length);
  ok(mutants.length >= 40);
});

const named = (name: string): Mutant => mutants.find((one) => one.name === name)!;

// What they run is Node in any case.
if (!("Deno" in globalThis) && !("Bun" in globalThis)) {
  test("mutants: a fault is caught by a law that passes without it", async () => {
    const verdict = await judge(named("ticket.stolen"));
    ok(verdict.verdict === "caught" && verdict.by !== "" && /^properties\/(ticket|sip)\//.test(verdict.file));
  });

  test("mutants: whole federations alone may judge, and name the first that is violated", async () => {
    same(await judgeByFederations(named("storage.generation"), 10, 1), {
      verdict: "caught",
      by: "signature: c1.example's node answers x1.example by storeAns: a write upon a generation that was never there",
      file: "federation 10",
    });
  });

  test("mutants: a command may judge instead, with the fault and without it", async () => {
    const judged = async (...command: ReadonlyArray<string>) =>
      (await judgeWith(named("ticket.stolen"), command)).verdict;
    const checker = `${ROOT}machines/ticket/checker.ts`;
    const looks = `process.exit(/domains.length === 0/.test((await import("${checker}")).checkTicket) ? 1 : 0)`;
    same(await judged("node", "--input-type=module", "--eval", looks), "caught");
    same(await judged("vipr", "--version"), "survived");
    same(await judged("vipr", "no-such-command"), "broken");
  });
}
