/**
 * Header fields: their names in one form, their values read on demand. RFC 3261 §7.3 and §20.
 * A message keeps every field, known or not, in the order it came; names compare without regard to case.
 */
import { malformed, type Parsed, parsed } from "./error.ts";
import { type Param, parseParams, printParams, splitOutside } from "./params.ts";
import { type NameAddr, parseHostPort, parseNameAddr, printHostPort } from "./uri.ts";

export interface Header {
  readonly name: string;
  /** Unfolded, without the white space around it. */
  readonly value: string;
}

export interface HasHeaders {
  readonly headers: ReadonlyArray<Header>;
}

/** Compact forms (RFC 3261 §20 and the IANA table) become the long ones; known names get their usual letters. */
export const canonicalName = (name: string): string => {
  const lower = name.toLowerCase();
  const long = COMPACT.get(lower) ?? lower;
  return USUAL.get(long) ?? name;
};

/** The first value of this field. */
export const headerOf = (message: HasHeaders, name: string): string | undefined => {
  const lower = name.toLowerCase();
  return message.headers.find((header) => header.name.toLowerCase() === lower)?.value;
};

/** Every value of a field that is a list: one field with commas means the same as several. RFC 3261 §7.3.1. */
export const listOf = (message: HasHeaders, name: string): ReadonlyArray<string> => {
  const lower = name.toLowerCase();
  return message.headers
    .filter((header) => header.name.toLowerCase() === lower)
    .flatMap((header) => splitOutside(header.value, ","))
    .map((value) => value.trim())
    .filter((value) => value !== "");
};

/** With this field once, in the place of its first or else at the end; without it when the value is undefined. */
export const withHeader = <M extends HasHeaders>(message: M, name: string, value: string | undefined): M => {
  const lower = name.toLowerCase();
  const at = message.headers.findIndex((header) => header.name.toLowerCase() === lower);
  const others = message.headers.filter((header) => header.name.toLowerCase() !== lower);
  if (value !== undefined) others.splice(at < 0 ? others.length : at, 0, { name, value });
  return { ...message, headers: others };
};

/** With the list replaced, one value a field, standing where its first stood or else at the top. */
export const withList = <M extends HasHeaders>(message: M, name: string, values: ReadonlyArray<string>): M => {
  const lower = name.toLowerCase();
  const at = message.headers.findIndex((header) => header.name.toLowerCase() === lower);
  const others = message.headers.filter((header) => header.name.toLowerCase() !== lower);
  others.splice(Math.max(0, at), 0, ...values.map((value) => ({ name, value })));
  return { ...message, headers: others };
};

export interface Via {
  /** TCP, TLS, ... */
  readonly transport: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly params: ReadonlyArray<Param>;
}

export const parseVia = (text: string): Parsed<Via> => {
  const [sent, ...pieces] = splitOutside(text, ";");
  const match = /^SIP[ \t]*\/[ \t]*2\.0[ \t]*\/[ \t]*([A-Za-z0-9-]+)[ \t]+(\S+)$/i.exec(sent!.trim());
  if (match === null) return malformed("Via", "no protocol and host");
  const hostPort = parseHostPort("Via", match[2]!);
  if (!hostPort.ok) return hostPort;
  const params = parseParams("Via", pieces);
  return params.ok ? parsed({ transport: match[1]!.toUpperCase(), ...hostPort.value, params: params.value }) : params;
};

export const printVia = ({ transport, host, port, params }: Via): string =>
  `SIP/2.0/${transport} ${printHostPort(host, port)}${printParams(params)}`;

export interface CSeq {
  readonly number: number;
  readonly method: string;
}

/** The number stays below 2^31. RFC 3261 §8.1.1.5. */
export const parseCSeq = (text: string): Parsed<CSeq> => {
  const match = /^([0-9]{1,10})[ \t]+([A-Za-z0-9.!%*_+`'~-]+)$/.exec(text);
  if (match === null || Number(match[1]) >= 2 ** 31) return malformed("CSeq", "not a number and a method");
  return parsed({ number: Number(match[1]), method: match[2]! });
};

/** The addresses of From, To, Contact, Route or Record-Route, first to last. */
export const addressesOf = (message: HasHeaders, name: string): Parsed<ReadonlyArray<NameAddr>> => {
  const addresses: Array<NameAddr> = [];
  for (const text of listOf(message, name)) {
    const address = parseNameAddr(name, text);
    if (!address.ok) return address;
    addresses.push(address.value);
  }
  return parsed(addresses);
};

// biome-ignore format: columns
const COMPACT: ReadonlyMap<string, string> = new Map(Object.entries({
  a: "accept-contact", b: "referred-by", c: "content-type", d: "request-disposition", e: "content-encoding",
  f: "from", i: "call-id", j: "reject-contact", k: "supported", l: "content-length", m: "contact", n: "identity-info",
  o: "event", r: "refer-to", s: "subject", t: "to", u: "allow-events", v: "via", x: "session-expires", y: "identity",
}));

// biome-ignore format: columns
const USUAL: ReadonlyMap<string, string> = new Map([
  "Accept", "Accept-Contact", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events",
  "Authentication-Info", "Authorization", "Call-ID", "Call-Info", "Contact", "Content-Disposition",
  "Content-Encoding", "Content-Language", "Content-Length", "Content-Type", "CSeq", "Date", "Error-Info", "Event",
  "Expires", "From", "Identity", "Identity-Info", "In-Reply-To", "Max-Forwards", "MIME-Version", "Min-Expires",
  "Organization", "P-Asserted-Identity", "Priority", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Require",
  "Reason", "Record-Route", "Refer-To", "Referred-By", "Reject-Contact", "Reply-To", "Request-Disposition",
  "Require", "Retry-After", "Route", "Server", "Session-Expires", "Subject", "Supported", "Timestamp", "To",
  "Unsupported", "User-Agent", "Via", "Warning", "WWW-Authenticate", "X-Cisco-ViPR-Ticket",
].map((name) => [name.toLowerCase(), name]));
