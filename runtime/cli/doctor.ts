/** `vipr doctor`: what is wrong with a company's programs on this machine, and what to do about each. */
import { Effect } from "effect";
import { doctorTable } from "../command/tables/look.ts";
import { loadConfig } from "./config-file.ts";
import { checksOf } from "./doctor-checks.ts";
import { type Finding, reachedFrom, verdictPaint, verdictText, worstOf } from "./doctor-finding.ts";
import { Stopped } from "./exit.ts";
import { command, endpointOf } from "./options.ts";
import { say } from "./output.ts";
import { atWork } from "./progress.ts";
import { runCommand } from "./run.ts";

export const doctorCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(doctorTable, args, async (values) => {
    const { reach, json } = values;
    const at = reach === undefined ? undefined : endpointOf(reach, "reach");
    const { nodeLayer } = await import("../node.ts");
    const looked =
      at === undefined
        ? Effect.flatMap(loadConfig(values), (configuration) =>
            checksOf(configuration, (what) => atWork(`looking at ${what} ...`)),
          )
        : Effect.suspend(() => {
            atWork(`connecting to ${reach} ...`);
            return reachedFrom(at);
          });
    const program = Effect.gen(function* () {
      const findings: ReadonlyArray<Finding> = yield* looked;
      const { code, sentence } = worstOf(findings);
      if (json) say(JSON.stringify({ version: 1, exitCode: code, findings }));
      else for (const finding of findings) say(verdictText(finding), verdictPaint);
      if (code !== 0) return yield* new Stopped({ code, why: sentence });
    });
    return await runCommand({ name: "vipr doctor", logLevel: "Error" }, Effect.provide(program, nodeLayer()));
  });
