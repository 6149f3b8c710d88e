/** `vipr doctor`: what is wrong with a company's programs on this machine, and what to do about each. */
import { Effect } from "effect";
import { CONFIG_HELP, configOptions, loadConfig } from "./config-file.ts";
import { checksOf } from "./doctor-checks.ts";
import { type Finding, reachedFrom, verdictText, worstOf } from "./doctor-finding.ts";
import { Stopped } from "./exit.ts";
import { command, endpointOf } from "./options.ts";
import { say } from "./output.ts";
import { runCommand } from "./run.ts";

const HELP = `vipr doctor: looks for what is wrong, and says what to do

usage: vipr doctor [--config FILE] [--set KEY=VALUE]... [--json]
       vipr doctor --reach HOST:PORT            (from another machine)

It looks at the configuration, the data directories, stores and disk, the ports from inside and at the
address that others are told, certificates and their days, the authority and the overlay, the clock beside
the overlay's nodes, and whether an account is used elsewhere. It changes nothing; a store is opened only
while no program has it.

${CONFIG_HELP}
  --reach HOST:PORT   run on another machine: whether that port can be reached from there
  --json              one JSON object {"version":1,"findings":[...]}
  --help              this text

exit codes: 0 all is well, 1 there is a warning, 2 options or configuration, 3 the worst is something that
does not answer, 4 an account used elsewhere, 5 a port, 7 a directory, 8 the disk, 9 a damaged store, 10 a
certificate or the clock
`;

const OPTIONS = { ...configOptions, reach: { type: "string" }, json: { type: "boolean", default: false } } as const;

export const doctorCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command({ name: "vipr doctor", help: HELP, options: OPTIONS }, args, async (values) => {
    const { reach, json } = values;
    const at = reach === undefined ? undefined : endpointOf(reach, "reach");
    const { nodeLayer } = await import("../node.ts");
    const looked = at === undefined ? Effect.flatMap(loadConfig(values), checksOf) : reachedFrom(at);
    const program = Effect.gen(function* () {
      const findings: ReadonlyArray<Finding> = yield* looked;
      const { code, sentence } = worstOf(findings);
      if (json) say(JSON.stringify({ version: 1, exitCode: code, findings }));
      else for (const finding of findings) say(verdictText(finding));
      if (code !== 0) return yield* new Stopped({ code, why: sentence });
    });
    return await runCommand({ name: "vipr doctor", logLevel: "Error" }, Effect.provide(program, nodeLayer()));
  });
