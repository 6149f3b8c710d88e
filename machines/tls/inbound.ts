/**
 * From the received bytes to the next unit: a handshake message, a ChangeCipherSpec, an alert, or application data.
 *
 *   bytes --> raw --(whole record)--> unprotect --> handshake fragments --> messages --(whole message)--> unit
 *                                         +-------> alert | changeCipherSpec | applicationData ---------> unit
 *
 * At most one incomplete record and one incomplete message are buffered, and what the host passed in one piece.
 * DECISIONS.md D-028.
 */
import {
  type AlertDescription,
  HANDSHAKE_HEADER_BYTES,
  HANDSHAKE_MESSAGE_BYTES_MAX,
  RECORD_CIPHERTEXT_BYTES_MAX,
  RECORD_HEADER_BYTES,
  RECORD_PLAINTEXT_BYTES_MAX,
  TlsAlert,
  TlsChangeCipherSpec,
  TlsHandshake,
  TlsHandshakeHeader,
  TlsRecordHeader,
  tls12,
} from "../../codecs/tls/mod.ts";
import { decode, type Wire } from "../../codecs/wire/mod.ts";
import { append, type BufferedBytes, bufferedSize, noBytes, peek, take } from "./buffered-bytes.ts";
import { type Protection, RECORDS_MAX, unprotect } from "./record.ts";

export interface Inbound {
  readonly raw: BufferedBytes;
  readonly messages: BufferedBytes;
  /** How records are protected since the peer's ChangeCipherSpec; undefined before it. */
  readonly read: Protection | undefined;
  /** Until the first message, records may name an older version: RFC 5246 appendix E.1 allows it to a ClientHello. */
  readonly isLax: boolean;
  /** Consecutive records without data. */
  readonly idle: number;
}

export type Unit =
  | { readonly type: "handshake"; readonly message: TlsHandshake; readonly bytes: Uint8Array }
  | { readonly type: "changeCipherSpec" }
  | { readonly type: "alert"; readonly alert: TlsAlert }
  | { readonly type: "applicationData"; readonly bytes: Uint8Array };

/** The alert that we send before we close, and the reason for our log. */
export interface Refusal {
  readonly alert: AlertDescription;
  readonly why: string;
}

export interface Taken {
  readonly inbound: Inbound;
  readonly unit?: Unit;
  readonly refusal?: Refusal;
}

/** Consecutive records without data: each costs us work, and the peer almost none. */
export const IDLE_RECORDS_MAX = 16;

export const noInbound = (side: "client" | "server"): Inbound => ({
  raw: noBytes,
  messages: noBytes,
  read: undefined,
  isLax: side === "server",
  idle: 0,
});

export const received = (inbound: Inbound, bytes: Uint8Array): Inbound => ({
  ...inbound,
  raw: append(inbound.raw, bytes),
});

/** The next unit, if it has arrived completely; what was read towards it stays in `inbound`. */
export const takeUnit = (inbound: Inbound): Taken => {
  let now = inbound;
  while (true) {
    const message = takeMessage(now);
    if (message !== undefined) return message;
    const record = takeRecord(now);
    if (record === undefined) return { inbound: now };
    if ("refusal" in record) return { inbound: now, refusal: record.refusal };
    now = record.inbound;
    if (record.type !== "handshake") return unitOf(record);
    //# "Implementations MUST NOT send zero-length fragments of Handshake, Alert, or ChangeCipherSpec content types."
    //# (RFC 5246 §6.2.1)
    if (record.content.length === 0) return refuse(now, "decodeError", "empty handshake record");
    now = { ...now, messages: append(now.messages, record.content) };
  }
};

