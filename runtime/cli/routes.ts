/** `vipr routes`: the routes that a call agent knows; one switched off and on, or forgotten. */
import { Effect } from "effect";
import type { ShownRoute } from "../../actors/admin/listed.ts";
import { routesTable } from "../command/tables/listed.ts";
import { agentData, missing } from "./config-file.ts";
import { type ListedOf, listedOrder } from "./listed.ts";
import { command } from "./options.ts";
import { runCommand } from "./run.ts";

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
  command(routesTable, args, (values, words) =>
    runCommand({ name: "vipr routes", logLevel: "Warn" }, listedOrder(ROUTES, values, words)),
  );
