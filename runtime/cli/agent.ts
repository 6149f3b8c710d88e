/** `vipr agent`: the call agent of a company, between its PBX and its trunks. */
import { Effect } from "effect";
import { CONFIG_HELP, configOptions, loadConfig } from "./config-file.ts";
import { configured, LOG_HELP, logOf, logOptions } from "./log-options.ts";
import { command } from "./options.ts";
import { runCommand } from "./run.ts";

const HELP = `vipr agent: the company's call agent, a record-routing SIP proxy between its PBX and its trunks

usage: vipr agent [--config FILE] [--set KEY=VALUE]... [--verbose]

Calls from the PBX go over the Internet where a route to the number is known, and to the trunk
otherwise, or when that fails before somebody answers. Calls over the trunks are recorded when they
end and reported to the ViPR server, which proves them later; what comes of it is a route. The PBX
needs no change but the address of its trunk. A PBX that keeps its proxy asks GET /route (route.listen).
Without agent.listen it follows the exchange's record file instead, records.file.

${CONFIG_HELP}
${LOG_HELP}
  --help              this text

What it needs of the configuration: domain, [vap] primary, user, password-file, overlay, ca-file;
[numbers] own, country; [[trunk]] with host; [agent] listen, pbx, data; and border and public for calls
over the Internet. docs/operator.md has a whole one; vipr config check finds mistakes in it.

The log goes to standard error, a line an event; it holds no password and no whole telephone number.
SIGTERM and SIGINT end it: calls that are up go on without it, and are recorded when it is back.

exit codes: 0 ended politely, 2 options or configuration, 4 the ViPR server refuses, 5 a port is taken,
6 another process has the data directory, 7 it cannot be written, 8 the disk is full, 9 it is damaged
`;

export const agentCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command({ name: "vipr agent", help: HELP, options: { ...configOptions, ...logOptions } }, args, async (values) => {
    const run = { name: "vipr agent", log: logOf(values) };
    const [{ serveAgent }, { nodeLayer }] = await Promise.all([import("./serve-agent.ts"), import("../node.ts")]);
    const program = configured(values, (configuration) => serveAgent(configuration, { again: loadConfig(values) }));
    return await runCommand(run, Effect.provide(program, nodeLayer()));
  });
