/** Record files read as `vipr vcr import` reads them, for tests. */
import { readFileSync } from "node:fs";
import {
  formatOf,
  HEAD_BYTES,
  type RecordFormat,
  recordReader,
  type TrunkNames,
  trunkMatcher,
  zoneOf,
} from "../../codecs/cdr/mod.ts";
import { type DialPlan, type DialPlanInput, dialPlan } from "../../codecs/numbers/mod.ts";
import { callTable, intake, judgeFor, type Outcome } from "../../machines/records/mod.ts";

export const RECORDS = new URL("../vectors/records/", import.meta.url);

export interface Company {
  readonly numbers: DialPlanInput;
  readonly trunks: ReadonlyArray<TrunkNames>;
  readonly zone?: string;
  readonly format?: RecordFormat;
  readonly mapping?: string;
  readonly template?: string;
  readonly columns?: ReadonlyArray<string>;
}

/** As `vipr.toml` of the recordings has it. */
export const acme: Company = {
  numbers: {
    country: "US",
    area: "408",
    outside: ["9"],
    own: ["+14085550200..+14085550499"],
    trunks: { trunk1: { plus: "omitted-by-some" }, trunk2: { plus: "omitted-by-some" } },
  },
  trunks: [
    { name: "trunk1", channels: ["PJSIP/trunk1"] },
    { name: "trunk2", channels: ["PJSIP/trunk2"] },
  ],
};

export const planOf = (input: DialPlanInput): DialPlan => {
  const made = dialPlan(input);
  if (made.plan === undefined) throw new Error(JSON.stringify(made.errors));
  return made.plan;
};

/** `pieces`: sizes into which the bytes are cut. */
export const readRecords = (bytes: Uint8Array, company: Company = acme, pieces: ReadonlyArray<number> = []) => {
  const { numbers, trunks, zone = "UTC", mapping, template, columns } = company;
  const format = formatOf(bytes.subarray(0, HEAD_BYTES)) ?? company.format ?? "asterisk";
  const made = recordReader({
    format,
    zone: zoneOf(zone)!,
    trunkOf: trunkMatcher(trunks),
    hasTrunks: trunks.length > 0,
    mapping,
    template,
    columns,
  });
  if (made.reader === undefined) throw new Error(made.why);
  const taking = intake(judgeFor(planOf(numbers)), callTable());
  const outcomes: Array<Outcome> = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = pieces[i % Math.max(1, pieces.length)] ?? bytes.length;
    outcomes.push(...taking.take("f", made.reader.push(bytes.subarray(at, at + size))));
    at += size;
  }
  outcomes.push(...taking.take("f", made.reader.end()), ...taking.settle());
  return { outcomes, counts: taking.counts(), shiftMs: made.reader.zoneShiftMs() };
};

export const readFileOf = (file: string, company: Company = acme) =>
  readRecords(readFileSync(new URL(file, RECORDS)), company);

/** A call as one line, for comparing. */
export const lineOf = (outcome: Outcome): string => {
  if (outcome.type === "aside") return `${outcome.lines}: ${outcome.reason}`;
  const { direction, calling, called, startMs, stopMs } = outcome.call;
  const at = (ms: number) => new Date(ms).toISOString().slice(11).replace(".000Z", "").replace("Z", "");
  return `${direction} ${calling ?? "?"} > ${called} ${at(startMs)} ${at(stopMs)}`;
};
export const callLines = (outcomes: ReadonlyArray<Outcome>): ReadonlyArray<string> =>
  outcomes.filter(({ type }) => type === "call").map(lineOf);
