/**
 * The stored audit log of a number: a row with its summary, and a row for each event ("fact").
 *
 *   stories      key   number || 0                 value   version (1) || the summary
 *   storyFacts   key   number || 0 || place (4)    value   version (1) || time (8) || type || length || the fact
 *
 * Times are in milliseconds, those of calls since 1900. Bits are stored in millionths, rounded down. `plainOf` makes JSON of
 * events and summaries: Node-IDs and VServiceIDs in hexadecimal.
 */
import { NodeId } from "../reload/mod.ts";
import { concat, type E164, isE164, type NtpMs, nodeIdText, utf8, vservice64 } from "../shared/mod.ts";
import { vserviceText } from "../validation/mod.ts";
import {
  boolean,
  constant,
  decode,
  empty,
  encode,
  enumeration,
  optional,
  struct,
  type TypeOf,
  textVector,
  tlv,
  type Unknown,
  u8,
  u16,
  u32,
  u64,
  vector,
  within,
} from "../wire/mod.ts";

/** Increased when the format changes; rows of another version are not read. */
export const AUDIT_VERSION = 1;
const SPEC = "this project's store";
/** Longest text of a domain or a reason; longer ones are truncated. */
export const AUDIT_TEXT_BYTES_MAX = 255;

/** The latest time of a JavaScript Date. */
const TIME_MS_MAX = 8_640_000_000_000_000;
const time = within(u64, 0n, BigInt(TIME_MS_MAX));
const words = textVector(u8, AUDIT_TEXT_BYTES_MAX);
const method = enumeration(u8, { A: 1, B: 2, C: 3 });
const verdict = enumeration(u8, { validated: 1, declined: 2, refused: 3, unreachable: 4, broken: 5 });
const Call = struct("StoryCall", SPEC, { startMs: time, stopMs: time });
const Claim = struct("StoryClaimant", SPEC, { nodeId: NodeId, vservice: vservice64 });

const FactKind = tlv(
  "StoryFactKind",
  SPEC,
  {},
  {
    published: [1, empty],
    publishFailed: [2, struct("PublishFailed", SPEC, { why: words })],
    vcr: [
      3,
      struct("Vcr", SPEC, {
        direction: enumeration(u8, { received: 0, sent: 1 }),
        call: Call,
        hasCaller: boolean,
        dueMs: optional(time), // of a sent one
        worthBits: optional(u32),
      }),
    ],
    waits: [4, struct("Waits", SPEC, { call: Call, dueMs: time, worthBits: u32 })],
    lookedUp: [5, struct("LookedUp", SPEC, { call: Call, claims: u32, claimants: vector(Claim, u16) })],
    lookUpFailed: [6, struct("LookUpFailed", SPEC, { call: Call, why: words })],
    attempted: [
      7,
      struct("Attempted", SPEC, {
        by: vservice64,
        call: Call,
        tries: u32,
        attempt: struct("StoryAttempt", SPEC, {
          ...Claim.fields,
          method,
          verdict,
          bits: u32,
          why: words, // of one that was unreachable or broken
          code: optional(u32), // of one that declined
        }),
      }),
    ],
    proved: [8, struct("Proved", SPEC, { by: vservice64, claim: Claim, bits: u32, calls: u32, required: u32 })],
    learned: [9, struct("Learned", SPEC, { domain: words, told: u32 })],
    unwelcome: [10, struct("Unwelcome", SPEC, { domain: words })],
    granted: [11, struct("Granted", SPEC, { domain: words })],
    declined: [12, struct("Declined", SPEC, { domain: words, code: u32 })],
    charged: [13, struct("Charged", SPEC, { call: Call, attempts: u32 })],
    dropped: [14, struct("Dropped", SPEC, { call: Call })],
    repeated: [15, struct("Repeated", SPEC, { call: Call })],
    crowded: [16, struct("Crowded", SPEC, { call: Call })],
    ambiguous: [17, struct("Ambiguous", SPEC, { call: Call })],
  },
);
/** The row of one event. Of a type that only a newer version knows it keeps the bytes. */
export const AuditEventRow = struct("StoryFact", SPEC, {
  version: constant(u8, AUDIT_VERSION),
  atMs: time,
  fact: FactKind,
});

/** The row of a number's summary: bits in millionths, at most one route, a claim for each claimant. */
export const AuditRow = struct("AuditReport", SPEC, {
  version: constant(u8, AUDIT_VERSION),
  requiredBits: u32,
  count: u32, // facts there ever were: the place of the next one
  sent: u32,
  received: u32,
  isPublished: boolean,
  learned: vector(struct("StoryRoute", SPEC, { domain: words, atMs: time, told: u32 }), u16), // none, or one
  claims: vector(
    struct("StoryClaim", SPEC, {
      by: vservice64,
      ...Claim.fields,
      tries: u32, // guesses that it was given, over all calls
      validated: u32,
      refused: u32,
      method, // of the last attempt
      verdict,
      bits: u32, // that it has proved one after another, up to now
      calls: u32,
      runBits: u32, // what more than one guess a call gives away in that row
    }),
    u16,
  ),
});

/** The type of a stored field as the program uses it, by its name: identifiers stay what they are, other integers are numbers. */
type ReadOf<Name, V> = Name extends "by" | "nodeId" | "vservice"
  ? V
  : Name extends "startMs" | "stopMs"
    ? NtpMs
    : V extends bigint
      ? number
      : V extends ReadonlyArray<infer Item>
        ? ReadonlyArray<ReadOf<"", Item>>
        : V extends object
          ? { readonly [Field in keyof V]: ReadOf<Field, V[Field]> }
          : V;
