#!/usr/bin/env node
/**
 * The `vipr` command. Each subcommand loads what it uses, and nothing else; help comes from the tables (command/tables.ts), for
 * which nothing is loaded.
 */
import process from "node:process";
import { keepCode, whyNotHere } from "./cli/begin.ts";
import { complain, say } from "./cli/output.ts";
import { exitCode } from "./command/exit-codes.ts";
import { allHelp, helpOf, helpPaint } from "./command/help.ts";
import { didYouMean } from "./command/near.ts";
import { type CommandName, TABLES, tableOf } from "./command/tables.ts";

type Run = (args: ReadonlyArray<string>) => Promise<number> | number;

const RUN: Readonly<Record<CommandName, Run>> = {
  authority: async (args) => (await import("./cli/authority.ts")).authorityCommand(args),
  node: async (args) => (await import("./cli/node.ts")).nodeCommand(args),
  server: async (args) => (await import("./cli/server.ts")).serverCommand(args),
  routes: async (args) => (await import("./cli/routes.ts")).routesCommand(args),
  numbers: async (args) => (await import("./cli/numbers.ts")).numbersCommand(args),
  status: async (args) => (await import("./cli/status.ts")).statusCommand(args),
  page: async (args) => (await import("./cli/page.ts")).pageCommand(args),
  doctor: async (args) => (await import("./cli/doctor.ts")).doctorCommand(args),
  backup: async (args) => (await import("./cli/backup.ts")).backupCommand(args),
  restore: async (args) => (await import("./cli/backup.ts")).restoreCommand(args),
  ring: async (args) => (await import("./cli/ring.ts")).ringCommand(args),
  agent: async (args) => (await import("./cli/agent.ts")).agentCommand(args),
  border: async (args) => (await import("./cli/border.ts")).borderCommand(args),
  company: async (args) => (await import("./cli/company.ts")).companyCommand(args),
  calls: async (args) => (await import("./cli/calls.ts")).callsCommand(args),
  vcr: async (args) => (await import("./cli/vcr.ts")).vcrCommand(args),
  ticket: async (args) => (await import("./cli/ticket.ts")).ticketCommand(args),
  config: async (args) => (await import("./cli/config.ts")).configCommand(args),
  number: async (args) => (await import("./cli/number.ts")).numberCommand(args),
  explain: async (args) => (await import("./cli/explain.ts")).explainCommand(args),
  "verify-call": async (args) => (await import("./cli/verify-call.ts")).verifyCallCommand(args),
  capture: async (args) => (await import("./cli/capture.ts")).captureCommand(args),
  dissector: async (args) => (await import("./cli/dissector.ts")).dissectorCommand(args),
  demo: async (args) => (await import("./demo/command.ts")).demoCommand(args),
  replay: async (args) => (await import("./replay.ts")).replayCommand(args),
  simulate: async (args) => (await import("./simulate/command.ts")).simulateCommand(args),
  fuzz: async (args) =>
    (await import("./cli/fuzz.ts")).fuzzCommand(args, new URL("../properties/fuzz/thread.ts", import.meta.url)),
  completion: async (args) => (await import("./cli/completion.ts")).completionCommand(args),
  version: async (args) => (await import("./cli/version.ts")).versionCommand(args),
  help: async (args) => (await import("./cli/help.ts")).helpCommand(args),
};

/** What stands for a command as an option. */
const AS_OPTIONS: Readonly<Record<string, CommandName>> = {
  "--help": "help",
  "-h": "help",
  "--version": "version",
  "-V": "version",
};

const unfit = whyNotHere();
if (unfit !== undefined) {
  complain(unfit);
  process.exit(exitCode.usage);
}
const [first, ...args] = process.argv.slice(2);
const table = tableOf(AS_OPTIONS[first ?? ""] ?? first);
if (table === undefined) {
  const names = TABLES.map(({ name }) => name);
  complain(
    first === undefined
      ? allHelp(TABLES)
      : `vipr: there is no command "${first}"${didYouMean(first, names)}\nvipr --help prints all commands`,
  );
  process.exit(exitCode.usage);
}
if (args.some((one) => one === "--help" || one === "-h")) {
  say(
    helpOf(
      table,
      args.find((one) => Object.hasOwn(table.orders ?? {}, one)),
    ),
    helpPaint,
  );
  process.exit(exitCode.done);
}
keepCode();
process.exit(await RUN[table.name](args));
