/** `vipr company`: all that a small company runs, in one process. */
import { Effect } from "effect";
import { companyTable } from "../command/tables/programs.ts";
import { loadConfig } from "./config-file.ts";
import { configured, logOf } from "./log-options.ts";
import { command } from "./options.ts";
import { runCommand } from "./run.ts";

export const companyCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(companyTable, args, async (values) => {
    const run = { name: "vipr company", log: logOf(values) };
    const [{ serveCompany }, { nodeLayer }] = await Promise.all([import("./serve-company.ts"), import("../node.ts")]);
    const program = configured(values, (configuration) => serveCompany(configuration, loadConfig(values)));
    return await runCommand(run, Effect.provide(program, nodeLayer()));
  });
