/**
 * Lines out of bytes that arrive in pieces, each with its place: logs, JSON lines, and the formats that do not quote.
 * A line over the limit is refused and reading goes on behind it.
 */
import { type Cutter, FILE_BEGIN, type Place, type Position } from "./place.ts";

export const LINE_BYTES_MAX = 262_144;

export type TextLine =
  | (Place & { readonly ok: true; readonly text: string })
  | (Place & { readonly ok: false; readonly why: "too long" });

/** Beyond ASCII in a text that has a character for each byte. */
export const NON_ASCII = /[^\0-\x7f]/;

const bytesReader = new TextDecoder("latin1");
const utf8Reader = new TextDecoder("utf-8", { ignoreBOM: true });

/** A character for each byte: positions in the text are positions in the bytes. */
export const latin1 = (bytes: Uint8Array): string => bytesReader.decode(bytes);
export const utf8Of = (bytes: Uint8Array): string => utf8Reader.decode(bytes);

const MARK = [0xef, 0xbb, 0xbf];
/** Behind UTF-8's byte order mark, if the bytes begin with one; -1 while it cannot be told. */
export const withoutMark = (bytes: Uint8Array): number => {
  for (let i = 0; i < MARK.length; i++) {
    if (i === bytes.length) return i === 0 ? 0 : -1;
    if (bytes[i] !== MARK[i]) return 0;
  }
  return MARK.length;
};

/** `from`: where the bytes begin in their file, at the begin of a line. Empty lines are skipped. */
export const lineCutter = (from: Position = FILE_BEGIN): Cutter<TextLine> => {
  let held: Uint8Array = new Uint8Array();
  let { offset, line } = from;
  let isSkipping = false;

  const cut = (chunk: Uint8Array, isLast: boolean): ReadonlyArray<TextLine> => {
    const found: Array<TextLine> = [];
    let data = chunk;
    if (held.length > 0) {
      data = new Uint8Array(held.length + chunk.length);
      data.set(held);
      data.set(chunk, held.length);
    }
    let at = 0;
    while (at < data.length) {
      const newline = data.indexOf(0x0a, at);
      if (newline < 0 && !isLast && data.length - at <= LINE_BYTES_MAX) break;
      const end = newline < 0 ? data.length : newline + 1;
      const place = { line, lines: 1, offset: offset + at, end: offset + end };
      if (end - at > LINE_BYTES_MAX + 2 && !isSkipping) found.push({ ...place, ok: false, why: "too long" });
      else if (!isSkipping) {
        const from = place.offset === 0 ? Math.max(0, withoutMark(data)) : at;
        const text = utf8Of(data.subarray(from, newline < 0 ? end : newline)).replace(/\r$/, "");
        if (text.trim() !== "") found.push({ ...place, ok: true, text });
      }
      isSkipping = newline < 0;
      if (!isSkipping) line += 1;
      at = end;
    }
    held = data.slice(at);
    offset += at;
    return found;
  };
  return { push: (chunk) => cut(chunk, false), end: () => cut(new Uint8Array(), true), at: () => ({ offset, line }) };
};
