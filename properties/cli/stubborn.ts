/** A command that does not finish: what a signal, a second one and the time limit make of it. Run by service.test.ts. */
import process from "node:process";
import { Effect } from "effect";
import { say } from "../../runtime/cli/output.ts";
import { runCommand } from "../../runtime/cli/run.ts";

const program = Effect.gen(function* () {
  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      Effect.sync(() => say("asked to end")),
      Effect.never,
    ),
  );
  say("up");
  return yield* Effect.never;
});
process.exit(await runCommand({ name: "stubborn", logLevel: "Warn" }, program));
