/**
 * SIP and telephone URIs. RFC 3261 §19.1, RFC 3966. The addresses that wrap them are in `name-addr.ts`.
 *
 *   sip:+14085555432@acme.example:5061;maddr=192.0.2.1;transport=tls?subject=call
 *       user          host       port   URI parameters               headers
 */
import { type E164, isE164 } from "../shared/mod.ts";
import { malformed, type Parsed, parsed } from "./error.ts";
import { escaped, type Param, paramNamed, parseUriParams, plainParams, printUriParams, unescaped } from "./params.ts";
import { digitsIn, HOSTS, lowered, spanEnd, URI_PARAMS, USERS } from "./scan.ts";

/** A SIP or SIPS URI in its parts. RFC 3261 §19.1.1. */
export interface SipUri {
  readonly type: "sip";
  /** `sips:` */
  readonly secure: boolean;
  /** Without escapes. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Lower case; an IPv6 address stands in its brackets. */
  readonly host: string;
  readonly port: number | undefined;
  readonly params: ReadonlyArray<Param>;
  /** What stood after `?`, as it was written. */
  readonly headers: string | undefined;
}

/** A telephone URI. RFC 3966. */
export interface TelUri {
  readonly type: "tel";
  /** As written, visual separators included. */
  readonly number: string;
  readonly params: ReadonlyArray<Param>;
}

/** Of another scheme, or one that we cannot take apart: whoever need not dial it passes it on as written. */
export interface OtherUri {
  readonly type: "other";
  readonly text: string;
}

/** What may stand in an address, told apart by `type`. */
export type Uri = SipUri | TelUri | OtherUri;

/** A SIP URI with this host and these parts, and nothing else. Not checked: `host` is in lower case, IPv6 in brackets. */
export const sipUri = (parts: Partial<Omit<SipUri, "type">> & { readonly host: string }): SipUri => ({
  type: "sip",
  secure: false,
  user: undefined,
  password: undefined,
  port: undefined,
  params: [],
  headers: undefined,
  ...parts,
});

/** A SIP, SIPS or telephone URI that is the whole text; an error at "uri" for any other scheme. */
export const parseUri = (text: string): Parsed<SipUri | TelUri> => {
  const plain = plainUri(text, 0, text.length);
  if (plain !== undefined) return parsed(plain);
  const colon = text.indexOf(":");
  const scheme = text.slice(0, Math.max(0, colon)).toLowerCase();
  const rest = text.slice(colon + 1);
  if (scheme === "tel") return parseTel(rest);
  if (scheme === "sip" || scheme === "sips") return parseSipUri(rest, scheme === "sips");
  return malformed("uri", "neither a SIP nor a telephone URI");
};

/** The text of a URI, escaped where it has to be: `parseUri` reads the same from that of a SIP or telephone URI. */
export const printUri = (uri: Uri): string => {
  if (uri.type === "other") return uri.text;
  if (uri.type === "tel") return `tel:${uri.number}${printUriParams(uri.params)}`;
  const password = uri.password === undefined ? "" : `:${escaped(uri.password, "&=+$,")}`;
  const user = uri.user === undefined ? "" : `${escaped(uri.user, "&=+$,;?/")}${password}@`;
  const headers = uri.headers === undefined ? "" : `?${uri.headers}`;
  return `${uri.secure ? "sips" : "sip"}:${user}${printHostPort(uri.host, uri.port)}${printUriParams(uri.params)}${headers}`;
};

/**
 * Whether a URI is the one that was written, come back: all its parts are the same, and no parameter is missing or new, in any
 * order. Stricter than the equivalence of §19.1.4, which passes over most parameters that only one of the two has.
 */
export const isReturned = (uri: Uri, written: SipUri): boolean =>
  uri.type === "sip" &&
  uri.host === written.host.toLowerCase() &&
  uri.port === written.port &&
  uri.user === written.user &&
  uri.password === written.password &&
  uri.secure === written.secure &&
  uri.headers === written.headers &&
  uri.params.length === written.params.length &&
  written.params.every(({ name, value }) => {
    const param = paramNamed(uri.params, name);
    return param !== undefined && param.value?.toLowerCase() === value?.toLowerCase();
  });

/** `host:port`, or the host alone; IPv6 must be in its brackets already. */
export const printHostPort = (host: string, port: number | undefined): string =>
  port === undefined ? host : `${host}:${port}`;

/** `host`, `host:5061`, `[::1]:5061`. */
export const parseHostPort = (at: string, text: string): Parsed<{ host: string; port: number | undefined }> => {
  const match = /^([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9.])?|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?$/.exec(text);
  if (match === null || match[1]!.length > HOST_CHARS_MAX) return malformed(at, "not a host");
  if (match[1]!.startsWith("[") && !isIpv6(match[1]!.slice(1, -1))) return malformed(at, "not an IPv6 address");
  const port = match[2] === undefined ? undefined : Number(match[2]);
  if (port !== undefined && (port < 1 || port > 65_535)) return malformed(at, "not a port");
  return parsed({ host: match[1]!.toLowerCase(), port });
};

