/**
 * SIP requests and responses, read and written. RFC 3261 §7.
 *
 *   INVITE sip:+14085555432@acme.example SIP/2.0   start line
 *   Via: SIP/2.0/TLS ...                           header fields, folded or not, long or compact
 *   Content-Length: 5
 *                                                  empty line
 *   body!                                          as many bytes as Content-Length says
 *
 * Content-Length is derived, as every length in this house: it stands on the wire and not in the value.
 */
import { utf8 } from "../shared/mod.ts";
import { malformed, type Parsed, parsed, tooLarge } from "./error.ts";
import { type Header, headerOf, keepLines, linesOf } from "./fields.ts";
import { cseqIn, fromIn, toIn, viasOf } from "./header.ts";
import { canonicalName, spelt } from "./names.ts";
import { TOKEN } from "./params.ts";

export interface SipRequest {
  readonly type: "request";
  readonly method: string;
  /** The Request-URI as written. */
  readonly uri: string;
  readonly headers: ReadonlyArray<Header>;
  readonly body: Uint8Array;
}

export interface SipResponse {
  readonly type: "response";
  readonly status: number;
  readonly reason: string;
  readonly headers: ReadonlyArray<Header>;
  readonly body: Uint8Array;
}

export type SipMessage = SipRequest | SipResponse;

export const SIP_BYTES_MAX = 65_536;
export const HEADERS_MAX = 256;

/** One whole message; what stands after its Content-Length is an error here. */
export const parseSip = (bytes: Uint8Array): Parsed<SipMessage> => {
  const end = endOfHead(bytes, 0, bytes.length);
  if (end < 0) return malformed("message", "no empty line after the header fields");
  const head = parseHead(bytes.subarray(0, end));
  if (!head.ok) return head;
  if (end + head.value.contentLength !== bytes.length) return malformed("Content-Length", "is not the body's length");
  return parsed({ ...head.value.message, body: bytes.slice(end) });
};

export const printSip = (message: SipMessage): Uint8Array => {
  const start =
    message.type === "request"
      ? `${message.method} ${message.uri} SIP/2.0`
      : `SIP/2.0 ${message.status} ${message.reason}`;
  // What came in passes on in the line that it came in, byte for byte; what was written here is written plainly.
  const lines = linesOf(message.headers);
  let text = `${oneLine(start)}\r\n`;
  for (let i = 0; i < message.headers.length; i++) {
    const { name, value } = message.headers[i]!;
    text += `${lines?.[i] ?? `${name}: ${oneLine(value)}`}\r\n`;
  }
  const head = utf8(`${text}Content-Length: ${message.body.length}\r\n\r\n`);
  const out = new Uint8Array(head.length + message.body.length);
  out.set(head);
  out.set(message.body, head.length);
  return out;
};

/** Where the body begins, or -1. Looks at `bytes` from `from` up to `to`. */
export const endOfHead = (bytes: Uint8Array, from: number, to: number): number => {
  for (let i = from; i + 3 < to; i++)
    if (bytes[i] === CR && bytes[i + 1] === LF && bytes[i + 2] === CR && bytes[i + 3] === LF) return i + 4;
  return -1;
};

export interface Head {
  /** With an empty body. */
  readonly message: SipMessage;
  readonly contentLength: number;
}

/** Start line and header fields, empty line included. */
export const parseHead = (bytes: Uint8Array): Parsed<Head> => {
  const text = textOf(bytes);
  if (text === undefined) return malformed("message", "its header fields are not UTF-8");
  if (text.includes("\0")) return malformed("message", "a NUL stands in it");
  const eol = endOfLine(text, 0);
  if (eol < 0) return BAD_LINE;
  const start = parseStartLine(text.slice(0, eol));
  if (!start.ok) return start;
  const fields = parseFields(text, eol + 2);
  if (!fields.ok) return fields;
  const { headers, contentLength } = fields.value;
  const message = withHeaders(start.value, headers);
  const problem = problemOf(message);
  return problem === undefined ? parsed({ message, contentLength }) : problem;
};

const CR = 13;
const LF = 10;
const BAD_LINE = malformed("message", "a line does not end with CR LF");

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
};

/** Where the line ends that begins at `from`: its CR. -1: it does not, or a lone CR or LF, which servers read differently. */
const endOfLine = (text: string, from: number): number => {
  const lf = text.indexOf("\n", from);
  return lf > from && text.indexOf("\r", from) === lf - 1 ? lf - 1 : -1;
};

/** No value of ours may open a line of its own, whatever it was made of. */
const oneLine = (text: string): string => (/[\r\n\0]/.test(text) ? text.replace(/[\r\n\0]+/g, " ") : text);

type Start =
  | { readonly type: "request"; readonly method: string; readonly uri: string }
  | { readonly type: "response"; readonly status: number; readonly reason: string };

