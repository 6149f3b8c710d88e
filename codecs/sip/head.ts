/**
 * Start line and header fields, read in one pass. RFC 3261 §7, §8.1.1, §16.3.
 *
 *   INVITE sip:+14085555432@acme.example SIP/2.0   start line
 *   Via: SIP/2.0/TLS ...                           header fields, folded or not, long or compact
 *   Content-Length: 5
 *                                                  empty line
 *
 * Three things can come of it. `read`: a message, of which every field that each element needs can be read; others may hold
 * whatever they like. `unreadable`: what it says is wrong, but where it ends is clear, so that the stream goes on behind it.
 * `lost`: not even that.
 */
import { malformed, type SipError, tooLarge } from "./error.ts";
import { Field, type Header } from "./fields.ts";
import { ID, idIn, NAMES } from "./names.ts";
import { digitsIn, SPACES, spanEnd, TOKENS, trimmed, VISIBLE } from "./scan.ts";

export type Start =
  | { readonly type: "request"; readonly method: string; readonly uri: string }
  | { readonly type: "response"; readonly status: number; readonly reason: string };

export type HeadRead =
  | {
      readonly type: "read";
      readonly start: Start;
      readonly headers: ReadonlyArray<Header>;
      readonly contentLength: number;
    }
  | {
      readonly type: "unreadable";
      readonly error: SipError;
      /** What stood in the place of the method; undefined: it was a response. */
      readonly method: string | undefined;
      /** It is a request of another version of SIP. RFC 3261 §21.5.6. */
      readonly isOtherVersion: boolean;
      /** Those that have a name and a value. */
      readonly headers: ReadonlyArray<Header>;
      readonly contentLength: number;
    }
  | { readonly type: "lost"; readonly error: SipError };

/** Of header fields in one message; with more it is unreadable. */
export const HEADERS_MAX = 256;

/**
 * `bytes`: start line and header fields, empty line included. `lengthWithout`: what its length is where Content-Length is
 * missing, for a message that ends with its datagram; undefined: it must be there, and tells where the next message begins.
 */
