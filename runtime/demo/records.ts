/** The calls of the demonstration: an Asterisk file of whole international numbers, and each line that is no call. */
import { asteriskReader, FILE_BEGIN, zoneOf } from "../../codecs/cdr/mod.ts";
import { type DialPlan, dialPlan, readNumber } from "../../codecs/numbers/mod.ts";
import { type E164, type UnixMs, unixMs } from "../../codecs/shared/mod.ts";
import { callTable, type RecordedCall, takeRow, takeSettled } from "../../machines/records/mod.ts";

/** One answered call. */
export interface DemoCall {
  readonly line: number;
  /** Undefined: the caller withheld the number, or the file has none. */
  readonly calling: E164 | undefined;
  readonly called: E164;
  readonly startMs: UnixMs;
  readonly durationMs: number;
}

export interface DemoProblem {
  readonly line: number;
  /** `skipped`: a valid line of a call that was not answered. */
  readonly kind: "error" | "skipped";
  /** A sentence for people; it never contains a telephone number. */
  readonly reason: string;
}

export interface DemoReading {
  readonly calls: ReadonlyArray<DemoCall>;
  readonly problems: ReadonlyArray<DemoProblem>;
}

/** Nobody has told the demonstration of a country: digits are international, with `+`, with `00`, or bare. */
const PLAN = dialPlan({ international: ["00"], trunks: { any: { plus: "never" } } }).plan as DialPlan;
const PIECE_BYTES = 65_536;

/** Undefined: the zone is unknown. */
export const readDemoCalls = (bytes: Uint8Array, zone = "UTC"): DemoReading | undefined => {
  const known = zoneOf(zone);
  if (known === undefined) return undefined;
  const reader = asteriskReader(
    { zone: known, trunkOf: () => undefined, byNumbers: true, mapping: undefined },
    FILE_BEGIN,
  )!;
  const table = callTable();
  const calls: Array<DemoCall> = [];
  const problems: Array<DemoProblem> = [];
  const take = (complete: ReadonlyArray<RecordedCall>) => {
    for (const call of complete) {
      const read = demoCallOf(call);
      if ("called" in read) calls.push(read);
      else problems.push(read);
    }
  };
  const takeRows = (rows: ReturnType<typeof reader.push>) => {
    for (const row of rows) {
      if (row.fault !== undefined)
        problems.push({ line: row.place.line, kind: "error", reason: row.detail ?? row.fault });
      else take(takeRow(table, "", row, 0));
    }
  };
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) takeRows(reader.push(bytes.subarray(at, at + PIECE_BYTES)));
  takeRows(reader.end());
  take(takeSettled(table, Number.POSITIVE_INFINITY));
  const byLine = (a: { readonly line: number }, b: { readonly line: number }) => a.line - b.line;
  return { calls: calls.sort(byLine), problems: problems.sort(byLine) };
};

const demoCallOf = ({ lines, answerMs, endMs, calling, called }: RecordedCall): DemoCall | DemoProblem => {
  const line = lines[0]!;
  if (answerMs === undefined || endMs === undefined) return { line, kind: "skipped", reason: "not answered" };
  const to = readNumber(PLAN, called?.text ?? "", { source: "calledFromTrunk", trunk: "any" }).number;
  if (to === undefined) return { line, kind: "error", reason: "the number called is not an international one" };
  const from = readNumber(PLAN, calling?.text ?? "", { source: "callerFromTrunk", trunk: "any" }).number;
  return { line, calling: from, called: to, startMs: unixMs(answerMs), durationMs: endMs - answerMs };
};