const NO_BODY = new Uint8Array();
const withHeaders = (start: Start, headers: ReadonlyArray<Header>): SipMessage =>
  start.type === "request"
    ? { type: "request", method: start.method, uri: start.uri, headers, body: NO_BODY }
    : { type: "response", status: start.status, reason: start.reason, headers, body: NO_BODY };

/** Exactly three digits, RFC 3261 §25.1: 2001 and 4294967301 are no status. A missing reason is read all the same. */
const STATUS_LINE = /^SIP\/2\.0 ([1-6][0-9]{2})(?: (.*))?$/i;
const REQUEST_LINE = /^([A-Za-z0-9.!%*_+`'~-]+) ([A-Za-z][A-Za-z0-9+.-]*:[!-~]+) SIP\/2\.0$/i;

const parseStartLine = (line: string): Parsed<Start> => {
  const request = REQUEST_LINE.exec(line);
  if (request !== null) return parsed({ type: "request", method: request[1]!, uri: request[2]! });
  const status = STATUS_LINE.exec(line);
  if (status !== null) return parsed({ type: "response", status: Number(status[1]), reason: status[2] ?? "" });
  return malformed("start line", /SIP\/2\.0$/i.test(line) ? "no method and Request-URI" : "not SIP/2.0");
};

const SPACE = 32;
const TAB = 9;
const isSpace = (code: number): boolean => code === SPACE || code === TAB;

/** The text between two places, without the white space around it. */
const trimmed = (text: string, from: number, to: number): string => {
  let start = from;
  let end = to;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
};

/** One pass over the lines behind the start line, up to the empty one. */
const parseFields = (text: string, from: number): Parsed<{ headers: Array<Header>; contentLength: number }> => {
  const headers: Array<Header> = [];
  const lines: Array<string> = [];
  let contentLength = -1;
  let at = from;
  while (at < text.length - 2) {
    let eol = endOfLine(text, at);
    if (eol < 0) return BAD_LINE;
    const colon = text.indexOf(":", at);
    if (isSpace(text.charCodeAt(at))) return malformed("header fields", "a folded line follows nothing");
    if (colon < 0 || colon > eol) return NO_NAME;
    const written = isSpace(text.charCodeAt(colon - 1)) ? trimmed(text, at, colon) : text.slice(at, colon);
    const name = spelt(written) ?? (TOKEN.test(written) ? canonicalName(written) : undefined);
    if (name === undefined) return NO_NAME;
    let value = trimmed(text, colon + 1, eol);
    while (isSpace(text.charCodeAt(eol + 2))) {
      const next = endOfLine(text, eol + 2);
      if (next < 0) return BAD_LINE;
      // Ours is one word of base64: where it was folded, nothing stood. Of others RFC 3261 §7.3.1 makes a space.
      value = (value + (name === TICKET ? "" : " ") + trimmed(text, eol + 2, next)).trim();
      eol = next;
    }
    if (name === LENGTH) {
      // RFC 3261 §20.14: on a stream the length MUST be there; two of them are two messages to two readers.
      if (contentLength >= 0 || !/^[0-9]{1,9}$/.test(value)) return BAD_LENGTH;
      contentLength = Number(value);
    } else {
      if (headers.length === HEADERS_MAX) return tooLarge("header fields", `more than ${HEADERS_MAX}`);
      headers.push({ name, value });
      lines.push(text.slice(at, eol));
    }
    at = eol + 2;
  }
  if (contentLength < 0) return BAD_LENGTH;
  keepLines(headers, lines);
  return parsed({ headers, contentLength });
};
const LENGTH = "Content-Length";
const TICKET = "X-Cisco-ViPR-Ticket";
const NO_NAME = malformed("header fields", "a line has no field name");
const BAD_LENGTH = malformed(LENGTH, "must stand exactly once and be a number");

const ONCE: ReadonlyArray<string> = ["Call-ID", "CSeq", "From", "To", "Max-Forwards", "Content-Type", TICKET];

/**
 * The fields that every message must have, each readable. RFC 3261 §8.1.1. What is read here is kept, and not read again
 * (`fields.ts`).
 */
const problemOf = (message: SipMessage): ReturnType<typeof malformed> | undefined => {
  let seen = 0;
  for (const { name } of message.headers) {
    const at = ONCE.indexOf(name);
    if (at < 0) continue;
    if ((seen & (1 << at)) !== 0) return malformed(name, "comes twice");
    seen |= 1 << at;
  }
  const vias = viasOf(message);
  if (!vias.ok) return vias;
  const from = fromIn(message);
  if (!from.ok) return from;
  const to = toIn(message);
  if (!to.ok) return to;
  if ((headerOf(message, "Call-ID") ?? "") === "") return malformed("Call-ID", "is missing");
  const cseq = cseqIn(message);
  if (!cseq.ok) return cseq;
  if (message.type === "request" && cseq.value.method !== message.method)
    return malformed("CSeq", "names another method");
  const hops = headerOf(message, "Max-Forwards");
  if (hops !== undefined && !/^[0-9]{1,9}$/.test(hops)) return malformed("Max-Forwards", "is not a number");
  return undefined;
};
