/**
 * A telephone call under way, as it is stored so that its end is recorded after a restart.
 *
 *   value   version (1) || direction (1) || start (8) || trunk || Call-ID || caller's tag || tags that answered || texts
 */
import { constant, decode, encode, enumeration, struct, textVector, u8, u16, u64, vector } from "../wire/mod.ts";
import { headerOf, listOf } from "./fields.ts";
import type { SipRequest } from "./message.ts";

/** What a call's header fields say of who calls whom: texts as they came. */
export interface CallTexts {
  readonly requestUri: string;
  readonly from: string;
  readonly to: string;
  readonly assertedIdentity: ReadonlyArray<string>;
  readonly remotePartyId: ReadonlyArray<string>;
  readonly diversion: ReadonlyArray<string>;
  readonly historyInfo: ReadonlyArray<string>;
}

/** What must be known of a call so that its end makes a call record. */
export interface StoredCall extends CallTexts {
  readonly direction: "sent" | "received";
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly trunk: string;
  readonly callId: string;
  /** The tag of whoever called. */
  readonly tag: string;
  /** The tags under which the called side has answered and not hung up: several where the call was forked. */
  readonly answeredBy: ReadonlyArray<string>;
}

const CALL_VERSION = 1;
/** Values of one header field, and tags: those beyond are left out. */
export const CALL_VALUES_MAX = 8;
/** Characters of one text that are kept. */
export const CALL_TEXT_CHARS_MAX = 1_024;

const line = textVector(u16);
const lines = vector(line, u16);
const CallRecord = struct("StoredCall", "this project's store", {
  version: constant(u8, CALL_VERSION),
  direction: enumeration(u8, { sent: 1, received: 2 }),
  startMs: u64,
  trunk: line,
  callId: line,
  tag: line,
  answeredBy: lines,
  requestUri: line,
  from: line,
  to: line,
  assertedIdentity: lines,
  remotePartyId: lines,
  diversion: lines,
  historyInfo: lines,
});

/** The texts of an INVITE, each cut after 1,024 characters, and of a field that is a list the first 8 values. */
export const textsOf = (invite: SipRequest): CallTexts => ({
  requestUri: kept(invite.uri),
  from: kept(headerOf(invite, "From") ?? ""),
  to: kept(headerOf(invite, "To") ?? ""),
  assertedIdentity: valuesOf(invite, "P-Asserted-Identity"),
  remotePartyId: valuesOf(invite, "Remote-Party-ID"),
  diversion: valuesOf(invite, "Diversion"),
  historyInfo: valuesOf(invite, "History-Info"),
});
const kept = (text: string): string => (text.length > CALL_TEXT_CHARS_MAX ? text.slice(0, CALL_TEXT_CHARS_MAX) : text);
const valuesOf = (invite: SipRequest, name: string): ReadonlyArray<string> =>
  listOf(invite, name).slice(0, CALL_VALUES_MAX).map(kept);

/** The stored value of a call, which `decodeCall` reads back. Throws Unfit for a text over 65,535 bytes. */
export const encodeCall = (call: StoredCall): Uint8Array =>
  encode(CallRecord, { ...call, startMs: BigInt(call.startMs) });

/** Undefined for bytes that no version of this program wrote. */
export const decodeCall = (bytes: Uint8Array): StoredCall | undefined => {
  const read = decode(CallRecord, bytes);
  return read.ok ? { ...read.value, startMs: Number(read.value.startMs) } : undefined;
};
