/**
 * Asterisk's call detail records as `cdr_csv` writes them to Master.csv: no heading, one record a call.
 *
 *    0 accountcode  1 src  2 dst  3 dcontext  4 clid  5 channel  6 dstchannel  7 lastapp  8 lastdata
 *    9 start  10 answer  11 end  12 duration  13 billsec  14 disposition  15 amaflags  [16 uniqueid  [17 userfield]]
 *
 * A line without a call is reported as a problem with its line number, and reading goes on. Calls that were not
 * answered are distinguished from lines that cannot be read.
 */
import { type E164, normalizeE164, type UnixMs, unixMs } from "../shared/mod.ts";
import { type CsvHeld, cutCsv, noCsv } from "./csv.ts";
import { localMsOf, zoneOf } from "./zone.ts";

/** One answered call. */
export interface CdrCall {
  readonly line: number;
  /** Undefined: the caller withheld the number. */
  readonly calling: E164 | undefined;
  readonly called: E164;
  /** When it was answered. */
  readonly startMs: UnixMs;
  readonly durationMs: number;
  readonly uniqueId: string | undefined;
}

export interface CdrProblem {
  readonly line: number;
  /** `skipped`: a valid line of a call that was not answered. */
  readonly kind: "error" | "skipped";
  /** A sentence for people; it never contains a telephone number. */
  readonly reason: string;
}

export interface CdrReading {
  readonly calls: ReadonlyArray<CdrCall>;
  readonly problems: ReadonlyArray<CdrProblem>;
}

export interface CdrOptions {
  /** Of the times in the file: `UTC` (default), `+02:00`, `Europe/Berlin`. */
  readonly zone?: string;
}

/**
 * Reads a file piece by piece. Pass every chunk of text, then call `end` once; each returns the records that became
 * complete.
 */
export interface CdrReader {
  readonly push: (chunk: string) => CdrReading;
  readonly end: () => CdrReading;
}

/** Undefined when the zone is unknown. */
export const asteriskReader = (options: CdrOptions = {}): CdrReader | undefined => {
  const toInstant = zoneOf(options.zone ?? "UTC");
  if (toInstant === undefined) return undefined;
  let held: CsvHeld = noCsv;
  const read = (chunk: string, last: boolean): CdrReading => {
    const cut = cutCsv(held, chunk, last);
    held = cut.held;
    const lines = cut.records.map((record) =>
      record.ok ? callOf(record.line, record.fields, toInstant) : error(record.line, record.why),
    );
    return {
      calls: lines.filter((line) => "called" in line),
      problems: lines.filter((line) => "reason" in line),
    };
  };
  return { push: (chunk) => read(chunk, false), end: () => read("", true) };
};

/** A whole file. An unknown zone is a problem of line 0. */
export const readAsterisk = (text: string, options: CdrOptions = {}): CdrReading => {
  const reader = asteriskReader(options);
  if (reader === undefined) return { calls: [], problems: [error(0, "unknown time zone")] };
  const first = reader.push(text);
  const rest = reader.end();
  return { calls: [...first.calls, ...rest.calls], problems: [...first.problems, ...rest.problems] };
};

/** One record as Asterisk writes it: texts in quotes, numbers without. For examples and tests. */
export const printAsterisk = (fields: ReadonlyArray<string>): string =>
  `${fields.map((field, i) => (i === 12 || i === 13 ? field : `"${field.replaceAll('"', '""')}"`)).join(",")}\n`;

const FIELDS_MIN = 16;
const FIELDS_MAX = 40; // newer releases append fields of their own
const EXTENSION_DIGITS_MAX = 6; // fewer digits without a + are a number inside the house
const DURATION_MS_MAX = 7 * 24 * 3_600_000;

const WITHHELD = new Set(["", "anonymous", "unknown", "restricted", "private", "unavailable", "withheld"]);
const UNANSWERED: Readonly<Record<string, string>> = {
  "NO ANSWER": "no answer",
  NOANSWER: "no answer",
  BUSY: "busy",
  FAILED: "failed",
  CONGESTION: "congestion",
  CANCEL: "cancelled",
  UNKNOWN: "unknown disposition",
};

const callOf = (
  line: number,
  fields: ReadonlyArray<string>,
  toInstant: (localMs: number) => number,
): CdrCall | CdrProblem => {
  if (fields.length < FIELDS_MIN) return error(line, `${fields.length} fields, too few`);
  if (fields.length > FIELDS_MAX) return error(line, `${fields.length} fields, too many`);
  const [src, dst, start, answer, end, disposition] = [1, 2, 9, 10, 11, 14].map((i) => fields[i]!.trim()) as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const unanswered = UNANSWERED[disposition.toUpperCase()];
  if (unanswered !== undefined) return { line, kind: "skipped", reason: unanswered };
  if (disposition.toUpperCase() !== "ANSWERED") return error(line, "disposition is none of Asterisk's");
  const times = [start, answer, end].map(localMsOf);
  const bad = times.indexOf(undefined);
  if (bad >= 0) return error(line, `${["start", "answer", "end"][bad]} is not a time`);
  const [startMs, answerMs, endMs] = (times as [number, number, number]).map(toInstant) as [number, number, number];
  if (answerMs < startMs) return error(line, "answer before start");
  if (endMs < answerMs) return error(line, "end before answer");
  if (endMs - answerMs > DURATION_MS_MAX) return error(line, "longer than a week");
  const called = numberOf(dst);
  if (called === undefined) return error(line, "dst is not an E.164 number");
  const calling = WITHHELD.has(src.toLowerCase()) ? undefined : numberOf(src);
  if (calling === undefined && !WITHHELD.has(src.toLowerCase())) return error(line, "src is not an E.164 number");
  return {
    line,
    calling,
    called,
    startMs: unixMs(answerMs),
    durationMs: endMs - answerMs,
    uniqueId: fields[16] || undefined,
  };
};

const numberOf = (text: string): E164 | undefined =>
  new RegExp(`^[0-9]{1,${EXTENSION_DIGITS_MAX}}$`).test(text)
    ? undefined
    : normalizeE164(/^[1-9]/.test(text) ? `+${text}` : text);

const error = (line: number, reason: string): CdrProblem => ({ line, kind: "error", reason });
