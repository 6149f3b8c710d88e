/** `vipr border`: the only door between a company's SIP network and the Internet. */
import { Effect } from "effect";
import { borderTable } from "../command/tables/programs.ts";
import { loadConfig } from "./config-file.ts";
import { configured, logOf } from "./log-options.ts";
import { command } from "./options.ts";
import { runCommand } from "./run.ts";

export const borderCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(borderTable, args, async (values) => {
    const run = { name: "vipr border", log: logOf(values) };
    const [{ serveBorderProgram }, { nodeLayer }] = await Promise.all([
      import("./serve-border.ts"),
      import("../node.ts"),
    ]);
    const program = configured(values, (configuration) =>
      serveBorderProgram(configuration, { again: loadConfig(values) }),
    );
    return await runCommand(run, Effect.provide(program, nodeLayer()));
  });
