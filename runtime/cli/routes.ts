/** `vipr routes`: the routes that a call agent knows; one switched off and on, or forgotten. */
import { Effect } from "effect";
import type { ShownRoute } from "../../actors/admin/listed.ts";
import { agentData, missing } from "./config-file.ts";
import { LISTED_OPTIONS, type ListedOf, listedHelp, listedOrder } from "./listed.ts";
import { command } from "./options.ts";
import { runCommand } from "./run.ts";

const HELP = `vipr routes: the routes that the call agent knows

usage: vipr routes list [--config FILE | --data DIR] [--json]
       vipr routes show|disable|enable|forget NUMBER [--config FILE | --data DIR] [--json]

  list     each route: number, domain, until when its ticket is good; "off" where it is switched off
  show     that of one number, with its SIP URIs
  disable  its calls take the telephone network from now on, also after a restart, until
  enable   switches it on again
  forget   removes it; it comes back when it is proved again

${listedHelp("the call agent", "agent.data")}`;

const ROUTES: ListedOf<ShownRoute> = {
  what: "routes",
  program: "the call agent",
  dataOf: (config) => {
    const found = agentData(config);
    return found === undefined
      ? Effect.fail(missing("agent.data", "the call agent's directory"))
      : Effect.succeed(found);
  },
  lineOf: ({ number, domain, expires, disabled }) =>
    `${number.padEnd(16)} ${domain}  until ${expires}${disabled ? "  off" : ""}`,
  detailsOf: ({ sipUris }) => sipUris.map((uri) => `  ${uri}`),
};

export const routesCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command({ name: "vipr routes", help: HELP, options: LISTED_OPTIONS, words: [1, 2] }, args, (values, words) =>
    runCommand({ name: "vipr routes", logLevel: "Warn" }, listedOrder(ROUTES, values, words)),
  );
