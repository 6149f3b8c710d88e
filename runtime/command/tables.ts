/** Every command's table, in the order of `vipr --help`. */
import type { CommandTable } from "./spec.ts";
import { authorityTable } from "./tables/authority.ts";
import { backupTable, restoreTable } from "./tables/keeping.ts";
import { callsTable, numbersTable, routesTable } from "./tables/listed.ts";
import { doctorTable, explainTable, pageTable, ringTable, statusTable } from "./tables/look.ts";
import { nodeTable } from "./tables/node.ts";
import { agentTable, borderTable, companyTable } from "./tables/programs.ts";
import { numberTable, vcrTable, verifyCallTable } from "./tables/records.ts";
import { serverTable } from "./tables/server.ts";
import { simulateTable } from "./tables/simulate.ts";
import { ticketTable } from "./tables/ticket.ts";
import { completionTable, configTable, helpTable, versionTable } from "./tables/tools.ts";
import { captureTable, dissectorTable } from "./tables/traffic.ts";
import { demoTable, fuzzTable, replayTable } from "./tables/trials.ts";

const ALL = [
  authorityTable,
  nodeTable,
  serverTable,
  routesTable,
  numbersTable,
  statusTable,
  pageTable,
  doctorTable,
  backupTable,
  restoreTable,
  ringTable,
  companyTable,
  agentTable,
  borderTable,
  callsTable,
  vcrTable,
  ticketTable,
  configTable,
  numberTable,
  explainTable,
  verifyCallTable,
  captureTable,
  dissectorTable,
  demoTable,
  replayTable,
  simulateTable,
  fuzzTable,
  completionTable,
  versionTable,
  helpTable,
] as const;

export type CommandName = (typeof ALL)[number]["name"];
export const TABLES: ReadonlyArray<CommandTable<CommandName>> = ALL;
export const tableOf = (name: string | undefined): CommandTable<CommandName> | undefined =>
  TABLES.find((one) => one.name === name);