const takeMessage = (inbound: Inbound): Taken | undefined => {
  const header = decode(TlsHandshakeHeader, peek(inbound.messages, HANDSHAKE_HEADER_BYTES));
  if (!header.ok) return undefined; // any four bytes are a header: some are missing
  const size = HANDSHAKE_HEADER_BYTES + header.value.length;
  if (size > HANDSHAKE_MESSAGE_BYTES_MAX) return refuse(inbound, "decodeError", "handshake message too long");
  if (bufferedSize(inbound.messages) < size) return undefined;
  const [view, messages] = take(inbound.messages, size);
  const bytes = view.slice(); // a view would keep the whole received buffer in memory
  const message = decode(TlsHandshake, bytes);
  return message.ok
    ? { inbound: { ...inbound, messages, isLax: false }, unit: { type: "handshake", message: message.value, bytes } }
    : refuse(inbound, "decodeError", `malformed ${message.error.at}`);
};

type Record =
  | { readonly inbound: Inbound; readonly type: TlsRecordHeader["type"]; readonly content: Uint8Array }
  | { readonly refusal: Refusal };

const takeRecord = (inbound: Inbound): Record | undefined => {
  const header = decode(TlsRecordHeader, peek(inbound.raw, RECORD_HEADER_BYTES));
  if (!header.ok) return undefined;
  const { type, version, length } = header.value;
  if (typeof type === "number") return refuse(inbound, "unexpectedMessage", "not a TLS record");
  if (inbound.isLax ? version >> 8 !== tls12 >> 8 : version !== tls12)
    return refuse(inbound, "protocolVersion", "record of another version");
  const isProtected = inbound.read !== undefined;
  if (length > (isProtected ? RECORD_CIPHERTEXT_BYTES_MAX : RECORD_PLAINTEXT_BYTES_MAX))
    return refuse(inbound, "recordOverflow", "record too long");
  if (bufferedSize(inbound.raw) < RECORD_HEADER_BYTES + length) return undefined;
  const [whole, raw] = take(inbound.raw, RECORD_HEADER_BYTES + length);
  const fragment = whole.subarray(RECORD_HEADER_BYTES);
  if (inbound.read === undefined) return { inbound: { ...inbound, raw }, type, content: fragment };
  return openRecord({ ...inbound, raw }, inbound.read, type, fragment);
};

const openRecord = (
  inbound: Inbound,
  read: Protection,
  type: Exclude<TlsRecordHeader["type"], number>,
  fragment: Uint8Array,
): Record => {
  const content = unprotect(read, type, fragment);
  if (content === undefined) return refuse(inbound, "badRecordMac", "record does not open");
  if (content.length > RECORD_PLAINTEXT_BYTES_MAX) return refuse(inbound, "recordOverflow", "content too long");
  if (read.sequence >= RECORDS_MAX) return refuse(inbound, "internalError", "too many records under one key");
  return { inbound: { ...inbound, read: { ...read, sequence: read.sequence + 1 } }, type, content };
};

const unitOf = ({ inbound, type, content }: Exclude<Record, { readonly refusal: Refusal }>): Taken => {
  // No other record may come between the parts of a message, least of all a change of keys.
  if (bufferedSize(inbound.messages) > 0)
    return refuse(inbound, "unexpectedMessage", "record within a handshake message");
  const idle = type === "applicationData" && content.length > 0 ? 0 : inbound.idle + 1;
  if (idle > IDLE_RECORDS_MAX) return refuse(inbound, "unexpectedMessage", "too many records without data");
  const next = { ...inbound, idle };
  if (type === "applicationData") return { inbound: next, unit: { type, bytes: content } };
  if (type === "alert") return decoded(next, TlsAlert, content, (alert) => ({ type, alert }));
  return decoded(next, TlsChangeCipherSpec, content, () => ({ type: "changeCipherSpec" }));
};

const decoded = <A>(inbound: Inbound, wire: Wire<A>, content: Uint8Array, of: (value: A) => Unit): Taken => {
  const read = decode(wire, content);
  return read.ok ? { inbound, unit: of(read.value) } : refuse(inbound, "decodeError", `malformed ${read.error.at}`);
};

const refuse = (inbound: Inbound, alert: AlertDescription, why: string) => ({ inbound, refusal: { alert, why } });
