/**
 * The values of the header fields that SIP itself needs, each read once for a message however often it is asked for:
 * topmost Via, From, To, CSeq, addresses. RFC 3261 §20.
 */
import { malformed, type Parsed, parsed } from "./error.ts";
import { type HasHeaders, headerOf, listOf, once } from "./fields.ts";
import { type Param, paramOf, parseTail, printParams } from "./params.ts";
import { type NameAddr, parseHostPort, parseNameAddr, printHostPort } from "./uri.ts";

export interface Via {
  /** TCP, TLS, ... */
  readonly transport: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly params: ReadonlyArray<Param>;
}

/** White space may stand around each slash, colon and semicolon. RFC 3261 §20.42 and §25.1. */
const SENT =
  /^SIP[ \t]*\/[ \t]*2\.0[ \t]*\/[ \t]*([A-Za-z0-9-]+)[ \t]+([^ \t;]+?)[ \t]*(?::[ \t]*([0-9]{1,5}))?[ \t]*(?=;|$)/i;

export const parseVia = (text: string): Parsed<Via> => {
  const match = SENT.exec(text);
  if (match === null) return malformed("Via", "no protocol and host");
  const [sent, transport = "", host = "", port] = match;
  const hostPort = parseHostPort("Via", port === undefined ? host : `${host}:${port}`);
  if (!hostPort.ok) return hostPort;
  const params = parseTail("Via", text, sent.length);
  return params.ok ? parsed({ transport: transport.toUpperCase(), ...hostPort.value, params: params.value }) : params;
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

/** The Vias, first to last; at least one. */
export const viasOf = (message: HasHeaders): Parsed<ReadonlyArray<Via>> => once(message, "via", readVias);
const readVias = (message: HasHeaders): Parsed<ReadonlyArray<Via>> => {
  const vias: Array<Via> = [];
  for (const text of listOf(message, "Via")) {
    const via = parseVia(text);
    if (!via.ok) return via;
    vias.push(via.value);
  }
  return vias.length === 0 ? malformed("Via", "is missing") : parsed(vias);
};

export const cseqIn = (message: HasHeaders): Parsed<CSeq> => once(message, "cseq", readCSeq);
const readCSeq = (message: HasHeaders): Parsed<CSeq> => parseCSeq(headerOf(message, "CSeq") ?? "");

/** From or To: one address. */
export const fromIn = (message: HasHeaders): Parsed<Tagged> => once(message, "from", readFrom);
const readFrom = (message: HasHeaders): Parsed<Tagged> => oneAddress(message, "From");
export const toIn = (message: HasHeaders): Parsed<Tagged> => once(message, "to", readTo);
const readTo = (message: HasHeaders): Parsed<Tagged> => oneAddress(message, "To");

/** As much of From and To as a transaction or a dialog needs: nobody dials their URIs. */
type Tagged = Pick<NameAddr, "params">;

const oneAddress = (message: HasHeaders, name: "From" | "To"): Parsed<Tagged> => {
  const texts = listOf(message, name);
  return texts.length === 1 ? parseTagged(name, texts[0]!) : malformed(name, "must hold one address");
};

/** `<uri>;params` or `Words <uri>;params`, plainly written, in one look; all else as any address. */
const parseTagged = (name: string, text: string): Parsed<Tagged> => {
  const match = PLAIN_ADDRESS.exec(text);
  if (match === null) return parseNameAddr(name, text);
  const params = parseTail(name, text, match[0].length);
  return params.ok ? parsed({ params: params.value }) : params;
};
const PLAIN_ADDRESS = /^(?:"[^"\\]*" *|(?:[A-Za-z0-9.!%*_+`'~-]+ +)*)<[A-Za-z][A-Za-z0-9+.-]*:[!-;=?-~]+>(?=;|$)/;

export const routesIn = (message: HasHeaders): Parsed<ReadonlyArray<NameAddr>> => once(message, "routes", readRoutes);
const readRoutes = (message: HasHeaders): Parsed<ReadonlyArray<NameAddr>> => addressesOf(message, "Route");

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

/** The tag of From or To. */
export const tagOf = (message: HasHeaders, name: "From" | "To"): string | undefined => {
  const address = name === "From" ? fromIn(message) : toIn(message);
  return address.ok ? paramOf(address.value.params, "tag") : undefined;
};

/** The topmost Via: who sent this, and which transaction it belongs to. */
export const topViaOf = (message: HasHeaders): Via | undefined => {
  const vias = viasOf(message);
  return vias.ok ? vias.value[0] : undefined;
};

/** The branch of the topmost Via. */
export const branchOf = (message: HasHeaders): string | undefined => {
  const via = topViaOf(message);
  return via && paramOf(via.params, "branch");
};

export const cseqOf = (message: HasHeaders): CSeq => {
  const cseq = cseqIn(message);
  return cseq.ok ? cseq.value : NO_CSEQ;
};
const NO_CSEQ: CSeq = { number: 0, method: "" };
