/** `vipr company`: all that a small company runs, in one process. */
import { Effect } from "effect";
import { CONFIG_HELP, configOptions, loadConfig } from "./config-file.ts";
import { configured, LOG_HELP, logOf, logOptions } from "./log-options.ts";
import { command } from "./options.ts";
import { runCommand } from "./run.ts";

const HELP = `vipr company: a company's ViPR server, call agent and border element in one process

usage: vipr company [--config FILE] [--set KEY=VALUE]... [--verbose]

It joins the overlay as vipr server does, stands between PBX and trunks as vipr agent does, and at the
company's edge as vipr border does. The three know of each other what they would be told one by one: the
domain and its secret, the agent's account, the way from agent to border element. It says "ready" when all
three serve.

${CONFIG_HELP}
${LOG_HELP}
  --help              this text

What it needs of the configuration: domain, data; [server] authority, fingerprint, user, password-file for
the first start; [numbers] country, own; [[trunk]] with host; [agent] listen, pbx, public; and [border] for
calls over the Internet. docs/tutorial.md goes from nothing to a PBX behind it in five commands.

The log goes to standard error, a line an event; it holds no password and no whole telephone number.
SIGTERM and SIGINT end it: calls that are up are recorded when it is back.

exit codes: 0 ended politely, 2 options or configuration, 3 the authority cannot be reached, 4 refused,
5 a port is taken, 6 another process has the data directory, 7 it cannot be written, 8 the disk is full,
9 it is damaged, 10 a certificate is not valid at this hour, 11 the overlay asks what this program cannot
`;

export const companyCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command({ name: "vipr company", help: HELP, options: { ...configOptions, ...logOptions } }, args, async (values) => {
    const run = { name: "vipr company", log: logOf(values) };
    const [{ serveCompany }, { nodeLayer }] = await Promise.all([import("./serve-company.ts"), import("../node.ts")]);
    const program = configured(values, (configuration) => serveCompany(configuration, loadConfig(values)));
    return await runCommand(run, Effect.provide(program, nodeLayer()));
  });
