/**
 * Comma-separated values, record by record, out of bytes that arrive in pieces, each with its place. RFC 4180.
 * A quoted field may contain commas, doubled quotes and line ends. Of a record with wrong quotes, or one over the
 * limit, only the first line is refused: reading goes on with the next line. DECISIONS.md D-011.
 */
import { latin1, NON_ASCII, utf8Of, withoutMark } from "./lines.ts";
import { type Cutter, FILE_BEGIN, type Place, type Position } from "./place.ts";

export const RECORD_BYTES_MAX = 8_192;

export type CsvRecord =
  | (Place & { readonly ok: true; readonly fields: ReadonlyArray<string> })
  | (Place & { readonly ok: false; readonly why: "bad quoting" | "too long" });

/** `from`: where the bytes begin in their file, at the begin of a line. Empty lines are skipped. */
export const csvCutter = (from: Position = FILE_BEGIN): Cutter<CsvRecord> => {
  let held: Uint8Array = new Uint8Array();
  let { offset, line } = from;
  /** A line that is refused, of which the end has not come yet: it is reported when it has. */
  let refused: Refused | undefined;

  const cut = (chunk: Uint8Array, isLast: boolean): ReadonlyArray<CsvRecord> => {
    const records: Array<CsvRecord> = [];
    let data = chunk;
    if (held.length > 0) {
      data = new Uint8Array(held.length + chunk.length);
      data.set(held);
      data.set(chunk, held.length);
    }
    const text = latin1(data);
    const hasMore = NON_ASCII.test(text);
    let at = offset === 0 && line === 1 ? withoutMark(data) : 0;
    if (at < 0) return hold(data, 0, isLast, records); // a mark of which not all bytes have come
    const start = at;
    while (at < text.length) {
      const found = refused ?? recordAt(text, at, isLast);
      if (found === undefined) break;
      const isGood = found.ok;
      const end = isGood ? found.end : endOfLine(text, at);
      const to = end ?? text.length;
      const lines = isGood ? found.lines : 1;
      const place = { line, lines, offset: offset + at, end: offset + to };
      if (!isGood) refused = { ok: false, why: found.why, offset: refused?.offset ?? place.offset };
      else if (found.fields.length > 1 || found.fields[0] !== "") {
        const fields = hasMore ? decoded(found, data) : found.fields;
        records.push({ ...place, ok: true, fields });
      }
      if (refused !== undefined && (end !== undefined || isLast)) {
        records.push({ ...place, ...refused });
        refused = undefined;
      }
      if (end !== undefined) line += lines;
      at = to;
    }
    if (isLast && refused !== undefined) {
      records.push({ line, lines: 1, end: offset + at, ...refused });
      refused = undefined;
    }
    return hold(data, at === start && at > 0 && line === 1 ? 0 : at, isLast, records);
  };
  const hold = (data: Uint8Array, at: number, isLast: boolean, records: ReadonlyArray<CsvRecord>) => {
    held = isLast ? new Uint8Array() : data.slice(at);
    offset += at;
    return records;
  };
  return {
    push: (chunk) => cut(chunk, false),
    end: () => cut(new Uint8Array(), true),
    at: () => ({ offset: refused?.offset ?? offset, line }),
  };
};

interface Refused {
  readonly ok: false;
  readonly why: "bad quoting" | "too long";
  /** Of the line's first byte. */
  readonly offset: number;
}
interface Good {
  readonly ok: true;
  readonly fields: ReadonlyArray<string>;
  /** Where each field's value stands, within its quotes. */
  readonly froms: ReadonlyArray<number>;
  readonly tos: ReadonlyArray<number>;
  readonly end: number;
  readonly lines: number;
}
type Found = Good | { readonly ok: false; readonly why: "bad quoting" | "too long" };

const QUOTE = 34;
const COMMA = 44;
const LF = 10;
const CR = 13;
const TOO_LONG = { ok: false, why: "too long" } as const;
const BAD = { ok: false, why: "bad quoting" } as const;

/** The record that begins at `from`; undefined when its end has not arrived yet. */
const recordAt = (text: string, from: number, isLast: boolean): Found | undefined => {
  const fields: Array<string> = [];
  const froms: Array<number> = [];
  const tos: Array<number> = [];
  const { length } = text;
  let lines = 1;
  let at = from;
  while (true) {
    if (text.charCodeAt(at) === QUOTE) {
      const to = closingQuote(text, at + 1, from);
      if (to < 0) return to === OPEN && !isLast ? undefined : BAD;
      const raw = text.slice(at + 1, to);
      fields.push(raw.includes('"') ? raw.replaceAll('""', '"') : raw);
      lines += linesIn(raw);
      froms.push(at + 1);
      tos.push(to);
      at = to + 1;
    } else {
      const to = plainEnd(text, at, from);
      if (to < 0) return to === OVER ? TOO_LONG : BAD;
      fields.push(text.slice(at, to));
      froms.push(at);
      tos.push(to);
      at = to;
    }
    if (at - from > RECORD_BYTES_MAX) return TOO_LONG;
    if (at === length) return isLast ? { ok: true, fields, froms, tos, end: at, lines } : undefined;
    const c = text.charCodeAt(at);
    if (c === COMMA) at++;
    else if (c === LF) return { ok: true, fields, froms, tos, end: at + 1, lines };
    else if (c === CR && text.charCodeAt(at + 1) === LF) return { ok: true, fields, froms, tos, end: at + 2, lines };
    else if (c === CR && at + 1 === length)
      return isLast ? { ok: true, fields, froms, tos, end: at + 1, lines } : undefined;
    else return BAD;
  }
};

const OPEN = -1;
const OVER = -2;

/** The quote that ends the field; OPEN when it has not come yet, OVER beyond the limit. */
const closingQuote = (text: string, from: number, start: number): number => {
  let at = from;
  while (true) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length - start > RECORD_BYTES_MAX ? OVER : OPEN;
    if (quote - start > RECORD_BYTES_MAX) return OVER;
    if (text.charCodeAt(quote + 1) !== QUOTE) return quote;
    at = quote + 2;
  }
};

const plainEnd = (text: string, from: number, start: number): number => {
  let at = from;
  while (at < text.length) {
    const c = text.charCodeAt(at);
    if (c === COMMA || c === LF || (c === CR && (at + 1 === text.length || text.charCodeAt(at + 1) === LF))) return at;
    if (c === QUOTE) return OPEN;
    if (at - start > RECORD_BYTES_MAX) return OVER;
    at++;
  }
  return at;
};

/** Fields beyond ASCII are read again, as UTF-8: the text that is searched has a character for each byte. */
const decoded = ({ fields, froms, tos }: Good, data: Uint8Array): ReadonlyArray<string> =>
  fields.map((field, i) =>
    NON_ASCII.test(field) ? utf8Of(data.subarray(froms[i]!, tos[i]!)).replaceAll('""', '"') : field,
  );

const endOfLine = (text: string, from: number): number | undefined => {
  const newline = text.indexOf("\n", from);
  return newline >= 0 ? newline + 1 : undefined;
};

const linesIn = (raw: string): number => {
  let lines = 0;
  for (let at = raw.indexOf("\n"); at >= 0; at = raw.indexOf("\n", at + 1)) lines++;
  return lines;
};
