/** `vipr simulate federation` as a process: its last line, its exit codes, the file it leaves, and `vipr replay` of that. */
import { ok, deepStrictEqual as same } from "node:assert";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { start, until, vipr, withFolder } from "../cli/processes.ts";
import { longTest, test } from "../kit/harness.ts";

const federation = (...args: ReadonlyArray<string>) => vipr(["simulate", "federation", ...args]);

longTest(
  "vipr simulate federation: one line of JSON for a run, its file, and the same events when it is replayed",
  () =>
    withFolder(async (folder) => {
      const file = join(folder, "run.trace");
      const { code, out, err } = await federation("--seed", "2", "--minutes", "1", "--json", "--trace", file);
      same([code, err], [0, ""]);
      const line = JSON.parse(out);
      same([line.verdict, line.checker, line.trace, line.seed], ["held", null, file, 2]);
      ok(line.calls > 0 && line.simulatedMinutes === 1 && line.restMinutes > 0 && line.seconds > 0);
      const again = await vipr(["replay", file, "--step"], "\n\n\n");
      same(again.code, 0, again.err);
      ok(/^ {4}time s {2}\S/.test(again.out) && /\d+ events, all the same\n$/.test(again.out));
    }),
);

test("vipr simulate federation: what cannot be taken is exit 2 and a sentence, and an interruption 130", () =>
  withFolder(async (folder) => {
    const unwritable = join(folder, "none", "run.trace");
    for (const [args, why] of [
      [["--minutes", "0"], /--minutes wants a whole number from 1/],
      [["--nightly", "--seeds", "3"], /--nightly has no end/],
      [["--trace", unwritable], /--trace cannot be written/],
      [["everything"], /nothing to do with "everything"/],
    ] as const) {
      const { code, err } = await federation(...args);
      same([code, why.test(err)], [2, true], err);
    }
    const long = start(["simulate", "federation", "--minutes", "10000", "--seed", "5"], undefined, undefined, folder);
    await until(async () => /federation 5: \d+ companies/.test(long.err()) || undefined, "its first line");
    same(await long.kill("SIGINT"), 130);
    same(existsSync(join(folder, "vipr-federation-5.trace")), false);
  }));
