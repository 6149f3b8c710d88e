/**
 * The stored forms of call records, until they are validated or expire, and of proofs.
 *
 *   key     time in milliseconds (8) || SHA-256 of the record (16)      in the order of that time
 *           SHA-256 of the claim (16) || SHA-256 of the call (16)       a proof
 *   value   version (1) || the fields of that version
 *
 * The time is when a sent call is due to be validated, or a received one to be deleted.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import {
  type CallTimes,
  concat,
  isE164,
  msFromNtp,
  ntp,
  ntp64,
  ntpFromMs,
  type UnixMs,
  unixMs,
  utf8,
  type Vcr,
  vservice64,
} from "../shared/mod.ts";
import { bits, constant, decode, encode, enumeration, struct, textVector, u8, u16, u32, u64 } from "../wire/mod.ts";

/** Increased when the format changes; a record of another version is not read. */
export const RECORD_VERSION = 1;

const CallRecord = struct("CallRecord", "this project's store", {
  version: constant(u8, RECORD_VERSION),
  direction: enumeration(u8, { received: 0, sent: 1, sentLate: 2 }),
  called: textVector(u8),
  calling: textVector(u8), // empty: unknown
  start: ntp64,
  stop: ntp64,
  vservice: vservice64,
  attempts: bits("ttttcccc", { times: ["t"], caller: ["c"] }), // that failed, of a received call
});

/** Failed attempts at a call, by user names with its caller (method A) and with its times (B, C). 0 to 15 each. */
export interface Attempts {
  readonly caller: number;
  readonly times: number;
}
const UNTRIED: Attempts = { caller: 0, times: 0 };

/** A call record as a server keeps it. */
export interface StoredRecord {
  readonly vcr: Vcr;
  readonly attempts: Attempts;
  /** A sent call that was due while the server was down. */
  readonly isLate?: boolean;
}

/** The stored value of a record; without `attempts` as one that nobody has tried. Throws Unfit for more than 15 attempts. */
export const encodeRecord = ({
  vcr,
  attempts = UNTRIED,
  isLate = false,
}: Pick<StoredRecord, "vcr"> & Partial<StoredRecord>): Uint8Array => {
  const direction = isLate ? "sentLate" : vcr.direction;
  const [start, stop] = [ntpFromMs(vcr.startMs), ntpFromMs(vcr.stopMs)];
  return encode(CallRecord, { ...vcr, direction, calling: vcr.calling ?? "", start, stop, attempts });
};

/** Undefined for bytes that no version of this program wrote. */
export const decodeRecord = (bytes: Uint8Array): StoredRecord | undefined => {
  const read = decode(CallRecord, bytes);
  if (!read.ok) return undefined;
  const { attempts, direction: stored, called, calling, start, stop, vservice } = read.value;
  const direction = directionOf(stored);
  if (direction === undefined || !isE164(called) || (calling !== "" && !isE164(calling))) return undefined;
  const times = { startMs: msFromNtp(start), stopMs: msFromNtp(stop) };
  const vcr = { direction, called, calling: calling === "" ? undefined : calling, ...times, vservice };
  return { vcr, attempts, ...(stored === "sentLate" ? { isLate: true } : {}) };
};

const directionOf = (stored: unknown): Vcr["direction"] | undefined =>
  stored === "sentLate" ? "sent" : stored === "received" || stored === "sent" ? stored : undefined;

/** Independent of the record's attempts. */
export const recordKey = (vcr: Vcr, atMs: UnixMs): Uint8Array =>
  concat(encode(u64, BigInt(atMs)), sha256(encodeRecord({ vcr })).subarray(0, 16));

/** The time in a key. */
export const timeOfKey = (key: Uint8Array): UnixMs => {
  const read = decode(u64, key.subarray(0, 8));
  return unixMs(read.ok ? Number(read.value) : 0);
};

const ProofRecord = struct("ProofRecord", "this project's store", {
  version: constant(u8, RECORD_VERSION),
  claim: textVector(u16),
  call: textVector(u16), // start / stop, as decimal 64-bit NTP timestamps
  microbits: u32,
  atMs: u64, // milliseconds since 1970
});

/** One call that a claim has proved; `claim` as the ledger names it. */
export interface StoredProof {
  readonly claim: string;
  readonly call: CallTimes;
  readonly bits: number;
  /** When it was proved. */
  readonly atMs: UnixMs;
}
const MICRO = 1_000_000;

const callText = ({ startMs, stopMs }: CallTimes): string => `${ntpFromMs(startMs)}/${ntpFromMs(stopMs)}`;
const callOfText = (text: string): CallTimes | undefined => {
  const parts = /^(\d{1,20})\/(\d{1,20})$/.exec(text);
  const time = (digits: string) => msFromNtp(ntp(BigInt(digits)));
  return parts === null ? undefined : { startMs: time(parts[1]!), stopMs: time(parts[2]!) };
};

/** Bits are rounded down, so that a stored proof is never worth more. */
export const encodeProof = ({ claim, call, bits, atMs }: StoredProof): Uint8Array =>
  encode(ProofRecord, {
    claim,
    call: callText(call),
    microbits: Math.floor(bits * MICRO),
    atMs: BigInt(Math.round(atMs)),
  });

/** Undefined for bytes that no version of this program wrote. */
export const decodeProof = (bytes: Uint8Array): StoredProof | undefined => {
  const read = decode(ProofRecord, bytes);
  const call = read.ok ? callOfText(read.value.call) : undefined;
  if (!read.ok || call === undefined) return undefined;
  const { claim, microbits, atMs } = read.value;
  return { claim, call, bits: microbits / MICRO, atMs: unixMs(Number(atMs)) };
};

/** The common beginning of the keys of all proofs of a claim. */
export const proofPrefix = (claim: string): Uint8Array => sha256(utf8(claim)).subarray(0, 16);
/** The key of one proof, 32 bytes. */
export const proofKey = (claim: string, call: CallTimes): Uint8Array =>
  concat(proofPrefix(claim), sha256(utf8(callText(call))).subarray(0, 16));
