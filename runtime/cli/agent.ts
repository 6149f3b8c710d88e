/** `vipr agent`: the call agent of a company, between its PBX and its trunks. */
import { Effect } from "effect";
import { agentTable } from "../command/tables/programs.ts";
import { loadConfig } from "./config-file.ts";
import { configured, logOf } from "./log-options.ts";
import { command } from "./options.ts";
import { runCommand } from "./run.ts";

export const agentCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(agentTable, args, async (values) => {
    const run = { name: "vipr agent", log: logOf(values) };
    const [{ serveAgent }, { nodeLayer }] = await Promise.all([import("./serve-agent.ts"), import("../node.ts")]);
    const program = configured(values, (configuration) => serveAgent(configuration, { again: loadConfig(values) }));
    return await runCommand(run, Effect.provide(program, nodeLayer()));
  });