/** The same for JSON: identifiers are texts. */
export type Plain<V> = V extends string | number | boolean | undefined
  ? V
  : V extends bigint
    ? string
    : V extends ReadonlyArray<infer Item>
      ? ReadonlyArray<Plain<Item>>
      : { readonly [Field in keyof V]: Plain<V[Field]> };
type FactOf<K> = K extends { readonly type: infer T; readonly value: infer V }
  ? { readonly atMs: number; readonly type: T } & ReadOf<"", V>
  : never;
/** What happened, and when. */
export type AuditEvent = FactOf<Exclude<TypeOf<typeof FactKind>, Unknown>>;

/** The summary of a number's log. */
export type AuditSummary = ReadOf<"", Omit<TypeOf<typeof AuditRow>, "requiredBits">>;

/** A summary, with the bits that a route needed then. */
export interface StoredAudit {
  /** The required bits when it was written. */
  readonly requiredBits: number;
  readonly sum: AuditSummary;
}

const MICRO = 1_000_000;
/** A count within the range of its field. */
const whole = (of: number): number => Math.min(0xffff_ffff, Math.max(0, Math.trunc(of))) || 0;
const timeOf = (ms: number): bigint => BigInt(Math.min(TIME_MS_MAX, Math.max(0, Math.round(ms))) || 0);
/** A small amount is added before truncation, so that a value that was truncated once stays the same. */
const micro = (of: number): number => whole(of * MICRO + 1e-4);

type Turned = Readonly<Record<string, (value: any) => unknown>>;
const bitsRead = (value: number) => value / MICRO;
const READ: Turned = {
  ...{ bits: bitsRead, worthBits: bitsRead, runBits: bitsRead, required: bitsRead, requiredBits: bitsRead },
  ...{ atMs: Number, dueMs: Number, startMs: Number, stopMs: Number },
};
const WRITE: Turned = {
  ...{ bits: micro, worthBits: micro, runBits: micro, required: micro, requiredBits: micro },
  ...{ atMs: timeOf, dueMs: timeOf, startMs: timeOf, stopMs: timeOf },
  why: (text: string) => cutText(text),
  domain: (text: string) => cutText(text),
};

/** Converts each field by its name; a missing one stays missing. */
const turned = (how: Turned, value: any, name = ""): any => {
  if (value === undefined) return undefined;
  if (Object.hasOwn(how, name)) return how[name]!(value);
  if (Array.isArray(value)) return value.map((item) => turned(how, item));
  if (typeof value === "number") return whole(value);
  if (typeof value !== "object") return value;
  const fields = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(fields.map(([field, part]) => [field, turned(how, part, field)]));
};

const TEXTS: Turned = { by: vserviceText, nodeId: nodeIdText, vservice: vserviceText };
/** An event or a summary for JSON. */
export const plainOf = <V>(value: V): Plain<V> => plain(value) as Plain<V>;
const plain = (value: unknown, name = ""): unknown => {
  if (typeof value === "bigint") return TEXTS[name]!(value);
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([field, part]) => [field, plain(part, field)]));
};

/** The longest beginning that fits, in whole characters. */
const cutText = (text: string): string => {
  const whole = text.toWellFormed();
  const { read } = new TextEncoder().encodeInto(whole, new Uint8Array(AUDIT_TEXT_BYTES_MAX));
  return whole.slice(0, read);
};

/** The fact as it will be read back: bits and texts truncated as in the stored form. */
export const asStored = (fact: AuditEvent): AuditEvent => turned(READ, turned(WRITE, fact));

/** The row of an event: texts cut to 255 bytes, bits rounded down to millionths, counts held to 32 bits. */
export const encodeEvent = ({ atMs, type, ...value }: AuditEvent): Uint8Array =>
  encode(AuditEventRow, { atMs: timeOf(atMs), fact: { type, value: turned(WRITE, value) } as never });

/** Undefined for bytes that no version of this program wrote, and for a fact that only a newer version knows. */
export const decodeEvent = (bytes: Uint8Array): AuditEvent | undefined => {
  const read = decode(AuditEventRow, bytes);
  if (!read.ok || read.value.fact.type === "unknown") return undefined;
  const { atMs, fact } = read.value;
  return { atMs: Number(atMs), type: fact.type, ...turned(READ, fact.value) };
};

/** The row of a summary, cut and rounded as `encodeEvent` does it. */
export const encodeAudit = ({ requiredBits, sum }: StoredAudit): Uint8Array =>
  encode(AuditRow, turned(WRITE, { requiredBits, ...sum }));

/** Undefined for bytes that no version of this program wrote. */
export const decodeAudit = (bytes: Uint8Array): StoredAudit | undefined => {
  const read = decode(AuditRow, bytes);
  if (!read.ok) return undefined;
  const { requiredBits, ...sum } = turned(READ, read.value);
  return { requiredBits, sum };
};

/** The key of the summary, with which the keys of its facts begin. */
export const auditKey = (number: E164): Uint8Array => concat(utf8(number), Uint8Array.of(0));
/** `story`: the key of the summary. */
export const eventKey = (story: Uint8Array, place: number): Uint8Array => concat(story, encode(u32, place));

/** Undefined for any other key. */
export const numberOfKey = (key: Uint8Array): E164 | undefined => {
  const text = new TextDecoder().decode(key.subarray(0, -1));
  return key.at(-1) === 0 && isE164(text) ? text : undefined;
};

/** The stored number of logs. */
export const encodeCount = (count: number): Uint8Array => encode(u32, count);
/** 0 for bytes that are no count. */
export const decodeCount = (bytes: Uint8Array): number => {
  const read = decode(u32, bytes);
  return read.ok ? read.value : 0;
};
