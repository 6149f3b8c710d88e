/** `vipr border`: the only door between a company's SIP network and the Internet. */
import { Effect } from "effect";
import { CONFIG_HELP, configOptions, loadConfig } from "./config-file.ts";
import { configured, LOG_HELP, logOf, logOptions } from "./log-options.ts";
import { command } from "./options.ts";
import { runCommand } from "./run.ts";

const HELP = `vipr border: the company's border element, between its call agent and other companies

usage: vipr border [--config FILE] [--set KEY=VALUE]... [--verbose]

Calls from other companies come over TLS with certificates on both sides, and only with a ticket for this
number and that domain; all else is refused and counted. Calls of ours leave by the route that the call
agent has put on them. What shows the inside is hidden; media is relayed and encrypted if [media] says so.

${CONFIG_HELP}
${LOG_HELP}
  --help              this text

What it needs of the configuration: domain, data; [border] outside, certificate-file, key-file, ca-file,
secrets-file; and [media] where telephones do not speak SRTP themselves.

SIGHUP makes it read certificates, ticket secrets and the limits of [border] again: calls that are up go on,
and tickets of an epoch that is in the file no more are refused from then on. What else has changed counts
after a restart, and the log says so. SIGTERM and SIGINT end it; calls that are up go on
when it is back. vipr calls shows what it does.

The log goes to standard error, a line an event; it holds no key and no whole telephone number.

exit codes: 0 ended politely, 2 options or configuration, 5 a port is taken, 6 another process has the data
directory, 7 it cannot be written, 8 the disk is full, 9 it is damaged
`;

export const borderCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command({ name: "vipr border", help: HELP, options: { ...configOptions, ...logOptions } }, args, async (values) => {
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
