/**
 * A message as a capture may hold it: without what opens or proves anything, and without whole telephone numbers unless they are
 * asked for. It stays a message of its kind, which Wireshark reads.
 *
 *   VAP    MESSAGE-INTEGRITY, attributes of types that we do not know    zeros
 *   SIP    Authorization and its like, passwords in URIs                 "(left out)"
 *          SRTP keys, ICE passwords                                      as many x
 *          bodies that are no SDP                                        none
 *   RELOAD ICE passwords, a configuration's shared secret                zeros, as many x
 *   each   a ticket's integrity                                          zeros
 *          numbers                                                       14...32
 *
 * What cannot be read cannot be cleared either, and is not shown. DECISIONS.md D-332.
 */
import { maskE164, utf8 } from "../shared/mod.ts";
import { type Header, headerOf, parseSip, printSip, type SipMessage, TICKET_HEADER } from "../sip/mod.ts";
import { readTicket, writeTicket } from "../ticket/mod.ts";
import { PvpFrame } from "../validation/mod.ts";
import { type VapAttribute, VapMessage } from "../vap/mod.ts";
import { decode, encode } from "../wire/mod.ts";
import { shownReload } from "./shown-reload.ts";

/** What a capture may hold beyond what is always shown. */
export interface Clearance {
  /** Telephone numbers as they are. */
  readonly wholeNumbers: boolean;
}
/** Whose messages can be cleared. */
export type CapturedProtocol = "vap" | "pvp" | "sip" | "reload";

/** Undefined: it could not be read. */
export const shownMessage = (
  protocol: CapturedProtocol,
  bytes: Uint8Array,
  clearance: Clearance,
): Uint8Array | undefined => SHOWN[protocol](bytes, clearance);

type Show = (bytes: Uint8Array, clearance: Clearance) => Uint8Array | undefined;

const showVap: Show = (bytes, clearance) => {
  const read = decode(VapMessage, bytes);
  if (!read.ok) return undefined;
  const attributes = read.value.attributes.map((one) => shownAttribute(one, clearance));
  return encode(VapMessage, { ...read.value, attributes });
};

const shownAttribute = (attribute: VapAttribute, clearance: Clearance): VapAttribute => {
  switch (attribute.type) {
    case "messageIntegrity":
    case "unknown":
      return { ...attribute, value: new Uint8Array(attribute.value.length) };
    case "callingNumber":
    case "calledNumber":
      return { ...attribute, value: numbersIn(attribute.value, clearance) };
    case "serviceContent":
      return { ...attribute, value: shownDocument(attribute.value, clearance) };
    default:
      return attribute;
  }
};

const showPvp: Show = (bytes, clearance) => {
  const read = decode(PvpFrame, bytes);
  return read.ok ? encode(PvpFrame, { document: shownDocument(read.value.document, clearance) }) : undefined;
};

const decoder = new TextDecoder();
const LEFT_OUT = "(left out)";
const LONG_BASE64 = /[A-Za-z0-9+/]{64,}={0,2}/g;
const TICKET = /(<(?:[\w.-]+:)?ticket[^>]*>)([^<]*)/g;

/** A document of VAP or PVP: XML with numbers, and with a ticket. */
const shownDocument = (bytes: Uint8Array, clearance: Clearance): Uint8Array => {
  const parts = decoder.decode(bytes).split(TICKET);
  // Every third part is a ticket, behind its tag. One that stands there otherwise is no less secret.
  const shown = parts.map((part, i) =>
    i % 3 === 2 ? shownTicket(part.trim(), clearance) : numbersIn(part.replace(LONG_BASE64, LEFT_OUT), clearance),
  );
  return utf8(shown.join(""));
};

const NO_INTEGRITY = new Uint8Array(32);
/** Its fields without the proof that they are the grantor's: nobody calls with it. */
const shownTicket = (text: string, clearance: Clearance): string => {
  const read = readTicket(text);
  if (!read.ok) return "";
  const { integrity: _, ...grant } = read.ticket;
  return writeTicket({ ...grant, number: numbersIn(grant.number, clearance) }, () => NO_INTEGRITY);
};

