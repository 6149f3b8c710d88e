/**
 * Comma-separated values, record by record, out of text that arrives in pieces. RFC 4180.
 * A quoted field may contain commas, doubled quotes and line ends. Of a record with wrong quotes, or one over the
 * limit, only the first line is refused: reading goes on with the next line. DECISIONS.md D-011.
 */

export const RECORD_CHARS_MAX = 8_192;

export type CsvRecord =
  | { readonly ok: true; readonly line: number; readonly fields: ReadonlyArray<string> }
  | { readonly ok: false; readonly line: number; readonly why: "bad quoting" | "too long" };

/** Text read so far that is no complete record yet, and the number of its first line. */
export interface CsvHeld {
  readonly text: string;
  readonly line: number;
  /** The text up to the next line end belongs to a line that was already refused. */
  readonly skipping: boolean;
}

export const noCsv: CsvHeld = { text: "", line: 1, skipping: false };

/**
 * The complete records in the buffered text and the new chunk. `last`: no more text follows. Empty lines are skipped.
 */
export const cutCsv = (
  held: CsvHeld,
  chunk: string,
  last: boolean,
): { readonly records: ReadonlyArray<CsvRecord>; readonly held: CsvHeld } => {
  const records: Array<CsvRecord> = [];
  const isFirst = held.line === 1 && held.text === "" && !held.skipping;
  const text = isFirst ? chunk.replace(/^\uFEFF/, "") : held.text + chunk;
  let { line, skipping } = held;
  let at = 0;
  while (at < text.length) {
    const found = skipping ? undefined : recordAt(text, at, last);
    if (found === undefined && !skipping) break;
    if (found?.ok === false) records.push({ ok: false, line, why: found.why });
    if (found?.ok && (found.fields.length > 1 || found.fields[0] !== ""))
      records.push({ ok: true, line, fields: found.fields });
    const end = found?.ok ? found.end : endOfLine(text, at);
    skipping = end === undefined;
    line += linesIn(text, at, end ?? text.length);
    at = end ?? text.length;
  }
  return { records, held: { text: text.slice(at), line, skipping } };
};

type Found =
  | { readonly ok: true; readonly fields: ReadonlyArray<string>; readonly end: number }
  | { readonly ok: false; readonly why: "bad quoting" | "too long" };

/** The record that begins at `from`; undefined when its end has not arrived yet. */
const recordAt = (text: string, from: number, last: boolean): Found | undefined => {
  const fields: Array<string> = [];
  let at = from;
  while (true) {
    const field = text[at] === '"' ? quotedAt(text, at + 1) : plainAt(text, at);
    if (field === "bad") return { ok: false, why: "bad quoting" };
    if (field.end - from > RECORD_CHARS_MAX) return { ok: false, why: field.closed ? "too long" : "bad quoting" };
    if (!field.closed) return last ? { ok: false, why: "bad quoting" } : undefined;
    fields.push(field.value);
    at = field.end;
    if (at === text.length) return last ? { ok: true, fields, end: at } : undefined;
    const c = text[at];
    if (c === "\n") return { ok: true, fields, end: at + 1 };
    if (c === "\r" && text[at + 1] === "\n") return { ok: true, fields, end: at + 2 };
    if (c === "\r" && at + 1 === text.length) return last ? { ok: true, fields, end: at + 1 } : undefined;
    if (c !== ",") return { ok: false, why: "bad quoting" };
    at++;
  }
};

interface Field {
  readonly value: string;
  readonly end: number;
  readonly closed: boolean;
}

const quotedAt = (text: string, from: number): Field => {
  let value = "";
  let at = from;
  while (true) {
    const quote = text.indexOf('"', at);
    if (quote < 0 || quote - from > RECORD_CHARS_MAX)
      return { value, end: quote < 0 ? text.length : quote, closed: false };
    value += text.slice(at, quote);
    if (text[quote + 1] !== '"') return { value, end: quote + 1, closed: true };
    value += '"';
    at = quote + 2;
  }
};

const plainAt = (text: string, from: number): Field | "bad" => {
  let at = from;
  while (at < text.length && at - from <= RECORD_CHARS_MAX) {
    const c = text[at]!;
    if (c === "," || c === "\n" || (c === "\r" && (text[at + 1] ?? "\n") === "\n")) break;
    if (c === '"') return "bad";
    at++;
  }
  return { value: text.slice(from, at), end: at, closed: true };
};

/** The position after the line that contains `from`; undefined when the line end has not arrived yet. */
const endOfLine = (text: string, from: number): number | undefined => {
  const newline = text.indexOf("\n", from);
  return newline >= 0 ? newline + 1 : undefined;
};

const linesIn = (text: string, from: number, to: number): number => {
  let lines = 0;
  for (let at = text.indexOf("\n", from); at >= 0 && at < to; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
};
