/** `vipr numbers`: the numbers that call agents publish at a ViPR server; one switched off and on, or withdrawn. */
import { Effect } from "effect";
import type { ShownNumber } from "../../actors/admin/listed.ts";
import type { ViprConfig } from "../config/mod.ts";
import { missing, serverData } from "./config-file.ts";
import { LISTED_OPTIONS, type ListedOf, listedHelp, listedOrder } from "./listed.ts";
import { command } from "./options.ts";
import { runCommand } from "./run.ts";

const HELP = `vipr numbers: the numbers that call agents publish at the ViPR server

usage: vipr numbers list [--config FILE | --data DIR] [--json]
       vipr numbers show|disable|enable|forget NUMBER [--config FILE | --data DIR] [--json]

  list     each number: its domain, until when the overlay stores it; "off" where it is switched off
  show     one of them, with its VService
  disable  takes it out of the overlay and grants no ticket for it from now on, also after a restart,
           until
  enable   publishes it again
  forget   takes it out of the overlay; it comes back when a call agent publishes it again

${listedHelp("the ViPR server", "server.data")}`;

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
  command({ name: "vipr numbers", help: HELP, options: LISTED_OPTIONS, words: [1, 2] }, args, (values, words) =>
    runCommand({ name: "vipr numbers", logLevel: "Warn" }, listedOrder(NUMBERS, values, words)),
  );