/** What names a dialog, and addresses, are digits too. */
const OCTET = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`;
const NUMBER = new RegExp(
  String.raw`(;tag=[^;>,\s]*|(?<![0-9.])${OCTET}(?:\.${OCTET}){3}(?![0-9.]))` +
    String.raw`|(?<![0-9A-Za-z])[+(]?\d(?:[-.() ]?\d){6,}(?![0-9A-Za-z])`,
  "g",
);
const numbersIn = (text: string, { wholeNumbers }: Clearance): string =>
  wholeNumbers ? text : text.replace(NUMBER, (found, kept?: string) => kept ?? masked(found));
/** As in logs, in letters that a URI may have; without the + Wireshark looks for no country in it. */
const masked = (number: string): string =>
  maskE164(`+${number.replace(/[^0-9]/g, "")}`)
    .slice(1)
    .replace("…", "...");

const PASSWORD_IN_URI = /\b(sips?:[^:@\s<>;?]*):[^@\s<>;]*@/gi;
const showSip: Show = (bytes, clearance) => {
  const read = parseSip(bytes);
  if (!read.ok) return undefined;
  const message = read.value;
  const headers = message.headers.map((header) => shownHeader(header, clearance));
  const body = isSdp(message) ? shownSdp(message.body, clearance) : new Uint8Array();
  return printSip(
    message.type === "request"
      ? { ...plain(message), uri: shownText(message.uri, clearance), headers, body }
      : { ...message, headers, body },
  );
};
/** A request that came in is an object of a class of its own. */
const plain = ({ type, method }: SipMessage & { readonly type: "request" }) => ({ type, method });
const isSdp = (message: SipMessage): boolean =>
  /^application\/sdp\s*(;|$)/i.test(headerOf(message, "Content-Type") ?? "");

const SECRET = /^(?:Proxy-)?Authorization$|^Authentication-Info$|^Identity$|^Cookie$/i;
/** Of numbers that are none of the telephone network. */
const OF_PROTOCOL =
  /^(?:Via|CSeq|Content-Length|Content-Type|Max-Forwards|Expires|Min-Expires|Session-Expires|Min-SE|Date|Timestamp|RAck|RSeq|Retry-After|User-Agent|Server)$/i;

const shownHeader = ({ name, value }: Header, clearance: Clearance): Header => {
  if (SECRET.test(name)) return { name, value: `${/^[A-Za-z]+ /.exec(value)?.[0] ?? ""}${LEFT_OUT}` };
  if (name === TICKET_HEADER) return { name, value: shownTicket(value, clearance) };
  return { name, value: OF_PROTOCOL.test(name) ? value : shownText(value, clearance) };
};
const shownText = (text: string, clearance: Clearance): string =>
  numbersIn(text.replace(PASSWORD_IN_URI, `$1:${LEFT_OUT}@`), clearance);

/** The lines of who speaks, of which the rest is numbers of its own, what it is called, and how somebody is reached. */
const OF_PEOPLE = /^(?:o=\S+|[siuep]=.*)/;
const shownSdp = (body: Uint8Array, clearance: Clearance): Uint8Array =>
  utf8(
    decoder
      .decode(body)
      .split(/(\r?\n)/)
      .map((line) => {
        const bare = line
          .replace(/\b(inline:)([^|;\s]*)/gi, (_, what: string, key: string) => what + "x".repeat(key.length))
          .replace(/^(a=ice-pwd:|k=\w+:)(.*)$/i, (_, what: string, key: string) => what + "x".repeat(key.length));
        return bare.replace(OF_PEOPLE, (people) => people.slice(0, 2) + numbersIn(people.slice(2), clearance));
      })
      .join(""),
  );

const SHOWN: Readonly<Record<CapturedProtocol, Show>> = {
  vap: showVap,
  pvp: showPvp,
  sip: showSip,
  reload: shownReload,
};
