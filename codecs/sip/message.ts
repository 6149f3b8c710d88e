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
import { addressesOf, canonicalName, type Header, listOf, parseCSeq, parseVia } from "./header.ts";
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
  const fields = message.headers.map(({ name, value }) => `${name}: ${oneLine(value)}\r\n`).join("");
  const head = utf8(`${oneLine(start)}\r\n${fields}Content-Length: ${message.body.length}\r\n\r\n`);
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
  // A lone CR or LF, or a NUL, is read differently by different servers: such a message is refused.
  if (/\r(?!\n)|(?<!\r)\n|\0/.test(text)) return malformed("message", "a line does not end with CR LF");
  const [startLine, ...lines] = text.slice(0, -4).split("\r\n");
  const start = parseStartLine(startLine!);
  if (!start.ok) return start;
  const fields = parseFields(lines);
  if (!fields.ok) return fields;
  const { headers, contentLength } = fields.value;
  const message = { ...start.value, headers };
  const problem = problemOf(message);
  return problem === undefined ? parsed({ message, contentLength }) : problem;
};

const CR = 13;
const LF = 10;
const ONCE = ["call-id", "cseq", "from", "to", "max-forwards", "content-type", "x-cisco-vipr-ticket"];

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
};

/** No value of ours may open a line of its own, whatever it was made of. */
const oneLine = (text: string): string => text.replace(/[\r\n\0]+/g, " ");

type Start =
  | { readonly type: "request"; readonly method: string; readonly uri: string; readonly body: Uint8Array }
  | { readonly type: "response"; readonly status: number; readonly reason: string; readonly body: Uint8Array };

const parseStartLine = (line: string): Parsed<Start> => {
  const body = new Uint8Array();
  const status = /^SIP\/2\.0 ([1-6][0-9]{2}) ?(.*)$/i.exec(line);
  if (status !== null) return parsed({ type: "response", status: Number(status[1]), reason: status[2]!, body });
  const [method, uri, version, ...more] = line.split(" ");
  if (version?.toUpperCase() !== "SIP/2.0" || more.length > 0) return malformed("start line", "not SIP/2.0");
  if (!TOKEN.test(method!)) return malformed("start line", "the method is not a token");
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$/.test(uri!)) return malformed("start line", "the Request-URI is not a URI");
  return parsed({ type: "request", method: method!, uri: uri!, body });
};

const parseFields = (lines: ReadonlyArray<string>): Parsed<{ headers: Array<Header>; contentLength: number }> => {
  const headers: Array<{ name: string; values: Array<string> }> = [];
  for (const line of lines) {
    if (line.startsWith(" ") || line.startsWith("\t")) {
      const last = headers.at(-1);
      if (last === undefined) return malformed("header fields", "a folded line follows nothing");
      last.values.push(line.trim());
      continue;
    }
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).trimEnd();
    if (!TOKEN.test(name)) return malformed("header fields", "a line has no field name");
    if (headers.length === HEADERS_MAX) return tooLarge("header fields", `more than ${HEADERS_MAX}`);
    headers.push({ name: canonicalName(name), values: [line.slice(colon + 1).trim()] });
  }
  const all = headers.map(({ name, values }) => ({ name, value: values.join(" ").trim() }));
  const lengths = all.filter((header) => header.name === "Content-Length");
  // RFC 3261 §20.14: on a stream the length MUST be there; two of them are two messages to two readers.
  if (lengths.length !== 1 || !/^[0-9]{1,9}$/.test(lengths[0]!.value))
    return malformed("Content-Length", "must stand exactly once and be a number");
  return parsed({
    headers: all.filter((header) => header.name !== "Content-Length"),
    contentLength: Number(lengths[0]!.value),
  });
};

/** The fields that every message must have, each readable. RFC 3261 §8.1.1. */
const problemOf = (message: SipMessage): ReturnType<typeof malformed> | undefined => {
  const first = new Map<string, string>();
  for (const { name, value } of message.headers) {
    const lower = name.toLowerCase();
    if (first.has(lower) && ONCE.includes(lower)) return malformed(name, "comes twice");
    if (!first.has(lower)) first.set(lower, value);
  }
  const vias = listOf(message, "Via");
  if (vias.length === 0) return malformed("Via", "is missing");
  for (const text of vias) {
    const via = parseVia(text);
    if (!via.ok) return via;
  }
  for (const name of ["From", "To"]) {
    const address = addressesOf(message, name);
    if (!address.ok) return address;
    if (address.value.length !== 1) return malformed(name, "must hold one address");
  }
  if ((first.get("call-id") ?? "") === "") return malformed("Call-ID", "is missing");
  const cseq = parseCSeq(first.get("cseq") ?? "");
  if (!cseq.ok) return cseq;
  if (message.type === "request" && cseq.value.method !== message.method)
    return malformed("CSeq", "names another method");
  const hops = first.get("max-forwards");
  if (hops !== undefined && !/^[0-9]{1,3}$/.test(hops)) return malformed("Max-Forwards", "is not a number");
  return undefined;
};
