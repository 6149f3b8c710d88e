/** `vipr vcr`: call records of the exchange, read from its files and uploaded to the company's ViPR server. */

import { Effect } from "effect";
import { CONFIG_HELP, configOptions } from "./config-file.ts";
import { command, Wrong } from "./options.ts";
import { runCommand } from "./run.ts";
import { dryRun } from "./vcr-dry-run.ts";
import { vcrFollow } from "./vcr-follow.ts";
import { vcrImport } from "./vcr-import.ts";

/** Files of one import. */
const FILES_MAX = 10_000;

const HELP = `vipr vcr: call records of the exchange for the company's ViPR server

usage: vipr vcr import FILE... [--dry-run] [--json] [options]
       vipr vcr follow [FILE] [--json] [options]

  import    reads files to their ends, uploads their calls and ends when the server has all of them.
            What was read before is not read again: the place is kept on disk
  follow    goes on reading as the exchange writes, over rotation and truncation

FILE is what the exchange writes: Asterisk's Master.csv, cdr_custom or CEL, FreeSWITCH, CUCM, JSON lines
and others (docs/records.md); without FILE follow takes records.file. Rows that belong together are one
telephone call: one for each trunk channel. What is left aside is counted, by reason.

  --dry-run           reads and shows, uploads nothing, keeps nothing
  --data DIR          where the place and what is still to be uploaded are kept (default: agent.data)
  --format NAME       of the files, where they do not tell (default: records.format, else found out)
${CONFIG_HELP}
  --json              a line for each call, for each part left aside, and a summary at the end
  --verbose           more of the log

exit codes: 0 done, 2 options, configuration or a file that cannot be read, 3 no server, 4 not let in,
6 another process has the directory, 7 and 8 the disk
`;

export const vcrOptions = {
  ...configOptions,
  "dry-run": { type: "boolean", default: false },
  data: { type: "string" },
  format: { type: "string" },
  json: { type: "boolean", default: false },
  verbose: { type: "boolean", default: false },
} as const;

const ORDERS = {
  import: `usage: vipr vcr import FILE... [--dry-run] [--json] [--format NAME] [--data DIR]

Reads the files to their ends and ends when the server has all of their calls. What was read before is not
read again.

  --dry-run           reads and shows, uploads nothing, keeps nothing
  --data DIR          where the place and what is still to be uploaded are kept (default: agent.data)
  --format NAME       of the files, where they do not tell (default: records.format, else found out)
${CONFIG_HELP}
  --json              a line for each call, for each part left aside, and a summary at the end
`,
  follow: `usage: vipr vcr follow [FILE] [--json] [--format NAME] [--data DIR]

Goes on reading the file, or records.file, as the exchange writes it, over rotation and truncation.

  --data DIR          where the place and what is still to be uploaded are kept (default: agent.data)
  --format NAME       of the file, where it does not tell (default: records.format, else found out)
${CONFIG_HELP}
  --json              a line for each call and for each part left aside
`,
} as const;

export const vcrCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(
    { name: "vipr vcr", help: HELP, orders: ORDERS, options: vcrOptions, words: [1, 1 + FILES_MAX] },
    args,
    async (values, words) => {
      const [order, ...files] = words;
      const settings = { name: `vipr vcr ${order}`, logLevel: values.verbose ? "Info" : "Warn" } as const;
      if (order !== "import" && order !== "follow") throw new Wrong(`wants import or follow, not "${order}"`);
      if (order === "import" && files.length === 0) throw new Wrong("wants a file to import");
      if (order === "follow" && files.length > 1) throw new Wrong("follows one file");
      if (order === "follow" && values["dry-run"]) throw new Wrong("--dry-run is of import");
      if (values["dry-run"]) return await runCommand(settings, dryRun(files, values));
      const { nodeLayer } = await import("../node.ts");
      const run = order === "import" ? vcrImport(files, values) : vcrFollow(files[0], values);
      return await runCommand(settings, Effect.provide(run, nodeLayer()));
    },
  );
