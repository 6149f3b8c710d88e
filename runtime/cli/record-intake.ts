/** Readers, table and judge for a company's record files, as its configuration has them. */
import { Effect } from "effect";
import {
  formatOf,
  type Position,
  RECORD_FORMATS,
  type RecordFormat,
  type RecordReader,
  recordReader,
  trunkMatcher,
  zoneOf,
} from "../../codecs/cdr/mod.ts";
import { type CallTable, callTable, type Intake, intake, judgeFor } from "../../machines/records/mod.ts";
import type { Configuration } from "../config/mod.ts";
import { type Stopped, stopped } from "./exit.ts";
import { complain } from "./output.ts";

export interface RecordIntake {
  readonly intake: Intake;
  /** `head`: the first bytes of the file. */
  readonly readerFor: (file: string, head: Uint8Array, from?: Position) => Effect.Effect<RecordReader, Stopped>;
}

export const recordIntake = Effect.fn("cli.recordIntake")(function* (
  { config, plan }: Configuration,
  formatFlag: string | undefined,
  table: CallTable = callTable(),
): Effect.fn.Return<RecordIntake, Stopped> {
  const { records, trunk } = config;
  const named = yield* formatNamed(
    formatFlag ?? records.format,
    formatFlag === undefined ? "records.format" : "--format",
  );
  const zone = zoneOf(records.zone ?? "UTC");
  if (zone === undefined)
    return yield* stopped("usage", `records.zone wants UTC, +02:00 or a name as Europe/Berlin, not "${records.zone}"`);
  const trunkOf = trunkMatcher(trunk);
  const hasTrunks = trunk.some(({ channels }) => channels.length > 0);
  const { mapping, template, fields } = records;
  const columns = records.columns.length > 0 ? records.columns : undefined;
  const readerFor: RecordIntake["readerFor"] = (file, head, from) => {
    const found = formatOf(head);
    if (found !== undefined && named !== undefined && found !== named)
      complain(`${file}: looks like ${found}, not ${named}: read as ${found}`);
    const made = recordReader({
      format: found ?? named ?? "asterisk",
      zone,
      trunkOf,
      hasTrunks,
      mapping,
      columns,
      template,
      fields,
      from,
      head,
    });
    return made.reader === undefined
      ? Effect.fail(stopped("usage", `[records] ${made.why}`))
      : Effect.succeed(made.reader);
  };
  return { intake: intake(judgeFor(plan), table), readerFor };
});

const formatNamed = (name: string | undefined, where: string): Effect.Effect<RecordFormat | undefined, Stopped> => {
  if (name === undefined || name === "auto") return Effect.succeed(undefined);
  const known = RECORD_FORMATS.find((one) => one === name);
  return known === undefined
    ? Effect.fail(stopped("usage", `${where} wants ${RECORD_FORMATS.join(", ")} or auto, not "${name}"`))
    : Effect.succeed(known);
};
