/** A command with long work, for the tests of what is shown of it: `counts` counts by a clock of its own, `lasts` until a signal. */
import process from "node:process";
import { Effect } from "effect";
import { complain, say } from "../../runtime/cli/output.ts";
import { progressLine } from "../../runtime/cli/progress.ts";
import { runCommand } from "../../runtime/cli/run.ts";

const counts = (): void => {
  let nowMs = 0;
  const line = progressLine(() => nowMs);
  for (; nowMs <= 12_000; nowMs += 400) {
    line(() => `file: ${nowMs} of 12000${nowMs < 6_000 ? ", and a word about it" : ""}`);
    if (nowMs === 8_000) complain("a word of warning");
  }
  line(() => `file: ${"too wide for any terminal ".repeat(20)}`);
  say("the end");
};

if (process.argv[2] === "counts") counts();
else
  process.exitCode = await runCommand(
    { name: "vipr test", unfinished: process.argv[2] === "lasts" ? "ended by a signal: nothing is done" : undefined },
    Effect.andThen(
      Effect.sync(() => say("begun")),
      Effect.never,
    ),
  );
