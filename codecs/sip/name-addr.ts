/**
 * Addresses, as header fields hold them: a URI in angle brackets or without, words before it, parameters behind it. RFC 3261
 * §20.10.
 *
 *   "Alice" <sip:+14085555432@acme.example:5061>;tag=1928
 *    display             URI                     header parameters
 */
import { malformed, type Parsed, parsed } from "./error.ts";
import { type Param, parseTail, plainParams, printParams, quote, TOKEN, unquote } from "./params.ts";
import { SPACES, spanEnd, TOKENS, trimmed, VALUES } from "./scan.ts";
import { parseUri, plainUri, printUri, type Uri, withoutHeaders } from "./uri.ts";

/** An address of a header field: display name without quotes and escapes, URI, and the field's own parameters. */
export interface NameAddr {
  readonly display: string | undefined;
  readonly uri: Uri;
  readonly params: ReadonlyArray<Param>;
}

/** A value of From, To, Contact, Route or Record-Route: with brackets or bare. */
export const parseNameAddr = (at: string, text: string): Parsed<NameAddr> => {
  const plain = plainNameAddr(text);
  if (plain !== undefined) return parsed(plain);
  const open = text.includes('"') ? outsideQuotes(text, "<") : text.indexOf("<");
  if (open < 0) return parseBareAddress(at, text);
  const close = text.indexOf(">", open);
  if (close < 0) return malformed(at, "an angle bracket is left open");
  const display = parseDisplay(trimmed(text.slice(0, open)));
  if (display === null) return malformed(at, "the display name is not one");
  return withHeaderParams(at, display, trimmed(text.slice(open + 1, close)), trimmed(text.slice(close + 1)));
};

/** `<uri>;params` or `"Words" <uri>;params`, plainly written. */
const plainNameAddr = (text: string): NameAddr | undefined => {
  let open = 0;
  let display: string | undefined;
  if (text.charCodeAt(0) === QUOTE) {
    const close = text.indexOf('"', 1);
    if (close < 0) return undefined;
    display = text.slice(1, close);
    if (display.includes("\\")) return undefined;
    open = spanEnd(text, close + 1, text.length, SPACES);
  }
  if (text.charCodeAt(open) !== OPEN) return undefined;
  const close = text.indexOf(">", open);
  const uri = close < 0 ? undefined : plainUri(text, open + 1, close);
  const params = uri && plainParams(text, close + 1, text.length, TOKENS, VALUES);
  return uri && params && { display, uri, params };
};
const QUOTE = 34;
const OPEN = 60;

/**
 * The URI of an address as it was written, its headers left out: a remote target goes into a Request-URI unchanged.
 * RFC 3261 §12.2.1.1 and §19.1.1. Undefined: the address cannot be read.
 */
export const targetIn = (text: string): string | undefined => {
  if (!parseNameAddr("Contact", text).ok) return undefined;
  const open = text.includes('"') ? outsideQuotes(text, "<") : text.indexOf("<");
  const uri = open < 0 ? text.split(";", 1)[0]! : text.slice(open + 1, text.indexOf(">", open));
  return withoutHeaders(trimmed(uri));
};

/** Always with angle brackets; the display name in quotes. */
export const printNameAddr = ({ display, uri, params }: NameAddr): string =>
  `${display === undefined ? "" : `${quote(display)} `}<${printUri(uri)}>${printParams(params)}`;

/** Without brackets every parameter is the header field's, not the URI's. RFC 3261 §20. */
const parseBareAddress = (at: string, text: string): Parsed<NameAddr> => {
  const semicolon = text.indexOf(";");
  const uri = trimmed(semicolon < 0 ? text : text.slice(0, semicolon));
  if (/[,?]/.test(uri)) return malformed(at, "this URI needs angle brackets");
  return withHeaderParams(at, undefined, uri, semicolon < 0 ? "" : text.slice(semicolon));
};

const withHeaderParams = (at: string, display: string | undefined, uriText: string, tail: string): Parsed<NameAddr> => {
  const uri = parseUri(uriText);
  if (!uri.ok && !ANY_URI.test(uriText)) return malformed(at, uri.error.why);
  const params = parseTail(at, tail, 0);
  if (!params.ok) return params;
  return parsed({ display, uri: uri.ok ? uri.value : { type: "other", text: uriText }, params: params.value });
};
const ANY_URI = /^[A-Za-z][A-Za-z0-9+.-]*:[!-;=?-~]+$/;

/** Null when it is neither words nor a quoted string. */
const parseDisplay = (text: string): string | undefined | null => {
  if (text === "") return undefined;
  if (text.startsWith('"')) return unquote(text) ?? null;
  return text.split(/[ \t]+/).every((word) => TOKEN.test(word)) ? text : null;
};

const outsideQuotes = (text: string, wanted: string): number => {
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quoted && c === "\\") i++;
    else if (c === '"') quoted = !quoted;
    else if (!quoted && c === wanted) return i;
  }
  return -1;
};
