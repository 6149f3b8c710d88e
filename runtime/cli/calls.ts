/**
 * `vipr calls`: the calls that a company's programs carry, what they count, and what they could not read. With an order: the
 * calls that wait at the ViPR server for their validation, by number.
 */
import process from "node:process";
import { Effect, Result } from "effect";
import { CALLS_VERSION, type CallsReport } from "../../actors/admin/calls-form.ts";
import type { ShownCalls } from "../../actors/admin/listed.ts";
import type { Endpoint } from "../../codecs/reload/mod.ts";
import { askAdmin } from "../admin-client.ts";
import { callsTable } from "../command/tables/listed.ts";
import type { ViprConfig } from "../config/mod.ts";
import { callsText } from "./calls-text.ts";
import { agentData, borderData, loadConfig } from "./config-file.ts";
import { readDoor } from "./door.ts";
import { type Stopped, stopped } from "./exit.ts";
import { knownFolder } from "./folder.ts";
import { type ListedOf, listedOrder } from "./listed.ts";
import { serverDataOf } from "./numbers.ts";
import { command, loopbackOf, Wrong, wholeOf } from "./options.ts";
import { clear, say } from "./output.ts";
import { runCommand } from "./run.ts";

const EVERY_S_MAX = 3_600;

export const callsCommand = (args: ReadonlyArray<string>): Promise<number> =>
  command(callsTable, args, async (values, words) => {
    const { admin, data, json, watch } = values;
    if (words.length > 0) {
      if (admin !== undefined || watch) throw new Wrong("--admin and --watch belong to no order");
      return await runCommand({ name: "vipr calls", logLevel: "Warn" }, listedOrder(WAITING, values, words));
    }
    if (admin !== undefined && data !== undefined) throw new Wrong("--admin and --data both say where: give one");
    const everyMs = 1_000 * wholeOf(values.every, "every", 1, EVERY_S_MAX);
    const at = admin === undefined ? undefined : loopbackOf(admin, "admin", 0);
    const reports =
      at !== undefined
        ? Effect.map(reportAt(at), (one) => [one])
        : Effect.flatMap(
            data === undefined ? Effect.flatMap(loadConfig(values), foldersOf) : Effect.succeed([data]),
            reportsOf,
          );
    const show = Effect.map(reports, (all) => tell(all, json, watch));
    // A program that restarts is waited for, once it has been seen.
    const again = Effect.andThen(
      Effect.sleep(everyMs),
      Effect.catch(show, ({ why }) => Effect.sync(() => say(json ? JSON.stringify({ error: why }) : why))),
    );
    const program = watch ? Effect.andThen(show, Effect.forever(again)) : show;
    return await runCommand({ name: "vipr calls", logLevel: "Warn" }, program);
  });

const WAITING: ListedOf<ShownCalls> = {
  what: "calls",
  program: "the ViPR server",
  dataOf: serverDataOf,
  lineOf: ({ number, waiting, due, disabled }) =>
    `${number.padEnd(16)} ${waiting} waiting${due === null ? "" : `, due ${due}`}${disabled ? "  off" : ""}`,
  detailsOf: ({ tenant }) => (tenant === "" ? [] : [`  of ${tenant}`]),
};

/** Where the programs of this configuration keep what outlives them. */
const foldersOf = ({ config }: { readonly config: ViprConfig }): Effect.Effect<ReadonlyArray<string>, Stopped> => {
  const folders = [agentData(config), borderData(config)].filter((folder) => folder !== undefined);
  return folders.length > 0
    ? Effect.succeed(folders)
    : Effect.fail(stopped("usage", "agent.data is missing in the configuration; or give --data or --admin"));
};

/** Of those that run; the reason of the first where none does. */
const reportsOf = Effect.fnUntraced(function* (folders: ReadonlyArray<string>) {
  const of = (folder: string) => Effect.result(Effect.flatMap(Effect.flatMap(knownFolder(folder), readDoor), reportAt));
  const all = yield* Effect.forEach(folders, of);
  const reports = all.filter(Result.isSuccess).map(({ success }) => success);
  if (reports.length > 0) return reports;
  return yield* Effect.fail(all.find(Result.isFailure)!.failure);
});

const reportAt = Effect.fnUntraced(function* (at: Endpoint): Effect.fn.Return<CallsReport, Stopped> {
  const { status, body } = yield* Effect.mapError(askAdmin(at, "/calls.json"), ({ why }) =>
    stopped("unreachable", `nobody answers at ${why}`),
  );
  const { version, error } = body as { readonly version?: number; readonly error?: string };
  if (status === 200 && version === CALLS_VERSION) return body as CallsReport;
  return yield* stopped("unreachable", error ?? `what answers at ${at.host}:${at.port} has no calls of this version`);
});

const tell = (reports: ReadonlyArray<CallsReport>, json: boolean, watch: boolean): void => {
  if (!json && watch && process.stdout.isTTY) clear();
  say(json ? JSON.stringify({ version: CALLS_VERSION, programs: reports }) : reports.map(callsText).join("\n\n"));
};
