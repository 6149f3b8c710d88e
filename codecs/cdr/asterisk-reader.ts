/**
 * Asterisk's files, read as they grow: cdr_csv, cdr_custom, exports with a line of names, and JSON lines with Asterisk's names.
 * The columns are found by the first row of each width, unless a mapping is given.
 */

import { type AsteriskOptions, asteriskRow } from "./asterisk.ts";
import {
  ASTERISK_COLUMNS,
  type AsteriskLayout,
  layoutFor,
  layoutOf,
  mappedLayout,
  namedLayout,
  UNIQUE_ID,
} from "./asterisk-columns.ts";
import { noEvidence, type ZoneEvidence } from "./birth.ts";
import { csvCutter } from "./csv.ts";
import { objectOf } from "./json.ts";
import { lineCutter } from "./lines.ts";
import type { Cutter, Place, Position } from "./place.ts";
import { type CdrRow, faultRow } from "./row.ts";

export interface AsteriskReader extends Cutter<CdrRow> {
  /** What the rows have shown of the file's zone. */
  readonly evidence: ZoneEvidence;
}

export interface AsteriskFileOptions extends AsteriskOptions {
  readonly mapping: string | undefined;
}

/** Undefined: the mapping names no columns. */
export const asteriskReader = (options: AsteriskFileOptions, from: Position): AsteriskReader | undefined => {
  const mapped = options.mapping === undefined ? undefined : mappedLayout(options.mapping);
  if (options.mapping !== undefined && mapped === undefined) return undefined;
  const evidence = noEvidence();
  const cutter = csvCutter(from);
  const layouts = layoutsFor(mapped);
  const rowOf = (place: Place, fields: ReadonlyArray<string>): CdrRow | undefined => {
    const layout = layouts(fields, place);
    if (layout === "names") return undefined;
    return layout === undefined
      ? faultRow(place, "badLine", `${fields.length} fields, none of Asterisk's rows`)
      : asteriskRow(fields, layout, place, options, evidence);
  };
  const rows = (cut: ReturnType<typeof cutter.push>): ReadonlyArray<CdrRow> => {
    const found: Array<CdrRow> = [];
    for (const record of cut) {
      const row = record.ok ? rowOf(record, record.fields) : faultRow(record, "badLine", record.why);
      if (row !== undefined) found.push(row);
    }
    return found;
  };
  return { push: (chunk) => rows(cutter.push(chunk)), end: () => rows(cutter.end()), at: cutter.at, evidence };
};

/** Widths whose layout is remembered. */
const WIDTHS_MAX = 64;

const layoutsFor = (mapped: AsteriskLayout | undefined) => {
  const known = new Map<number, AsteriskLayout>();
  let named: AsteriskLayout | undefined;
  return (fields: ReadonlyArray<string>, place: Place): AsteriskLayout | "names" | undefined => {
    if (mapped !== undefined) return mapped;
    if (place.line === 1) {
      named = namedLayout(fields);
      if (named !== undefined) return "names";
    }
    if (named !== undefined) return named;
    const before = known.get(fields.length);
    if (before !== undefined && !mayHaveMore(fields, before)) return before;
    const layout = layoutFor(fields) ?? before;
    if (layout !== undefined && (before !== undefined || known.size < WIDTHS_MAX)) known.set(fields.length, layout);
    return layout;
  };
};

/** A width of two meanings, whose first row had an empty field where this one has an id. */
const mayHaveMore = (fields: ReadonlyArray<string>, { uniqueid, userfield }: AsteriskLayout): boolean =>
  uniqueid < 0 && userfield >= 0 && UNIQUE_ID.test(fields[userfield] ?? "");

const jsonLayout = layoutOf(ASTERISK_COLUMNS);

/** `cdr_custom` that writes JSON: a row for each line, by Asterisk's names. */
export const asteriskJsonReader = (options: AsteriskOptions, from: Position): AsteriskReader => {
  const evidence = noEvidence();
  const cutter = lineCutter(from);
  const rowOf = (text: string, place: Place): CdrRow => {
    const value = objectOf(text);
    if (value === undefined) return faultRow(place, "badLine", "no JSON object");
    const fields = ASTERISK_COLUMNS.map((name) => textOf(value[name]));
    const present = layoutOf(ASTERISK_COLUMNS.map((name) => (Object.hasOwn(value, name) ? name : "")));
    return asteriskRow(
      fields,
      Object.keys(value).length >= ASTERISK_COLUMNS.length ? jsonLayout : present,
      place,
      options,
      evidence,
    );
  };
  const rows = (cut: ReturnType<typeof cutter.push>) =>
    cut.map((line) => (line.ok ? rowOf(line.text, line) : faultRow(line, "badLine", line.why)));
  return { push: (chunk) => rows(cutter.push(chunk)), end: () => rows(cutter.end()), at: cutter.at, evidence };
};

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