export const parseHead = (bytes: Uint8Array, lengthWithout = -1): HeadRead => {
  const unicode = textOf(bytes);
  const text = unicode ?? latin1.decode(bytes);
  const eol = endOfLine(text, 0);
  if (eol < 0) return lost(BAD_LINE);
  const lines = readLines(text, eol + 2);
  if (lines === undefined) return lost(BAD_LINE);
  if ((lines.seen & (1 << ID.contentLength)) === 0) lines.contentLength = lengthWithout;
  const isLengthBad = lines.contentLength < 0;
  if (isLengthBad && lengthWithout < 0) return lost(BAD_LENGTH);
  const start = startOf(text, eol);
  const problem =
    unicode === undefined
      ? malformed("message", "its header fields are not UTF-8").error
      : text.includes("\0")
        ? malformed("message", "a NUL stands in it").error
        : start === undefined
          ? malformed("start line", "no method and Request-URI, or no status").error
          : isLengthBad
            ? BAD_LENGTH
            : (lines.problem ?? problemOf(start, lines));
  const { headers } = lines;
  const contentLength = isLengthBad ? 0 : lines.contentLength;
  if (problem === undefined && start !== undefined) return { type: "read", start, headers, contentLength };
  const error = problem ?? malformed("start line", "is none").error;
  const line = text.slice(0, eol);
  const [, method, version] = ANY_REQUEST.exec(line) ?? [];
  // Neither a request nor a response in any version: whoever speaks another protocol is not spoken to.
  if (method === undefined && !/^SIP\//i.test(line)) return lost(error);
  const isOtherVersion = version !== undefined && version !== "2.0";
  return { type: "unreadable", error, method, isOtherVersion, headers, contentLength };
};
const ANY_REQUEST = /^([A-Za-z0-9.!%*_+`'~-]+) .*SIP\/([0-9.]+)[ \t]*$/i;

const lost = (error: SipError): HeadRead => ({ type: "lost", error });
const BAD_LINE = malformed("message", "a line does not end with CR LF").error;
const BAD_LENGTH = malformed("Content-Length", "must stand exactly once and be a number").error;
const NO_NAME = malformed("header fields", "a line has no field name").error;
const TOO_MANY = tooLarge("header fields", `more than ${HEADERS_MAX}`).error;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const latin1 = new TextDecoder("latin1");
const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
};

/** Where the line ends that begins at `at`: its CR. -1: it does not, or a lone CR or LF, which servers read differently. */
const endOfLine = (text: string, at: number): number => {
  const lf = text.indexOf("\n", at);
  return lf > at && text.indexOf("\r", at) === lf - 1 ? lf - 1 : -1;
};

/** Exactly three digits, RFC 3261 §25.1: 2001 and 4294967301 are no status. A missing reason is read all the same. */
const STATUS_LINE = /^SIP\/2\.0 ([1-6][0-9]{2})(?: (.*))?$/i;
const VERSION = /^ SIP\/2\.0$/i;

const startOf = (text: string, eol: number): Start | undefined => {
  const methodEnd = spanEnd(text, 0, eol, TOKENS);
  const uriEnd = eol - VERSION_CHARS;
  if (methodEnd > 0 && methodEnd < uriEnd && text.charCodeAt(methodEnd) === SPACE) {
    const schemeEnd = spanEnd(text, methodEnd + 1, uriEnd, TOKENS);
    const isUri =
      isLetter(text.charCodeAt(methodEnd + 1)) &&
      text.charCodeAt(schemeEnd) === COLON &&
      schemeEnd + 1 < uriEnd &&
      spanEnd(text, schemeEnd, uriEnd, VISIBLE) === uriEnd;
    if (isUri && (text.startsWith(" SIP/2.0", uriEnd) || VERSION.test(text.slice(uriEnd, eol))))
      return { type: "request", method: text.slice(0, methodEnd), uri: text.slice(methodEnd + 1, uriEnd) };
  }
  const status = STATUS_LINE.exec(text.slice(0, eol));
  return status === null ? undefined : { type: "response", status: Number(status[1]), reason: status[2] ?? "" };
};
const VERSION_CHARS = " SIP/2.0".length;
const SPACE = 32;
const TAB = 9;
const COLON = 58;
const isLetter = (code: number): boolean => (code | 32) >= 97 && (code | 32) <= 122;
const isSpace = (code: number): boolean => code === SPACE || code === TAB;

/** What one pass over the lines finds. */
class Lines {
  readonly headers: Array<Field> = [];
  /** -1: it does not stand there exactly once. */
  contentLength = -1;
  problem: SipError | undefined = undefined;
  via: Field | undefined = undefined;
  from: Field | undefined = undefined;
  to: Field | undefined = undefined;
  callId: Field | undefined = undefined;
  cseq: Field | undefined = undefined;
  seen = 0;
}

/** The lines behind the start line, up to the empty one. Undefined: where one of them ends is not clear. */
const readLines = (text: string, from: number): Lines | undefined => {
  const lines = new Lines();
  const end = text.length - 2;
  for (let at = from; at < end; ) {
    const eol = endOfLine(text, at);
    if (eol < 0) return undefined;
    let next = eol + 2;
    while (isSpace(text.charCodeAt(next))) {
      const more = endOfLine(text, next);
      if (more < 0) return undefined;
      next = more + 2;
    }
    const nameEnd = spanEnd(text, at, eol, TOKENS);
    // White space may stand between the name and the colon. RFC 3261 §7.3.1.
    const colon = spanEnd(text, nameEnd, eol, SPACES);
    if (nameEnd === at || text.charCodeAt(colon) !== COLON) lines.problem ??= NO_NAME;
    else {
      const id = idIn(text, at, nameEnd);
      const unfolded = next === eol + 2 ? undefined : unfold(text.slice(colon + 1, next - 2), id);
      if (id === ID.contentLength) {
        readLength(lines, unfolded ?? trimmed(text.slice(colon + 1, eol)));
        lines.headers.at(-1)?.isBeforeLength(next - 2);
      } else if (lines.headers.length === HEADERS_MAX) lines.problem ??= TOO_MANY;
      else keep(lines, new Field(id, text, at, colon, next - 2, unfolded), id);
    }
    at = next;
  }
  return lines;
};

/** RFC 3261 §20.14: on a stream the length MUST be there; two of them are two messages to two readers. */
const readLength = (lines: Lines, digits: string): void => {
  const isSecond = (lines.seen & (1 << ID.contentLength)) !== 0;
  lines.contentLength = isSecond ? -1 : digitsIn(digits, 0, digits.length);
  lines.seen |= 1 << ID.contentLength;
};

/** Ours is one word of base64: where it was folded, nothing stood. Of others RFC 3261 §7.3.1 makes a space. */
const unfold = (value: string, id: number): string =>
  trimmed(
    value
      .split("\r\n")
      .map(trimmed)
      .join(id === ID.ticket ? "" : " "),
  );

const keep = (lines: Lines, field: Field, id: number): void => {
  lines.headers.push(field);
  if (id === 0) return;
  // Two readers must not each believe another one.
  if ((lines.seen & ONCE & (1 << id)) !== 0) lines.problem ??= malformed(NAMES[id]!, "comes twice").error;
  lines.seen |= 1 << id;
  switch (id) {
    case ID.via:
      lines.via ??= field;
      break;
    case ID.from:
      lines.from = field;
      break;
    case ID.to:
      lines.to = field;
      break;
    case ID.callId:
      lines.callId = field;
      break;
    case ID.cseq:
      lines.cseq = field;
      break;
    case ID.maxForwards:
      if (digitsIn(field.value, 0, field.value.length) < 0)
        lines.problem ??= malformed("Max-Forwards", "is not a number").error;
      break;
  }
};
const bitsOf = (...ids: ReadonlyArray<number>): number => ids.reduce((bits, id) => bits | (1 << id), 0);
const ONCE = bitsOf(ID.from, ID.to, ID.callId, ID.cseq, ID.contentType, ID.ticket);

/** The fields that every message must have, each readable. RFC 3261 §8.1.1. What is read here is kept on its field. */
const problemOf = (start: Start, lines: Lines): SipError | undefined => {
  const { via, from, to, callId, cseq } = lines;
  if (via === undefined) return missing(ID.via);
  if (!via.via.ok) return via.via.error;
  if (from === undefined) return missing(ID.from);
  if (!from.tagged.ok) return from.tagged.error;
  if (to === undefined) return missing(ID.to);
  if (!to.tagged.ok) return to.tagged.error;
  if (callId === undefined || callId.value === "") return missing(ID.callId);
  if (cseq === undefined) return missing(ID.cseq);
  if (!cseq.cseq.ok) return cseq.cseq.error;
  if (start.type === "request" && cseq.cseq.value.method !== start.method)
    return malformed("CSeq", "names another method").error;
  return undefined;
};
const missing = (id: number): SipError => malformed(NAMES[id]!, "is missing").error;