/** RFC 3261 §25.1, IPv6address: eight groups of up to four hex digits, one run of them left out, the last two as IPv4. */
const isIpv6 = (text: string): boolean => {
  const [head = "", tail, ...more] = text.split("::");
  if (more.length > 0) return false;
  const groups = (part: string): number => {
    if (part === "") return 0;
    const all = part.split(":");
    const isV4 = IPV4.test(all.at(-1)!);
    const hex = isV4 ? all.slice(0, -1) : all;
    return hex.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group)) ? hex.length + (isV4 ? 2 : 0) : Number.NaN;
  };
  if (tail === undefined) return groups(head) === 8;
  return !IPV4.test(head.split(":").at(-1)!) && groups(head) + groups(tail) < 8;
};
const IPV4 = /^(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})(?:\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})){3}$/;

/** The telephone number that a URI means: a global one in the user part, or a telephone URI's own. RFC 3966 §5.1.4. */
export const numberOf = (uri: Uri): E164 | undefined => {
  if (uri.type === "other") return undefined;
  const text = uri.type === "tel" ? uri.number : uri.user?.split(";")[0];
  if (text === undefined || !text.startsWith("+")) return undefined;
  if (isE164(text)) return text;
  const number = text.replace(/[-.()]/g, "");
  return isE164(number) ? number : undefined;
};

/** Without what stands behind the `?` that follows the host: before `@` it belongs to the user part. */
export const withoutHeaders = (uri: string): string => {
  if (!uri.includes("?") || !/^sips?:/i.test(uri)) return uri;
  const question = uri.indexOf("?", uri.indexOf("@") + 1);
  return question < 0 ? uri : uri.slice(0, question);
};

const HOST_CHARS_MAX = 255;
/** As nearly all are written: nothing escaped, no password, no headers, no IPv6 address. */
export const plainUri = (text: string, at: number, to: number): SipUri | undefined => {
  if (!text.startsWith("sip", at)) return undefined;
  const secure = text.charCodeAt(at + 3) === LETTER_S;
  const start = secure ? at + 5 : at + 4;
  if (text.charCodeAt(start - 1) !== COLON) return undefined;
  const userEnd = spanEnd(text, start, to, USERS);
  const hasUser = userEnd < to && text.charCodeAt(userEnd) === AT && userEnd > start;
  const hostAt = hasUser ? userEnd + 1 : start;
  const hostEnd = plainHostEnd(text, hostAt, to);
  if (hostEnd < 0) return undefined;
  let end = hostEnd;
  let port: number | undefined;
  if (end < to && text.charCodeAt(end) === COLON) {
    const digitsAt = end + 1;
    for (end = digitsAt; end < to && isDigit(text.charCodeAt(end)); end++);
    port = end - digitsAt > 5 ? -1 : digitsIn(text, digitsAt, end);
    if (port < 1 || port > 65_535) return undefined;
  }
  const params = plainParams(text, end, to, URI_PARAMS, URI_PARAMS);
  if (params === undefined) return undefined;
  const user = hasUser ? text.slice(start, userEnd) : undefined;
  const host = lowered(text, hostAt, hostEnd);
  return { type: "sip", secure, user, password: undefined, host, port, params, headers: undefined };
};
const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const LETTER_S = 115;
const COLON = 58;
const AT = 64;

/** Where a host ends that is a name or an IPv4 address, without a mark at its edges; -1: none begins here. */
export const plainHostEnd = (text: string, at: number, to: number): number => {
  const end = spanEnd(text, at, to, HOSTS);
  if (end === at || end - at > HOST_CHARS_MAX) return -1;
  const first = text.charCodeAt(at);
  const last = text.charCodeAt(end - 1);
  return first === DOT || first === DASH || last === DASH ? -1 : end;
};
const DOT = 46;
const DASH = 45;

const parseSipUri = (text: string, secure: boolean): Parsed<SipUri> => {
  const at = text.indexOf("@");
  const userInfo = at < 0 ? undefined : parseUserInfo(text.slice(0, at));
  if (userInfo !== undefined && !userInfo.ok) return userInfo;
  const question = text.indexOf("?", at + 1);
  const headers = question < 0 ? undefined : text.slice(question + 1);
  if (headers !== undefined && !/^[!-;=?-~]*$/.test(headers)) return malformed("uri", "its headers are not plain text");
  const [where, ...pieces] = text.slice(at + 1, question < 0 ? undefined : question).split(";");
  const hostPort = parseHostPort("uri", where!);
  if (!hostPort.ok) return hostPort;
  const params = parseUriParams("uri", pieces);
  if (!params.ok) return params;
  const none = { user: undefined, password: undefined };
  return parsed(sipUri({ secure, ...(userInfo?.value ?? none), ...hostPort.value, params: params.value, headers }));
};

const parseUserInfo = (text: string): Parsed<{ user: string; password: string | undefined }> => {
  if (!/^[A-Za-z0-9_.!~*'()&=+$,;?/%:#-]+$/.test(text)) return malformed("uri", "its user part is not one");
  const colon = text.indexOf(":");
  const user = unescaped(colon < 0 ? text : text.slice(0, colon));
  const password = colon < 0 ? undefined : unescaped(text.slice(colon + 1));
  if (user === undefined || user === "") return malformed("uri", "its user part is not one");
  if (colon >= 0 && password === undefined) return malformed("uri", "its password is not one");
  return parsed({ user, password });
};

const parseTel = (text: string): Parsed<TelUri> => {
  const [number, ...pieces] = text.split(";");
  if (!/^\+?[0-9A-Fa-f*#().-]{1,64}$/.test(number!)) return malformed("uri", "not a telephone number");
  const params = parseUriParams("uri", pieces);
  return params.ok ? parsed({ type: "tel", number: number!, params: params.value }) : params;
};
