/**
 * SIP requests and responses, read and written. RFC 3261 §7.
 *
 *   bytes --> parseSip --> start line, header fields (`fields.ts`), body --> printSip --> bytes
 *
 * Content-Length is derived, as every length in this house: it stands on the wire and not in the value. A request that came
 * in keeps what was read of its Request-URI, and a body what was read of it, also in copies of its message.
 * Requirements: RFC 3261 §16.6.
 */
import { utf8 } from "../shared/mod.ts";
import { malformed, type Parsed, type SipError } from "./error.ts";
import { Field, type Header, headerOf, withHeader } from "./fields.ts";
import { type HeadRead, parseHead, type Start } from "./head.ts";
import { parseSdp, printSdp, type Sdp } from "./sdp.ts";
import { parseUri, type SipUri, type TelUri } from "./uri.ts";

/** A request; its body is in bytes, its Content-Length is written and not kept. */
export interface SipRequest {
  readonly type: "request";
  readonly method: string;
  /** The Request-URI as written. */
  readonly uri: string;
  readonly headers: ReadonlyArray<Header>;
  readonly body: Uint8Array;
}

/** A response with its status, 100 to 699, and its reason phrase as it stood. */
export interface SipResponse {
  readonly type: "response";
  readonly status: number;
  readonly reason: string;
  readonly headers: ReadonlyArray<Header>;
  readonly body: Uint8Array;
}

/** Either, told apart by `type`. */
export type SipMessage = SipRequest | SipResponse;

/** A message whose end is known and whose content is not SIP. */
export interface Unreadable {
  readonly error: SipError;
  /** What there was to read of a request that may be answered; undefined for a response and for an ACK. RFC 3261 §17.2.1. */
  readonly request: SipRequest | undefined;
  /** What answers it, where that is not 400: 505 for another version of SIP. */
  readonly status?: number;
}

/** The limit for one message, header fields and body, where none is configured. */
export const SIP_BYTES_MAX = 65_536;

/** A request that came in. */
class ReadRequest implements SipRequest {
  readonly type = "request";
  readonly method: string;
  readonly uri: string;
  readonly headers: ReadonlyArray<Header>;
  readonly body: Uint8Array;
  #target: Parsed<SipUri | TelUri> | undefined;

  constructor(method: string, uri: string, headers: ReadonlyArray<Header>, body: Uint8Array) {
    this.method = method;
    this.uri = uri;
    this.headers = headers;
    this.body = body;
  }
  get target(): Parsed<SipUri | TelUri> {
    this.#target ??= parseUri(this.uri);
    return this.#target;
  }
}

/** The Request-URI of a request, read once for one that came in. */
export const requestUriOf = (request: SipRequest): Parsed<SipUri | TelUri> =>
  request instanceof ReadRequest ? request.target : parseUri(request.uri);

/** The body as a session description, read once: nobody changes a body in its place. */
export const sessionIn = ({ body }: SipMessage): Parsed<Sdp> => {
  const known = sessions.get(body);
  if (known !== undefined) return known;
  const session = parseSdp(decoder.decode(body));
  sessions.set(body, session);
  return session;
};
const sessions = new WeakMap<Uint8Array, Parsed<Sdp>>();
const decoder = new TextDecoder();

/** The message with this description for its body. */
export const withSession = <M extends SipMessage>(message: M, sdp: Sdp): M => {
  const isNamed = headerOf(message, "Content-Type") !== undefined;
  const typed = isNamed ? message : withHeader(message, "Content-Type", "application/sdp");
  return { ...typed, body: utf8(printSdp(sdp)) };
};

/** The body that stands there, in memory of its own: what it came in may be written over. */
export const bodyIn = (bytes: Uint8Array, from: number, to: number): Uint8Array => {
  if (from === to) return NO_BODY;
  const body = roomFor(to - from);
  body.set(bytes.subarray(from, to));
  return body;
};
export const NO_BODY: Uint8Array = new Uint8Array();

/** The message that this head begins. */
export const messageOf = (start: Start, headers: ReadonlyArray<Header>, body: Uint8Array): SipMessage =>
  start.type === "request"
    ? new ReadRequest(start.method, start.uri, headers, body)
    : { type: "response", status: start.status, reason: start.reason, headers, body };

