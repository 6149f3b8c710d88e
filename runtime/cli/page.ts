/** `vipr page`: the address of the page that a company's running programs serve, with the token for its orders. */
import { Effect } from "effect";
import { addressText } from "../../actors/admin/report.ts";
import { CONFIG_HELP, configOptions, loadConfig } from "./config-file.ts";
import { readDoor } from "./door.ts";
import { stopped } from "./exit.ts";
import { knownFolder } from "./folder.ts";
import { command } from "./options.ts";
import { say } from "./output.ts";
import { programsOf } from "./program-state.ts";
import { runCommand } from "./run.ts";

const HELP = `vipr page: the address of the page that the company's programs serve on this machine

usage: vipr page [--config FILE | --data DIR]

  The page shows calls, validations, routes, what was refused, the overlay and the health of all programs
  of the configuration, live. The address ends with the token of the program that serves it: who has it may
  see whole numbers and give orders. From another machine: ssh -L 8080:HOST:PORT, and 127.0.0.1:8080 there.

${CONFIG_HELP}
  --data DIR          the directory of one program, instead of those of the configuration
  --help              this text

exit codes: 0, 2 options or configuration, 3 no program with an admin port runs
`;

const OPTIONS = { ...configOptions, data: { type: "string" } } as const;

export const pageCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command({ name: "vipr page", help: HELP, options: OPTIONS }, args, async (values) => {
    const { data } = values;
    const folders =
      data === undefined
        ? Effect.map(loadConfig(values), ({ config }) => programsOf(config).map((program) => program.data))
        : Effect.succeed([data]);
    const program = Effect.gen(function* () {
      for (const path of yield* folders) {
        const door = yield* Effect.option(Effect.flatMap(knownFolder(path), readDoor));
        if (door._tag === "Some") return say(`http://${addressText(door.value)}/#token=${door.value.token}`);
      }
      return yield* stopped("unreachable", "no program with an admin port runs here: vipr status says more");
    });
    return await runCommand({ name: "vipr page", logLevel: "Warn" }, program);
  });
