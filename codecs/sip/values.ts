/**
 * Values of single header fields: Via, CSeq, and From or To as far as a transaction needs them. RFC 3261 §20.
 *
 *   SIP/2.0/TLS acme.example:5061;branch=z9hG4bKa       1 INVITE       "Alice" <sip:+14085550001@acme.example>;tag=1
 *
 * Each is read where it stands, `text` from `at` to `to`; one that is not written plainly is cut out and read by expressions.
 */
import { malformed, type Parsed, parsed } from "./error.ts";
import { type NameAddr, parseNameAddr } from "./name-addr.ts";
import { type Param, paramNamed, parseTail, plainParams, printParams, splitOutside } from "./params.ts";
import { BRACKETED, digitsIn, lowered, SPACES, spanEnd, TOKENS, trimmed, VALUES } from "./scan.ts";
import { parseHostPort, plainHostEnd, printHostPort } from "./uri.ts";

/** One hop of a message: who sent it, by which transport. RFC 3261 §20.42. */
export interface Via {
  /** TCP, TLS, ... */
  readonly transport: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly params: ReadonlyArray<Param>;
}

/** One value of Via, which must be of SIP/2.0; transport in capitals, host in lower case. */
export const parseVia = (text: string): Parsed<Via> => {
  const plain = plainVia(text, 0, text.length);
  if (plain !== undefined) return parsed(plain);
  const match = SENT.exec(text);
  if (match === null) return malformed("Via", "no protocol and host");
  const [sent, transport = "", host = "", port] = match;
  const hostPort = parseHostPort("Via", port === undefined ? host : `${host}:${port}`);
  if (!hostPort.ok) return hostPort;
  const params = parseTail("Via", text, sent.length);
  return params.ok ? parsed({ transport: transport.toUpperCase(), ...hostPort.value, params: params.value }) : params;
};
/** White space may stand around each slash, colon and semicolon. RFC 3261 §20.42 and §25.1. */
const SENT =
  /^SIP[ \t]*\/[ \t]*2\.0[ \t]*\/[ \t]*([A-Za-z0-9-]+)[ \t]+([^ \t;]+?)[ \t]*(?::[ \t]*([0-9]{1,5}))?[ \t]*(?=;|$)/i;

/** The first of the Vias in a field. */
export const viaIn = (text: string, at: number, to: number): Parsed<Via> => {
  const plain = plainVia(text, at, to);
  return plain === undefined ? parseVia(trimmed(splitOutside(text.slice(at, to), ",")[0]!)) : parsed(plain);
};

const plainVia = (text: string, at: number, to: number): Via | undefined => {
  if (!text.startsWith("SIP/2.0/", at)) return undefined;
  const transportAt = at + 8;
  const space = spanEnd(text, transportAt, to, TOKENS);
  if (space === transportAt || space === to || text.charCodeAt(space) !== SPACE) return undefined;
  const transport = text.slice(transportAt, space);
  if (!PLAIN_TRANSPORTS.has(transport)) return undefined;
  const hostEnd = plainHostEnd(text, space + 1, to);
  if (hostEnd < 0) return undefined;
  let end = hostEnd;
  let port: number | undefined;
  if (end < to && text.charCodeAt(end) === COLON) {
    end = spanEnd(text, hostEnd + 1, to, TOKENS);
    port = end - hostEnd > 6 ? -1 : digitsIn(text, hostEnd + 1, end);
    if (port < 1 || port > 65_535) return undefined;
  }
  const params = plainParams(text, end, to, TOKENS, VALUES);
  return params === undefined ? undefined : { transport, host: lowered(text, space + 1, hostEnd), port, params };
};
const SPACE = 32;
const COLON = 58;
const PLAIN_TRANSPORTS = new Set(["TLS", "TCP", "UDP", "SCTP", "WS", "WSS"]);

/** The value of a Via. */
export const printVia = ({ transport, host, port, params }: Via): string =>
  `SIP/2.0/${transport} ${printHostPort(host, port)}${printParams(params)}`;

/** RFC 3261 §20.16. */
export interface CSeq {
  readonly number: number;
  readonly method: string;
}

/** The number stays below 2^31. RFC 3261 §8.1.1.5. */
export const parseCSeq = (text: string): Parsed<CSeq> => cseqIn(text, 0, text.length);

export const cseqIn = (text: string, at: number, to: number): Parsed<CSeq> => {
  let end = at;
  let number = 0;
  for (; end < to && end - at < 10; end++) {
    const digit = text.charCodeAt(end) - 48;
    if (digit < 0 || digit > 9) break;
    number = number * 10 + digit;
  }
  const methodAt = spanEnd(text, end, to, SPACES);
  const isRead = end > at && methodAt > end && methodAt < to && spanEnd(text, methodAt, to, TOKENS) === to;
  if (!isRead || number >= 2 ** 31) return malformed("CSeq", "not a number and a method");
  return parsed({ number, method: text.slice(methodAt, to) });
};

/** As much of From and To as a transaction or a dialog needs: nobody dials their URIs. */
export type Tagged = Pick<NameAddr, "params">;

/** One address, `<uri>;params` or `Words <uri>;params`. A tag has a value, RFC 3261 §25.1: without one there would be two. */
export const taggedIn = (name: string, text: string, at: number, to: number): Parsed<Tagged> => {
  const end = plainAddressEnd(text, at, to);
  const params = end < 0 ? undefined : plainParams(text, end, to, TOKENS, VALUES);
  if (params !== undefined) return withTag(name, { params });
  const values = splitOutside(text.slice(at, to), ",").map(trimmed);
  if (values.length !== 1) return malformed(name, "must hold one address");
  const address = parseNameAddr(name, values[0]!);
  return address.ok ? withTag(name, address.value) : address;
};

const withTag = (name: string, tagged: Tagged): Parsed<Tagged> => {
  const tag = paramNamed(tagged.params, "tag");
  return tag !== undefined && !tag.value ? malformed(name, "its tag has no value") : parsed(tagged);
};

/** Where a plainly written address ends: behind its `>`. -1: it is not one. */
const plainAddressEnd = (text: string, at: number, to: number): number => {
  let open = at;
  if (text.charCodeAt(at) === QUOTE) {
    const close = text.indexOf('"', at + 1);
    if (close < 0 || close >= to) return -1;
    const escaped = text.indexOf("\\", at + 1);
    if (escaped >= 0 && escaped < close) return -1;
    open = spanEnd(text, close + 1, to, SPACES);
  } else if (text.charCodeAt(at) !== OPEN) {
    open = spanEnd(text, at, to, TOKENS | SPACES);
    if (text.charCodeAt(open - 1) !== SPACE) return -1;
  }
  if (open >= to || text.charCodeAt(open) !== OPEN) return -1;
  const schemeEnd = spanEnd(text, open + 1, to, TOKENS);
  const close = spanEnd(text, schemeEnd, to, BRACKETED);
  const isUri = SCHEMES.has(text.slice(open + 1, schemeEnd)) && text.charCodeAt(schemeEnd) === COLON;
  return isUri && close > schemeEnd + 1 && close < to && text.charCodeAt(close) === CLOSE ? close + 1 : -1;
};
const QUOTE = 34;
const OPEN = 60;
const CLOSE = 62;
const SCHEMES = new Set(["sip", "sips", "tel"]);
