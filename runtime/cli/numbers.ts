/** `vipr numbers`: the numbers that call agents publish at a ViPR server; one switched off and on, or withdrawn. */
import { Effect } from "effect";
import type { ShownNumber } from "../../actors/admin/listed.ts";
import { numbersTable } from "../command/tables/listed.ts";
import type { ViprConfig } from "../config/mod.ts";
import { missing, serverData } from "./config-file.ts";
import { type ListedOf, listedOrder } from "./listed.ts";
import { command } from "./options.ts";
import { runCommand } from "./run.ts";

/** The directory of the company's server. */
export const serverDataOf = (config: ViprConfig) => {
  const found = serverData(config);
  return found === undefined
    ? Effect.fail(missing("server.data", "the ViPR server's directory"))
    : Effect.succeed(found);
};

const NUMBERS: ListedOf<ShownNumber> = {
  what: "numbers",
  program: "the ViPR server",
  dataOf: serverDataOf,
  lineOf: ({ number, domain, expires, disabled }) =>
    `${number.padEnd(16)} ${domain}  ${expires === null ? "not in the overlay" : `until ${expires}`}${disabled ? "  off" : ""}`,
  detailsOf: ({ vservice, tenant }) => [`  VService ${vservice}`, ...(tenant === "" ? [] : [`  of ${tenant}`])],
};

export const numbersCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(numbersTable, args, (values, words) =>
    runCommand({ name: "vipr numbers", logLevel: "Warn" }, listedOrder(NUMBERS, values, words)),
  );