export const unreadableOf = (read: HeadRead & { readonly type: "unreadable" }): Unreadable => {
  const { error, method, headers, isOtherVersion } = read;
  if (method === undefined || method === "ACK") return { error, request: undefined };
  const request: SipRequest = { type: "request", method, uri: "", headers, body: new Uint8Array() };
  return isOtherVersion ? { error, request, status: 505 } : { error, request };
};

/** One whole message; what stands after its Content-Length is an error here. */
export const parseSip = (bytes: Uint8Array): Parsed<SipMessage> => {
  const end = endOfHead(bytes, 0, bytes.length);
  if (end < 0) return malformed("message", "no empty line after the header fields");
  const head = parseHead(bytes.subarray(0, end));
  if (head.type !== "read") return { ok: false, error: head.error };
  if (end + head.contentLength !== bytes.length) return malformed("Content-Length", "is not the body's length");
  return { ok: true, value: messageOf(head.start, head.headers, bytes.subarray(end)) };
};

/** Start line and header fields: of a message that came in, as they came, and nothing of what was made of them. */
export const headTextOf = (message: SipMessage): string => Field.textOf(message.headers) ?? printHead(message);
/** The message that such a text begins, without its body. */
export const messageOfHeadText = (text: string): SipMessage | undefined => {
  const head = parseHead(utf8(text), 0);
  return head.type === "read" ? messageOf(head.start, head.headers, NO_BODY) : undefined;
};

const printHead = (message: SipMessage): string => {
  const start =
    message.type === "request"
      ? `${message.method} ${message.uri} SIP/2.0`
      : `SIP/2.0 ${message.status} ${message.reason}`;
  const { headers, body } = message;
  // What came in passes on in the lines that it came in, byte for byte; what was written here is written plainly.
  const { lines, hasLength } = Field.print(headers, written, body.length);
  return `${oneLine(start)}\r\n${lines}${hasLength ? "" : `Content-Length: ${body.length}\r\n`}\r\n`;
};

/** The bytes of a message, Content-Length put right. A line break in a value becomes a space, so that none opens a field of its own. */
export const printSip = (message: SipMessage): Uint8Array => {
  const { body } = message;
  const head = printHead(message);
  // As many bytes as letters, as nearly always; or else all over again.
  const out = roomFor(head.length + body.length);
  const { read, written: size } = encoder.encodeInto(head, out);
  if (read === head.length && size === head.length) {
    out.set(body, size);
    return out;
  }
  const bytes = utf8(head);
  const whole = new Uint8Array(bytes.length + body.length);
  whole.set(bytes);
  whole.set(body, bytes.length);
  return whole;
};
const encoder = new TextEncoder();

/**
 * Bytes that nobody else is given. Messages share an ArrayBuffer, as those of Node's `Buffer.allocUnsafe` do, but on Bun,
 * whose engine makes a buffer of its own in less time than a view.
 */
const roomFor = (size: number): Uint8Array => {
  if (IS_OWN || size > SHARED_BYTES_MAX) return new Uint8Array(size);
  if (free + size > POOL_BYTES) {
    pool = new ArrayBuffer(POOL_BYTES);
    free = 0;
  }
  const room = new Uint8Array(pool, free, size);
  free += size;
  return room;
};
const IS_OWN = "Bun" in globalThis;
/** So much a message that is kept may hold in memory beyond its own bytes. */
const POOL_BYTES = 16_384;
const SHARED_BYTES_MAX = 4_096;
let pool = new ArrayBuffer(POOL_BYTES);
let free = 0;

const written = ({ name, value }: Header): string => `${name}: ${oneLine(value)}\r\n`;

/** No value of ours may open a line of its own, whatever it was made of. */
const oneLine = (text: string): string => (/[\r\n\0]/.test(text) ? text.replace(/[\r\n\0]+/g, " ") : text);

/** Where the body begins, or -1. Looks at `bytes` from `from` up to `to`, at every fourth where nothing stands. */
export const endOfHead = (bytes: Uint8Array, from: number, to: number): number => {
  for (let i = from + 3; i < to; ) {
    const byte = bytes[i]!;
    if (byte !== LF && byte !== CR) i += 4;
    else if (byte === LF && bytes[i - 1] === CR && bytes[i - 2] === LF && bytes[i - 3] === CR) return i + 1;
    else i += 1;
  }
  return -1;
};
const CR = 13;
const LF = 10;
