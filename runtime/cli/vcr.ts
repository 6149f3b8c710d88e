/** `vipr vcr`: call records of the exchange, read from its files and uploaded to the company's ViPR server. */

import { Effect } from "effect";
import { vcrTable } from "../command/tables/records.ts";
import { command } from "./options.ts";
import { runCommand } from "./run.ts";
import { dryRun } from "./vcr-dry-run.ts";
import { vcrFollow } from "./vcr-follow.ts";
import { vcrImport } from "./vcr-import.ts";

const UNFINISHED = "ended by a signal: the same command goes on from where it was";

export const vcrCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(vcrTable, args, async (values, words) => {
    const [order, ...files] = words;
    const settings = { name: `vipr vcr ${order}`, logLevel: values.verbose ? "Info" : "Warn" } as const;

    if (values["dry-run"])
      return await runCommand(
        { ...settings, unfinished: "ended by a signal: not all was read" },
        dryRun(files, values),
      );
    const { nodeLayer } = await import("../node.ts");
    const run = order === "import" ? vcrImport(files, values) : vcrFollow(files[0], values);
    const unfinished = order === "import" ? UNFINISHED : undefined; // who follows a file never has finished
    return await runCommand({ ...settings, unfinished }, Effect.provide(run, nodeLayer()));
  });
