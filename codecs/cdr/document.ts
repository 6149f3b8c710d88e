/**
 * Readers by line and by whole document, for formats that are no CSV: each line, or each object of a document, is one row.
 */
import { lineCutter, utf8Of } from "./lines.ts";
import { type Cutter, FILE_BEGIN, type Place, type Position } from "./place.ts";
import { type CdrRow, faultRow } from "./row.ts";

/** A document is held whole. */
export const DOCUMENT_BYTES_MAX = 67_108_864;

export const lineReader = (
  from: Position,
  rowOf: (text: string, place: Place) => CdrRow | undefined,
): Cutter<CdrRow> => {
  const cutter = lineCutter(from);
  const rows = (lines: ReturnType<typeof cutter.push>): ReadonlyArray<CdrRow> =>
    lines.flatMap((line) => {
      const row = line.ok ? rowOf(line.text, line) : faultRow(line, "badLine", line.why);
      return row === undefined ? [] : [row];
    });
  return { push: (chunk) => rows(cutter.push(chunk)), end: () => rows(cutter.end()), at: cutter.at };
};

/** What is in the whole text: pairs of a row's content and its place, or why there is nothing. */
export const documentReader = (rowsOf: (text: string, whole: Place) => ReadonlyArray<CdrRow>): Cutter<CdrRow> => {
  let parts: Array<Uint8Array> = [];
  let size = 0;
  const whole = (): Place => ({ line: 1, lines: 1, offset: 0, end: size });
  return {
    push: (chunk) => {
      size += chunk.length;
      if (size <= DOCUMENT_BYTES_MAX) parts.push(chunk.slice());
      else parts = [];
      return [];
    },
    end: () => {
      if (size === 0) return [];
      if (size > DOCUMENT_BYTES_MAX) return [faultRow(whole(), "badLine", "too long")];
      const bytes = new Uint8Array(size);
      let at = 0;
      for (const part of parts) {
        bytes.set(part, at);
        at += part.length;
      }
      parts = [];
      return rowsOf(utf8Of(bytes).replace(/^\uFEFF/, ""), whole());
    },
    at: () => FILE_BEGIN,
  };
};

/** The objects of a text: one, an array, an array under `value`, or one on each line. */
export const objectsIn = (
  text: string,
  whole: Place,
): ReadonlyArray<readonly [Readonly<Record<string, unknown>>, Place]> | undefined => {
  const all = parsed(text);
  if (all !== undefined) {
    const list = Array.isArray(all)
      ? all
      : Array.isArray((all as { value?: unknown }).value)
        ? (all as { value: Array<unknown> }).value
        : [all];
    return list.flatMap((one) => (isObject(one) ? [[one, whole] as const] : []));
  }
  const found: Array<readonly [Readonly<Record<string, unknown>>, Place]> = [];
  let [line, offset] = [1, 0];
  for (const one of text.split("\n")) {
    const value = one.trim() === "" ? undefined : parsed(one);
    if (isObject(value)) found.push([value, { line, lines: 1, offset, end: offset + one.length + 1 }]);
    else if (one.trim() !== "") return undefined;
    line += 1;
    offset += one.length + 1;
  }
  return found;
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
