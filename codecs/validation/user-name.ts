/**
 * The user name of a validation: it identifies the call, and contains the directions in which the originator rounded its
 * secret times. docs/protocol/pvp.md#user-name. Each value has one text and each text one value, so that both sides hash
 * the same bytes.
 *
 *   vipr1;A;<originating Node-ID>;<terminating Node-ID>;<VServiceID>;<directions>;<called>;<hash of the caller>
 *   vipr1;B;...                                                                  ;<called>;<instant in the call>
 *   vipr1;C;...                                                                  ;<start>;<stop>;<hash of the called>
 *   vipr2;A;...                                         ;<called>;<hash of the caller>;<half hour>;<bits of the times>
 *   vipr2;B;...                                         ;<called>;<instant in the call>;<bits of the times>
 *   vipr2;C;...                                         as vipr1's, with seconds beyond 2036
 */
import { type E164, isE164, type NodeId, nodeIdFrom, nodeIdText, type VServiceId, vserviceId } from "../shared/mod.ts";

/** `u`: the value was rounded up, `d`: down. */
export type Direction = "u" | "d";

/** The two ends of the validation, and the directions of rounding. */
export interface PvpParties {
  readonly originator: NodeId;
  readonly terminator: NodeId;
  readonly vservice: VServiceId;
  readonly start: Direction;
  readonly stop: Direction;
}

/** All times are in seconds since 1900. */
export type PvpUserName = PvpParties &
  (
    | { readonly version: 1; readonly method: "A"; readonly called: E164; readonly callerHash: string }
    | { readonly version: 1; readonly method: "B"; readonly called: E164; readonly instant: number }
    /** Both rounded to a minute. */
    | {
        readonly version: 1 | 2;
        readonly method: "C";
        readonly startMinute: number;
        readonly stopMinute: number;
        readonly calledHash: string;
      }
    /** `halfHour`: the full or half hour nearest to the rounded start. `bits`: the first ones of the times' hash. */
    | {
        readonly version: 2;
        readonly method: "A";
        readonly called: E164;
        readonly callerHash: string;
        readonly halfHour: number;
        readonly bits: string;
      }
    | {
        readonly version: 2;
        readonly method: "B";
        readonly called: E164;
        readonly instant: number;
        readonly bits: string;
      }
  );
/** By what a call is named: A, its two numbers; B, the called one and an instant; C, its times to a minute. */
export type PvpMethod = PvpUserName["method"];
/** 2 tells calls apart that lie close to one another. */
export type PvpVersion = PvpUserName["version"];

/** What `srp_I` can hold. RFC 5054 §2.8.1. */
export const USER_NAME_BYTES_MAX = 255;
/** Of the hash of a call's times, in one user name. */
export const TIME_BITS_MAX = 16;
/** Seconds; `halfHour` is a multiple of it. */
export const HALF_HOUR_S = 1_800;
/** The last second that version 1 can say, 2036-02-07T06:28:15Z: the end of NTP's first era. */
export const ERA_SECONDS_MAX = 0xffff_ffff;

/** Where a text is no user name. */
export interface UserNameError {
  readonly _tag: "UserNameError";
  /** The index of the field, from 0; -1 for the whole text. */
  readonly field: number;
  readonly why: string;
}
/** The name, or the field that is wrong. */
export type ParsedUserName =
  | { readonly ok: true; readonly value: PvpUserName }
  | { readonly ok: false; readonly error: UserNameError };

/** The one text of a name. Nothing is checked: what `parseUserName` would refuse is a mistake of this program. */
export const printUserName = (name: PvpUserName): string => {
  const { method, originator, terminator, start, stop } = name;
  const common = [
    `vipr${name.version}`,
    method,
    nodeIdText(originator),
    nodeIdText(terminator),
    vserviceText(name.vservice),
  ];
  return [...common, `${start}${stop}`, ...ownFields(name)].join(";");
};

const ownFields = (name: PvpUserName): ReadonlyArray<string> => {
  switch (name.method) {
    case "A":
      return [name.called, name.callerHash, ...(name.version === 1 ? [] : [String(name.halfHour), name.bits])];
    case "B":
      return [name.called, String(name.instant), ...(name.version === 1 ? [] : [name.bits])];
    case "C":
      return [String(name.startMinute), String(name.stopMinute), name.calledHash];
  }
};

/** The text of a VServiceID: 16 hex digits. */
export const vserviceText = (id: VServiceId): string => id.toString(16).padStart(16, "0");

const forms = {
  version: /^vipr[12]$/,
  method: /^[ABC]$/,
  nodeId: /^[0-9a-f]{32}$/,
  vservice: /^[0-9a-f]{16}$/,
  directions: /^[ud]{2}$/,
  callerHash: /^[0-9a-f]{16}$/,
  calledHash: /^[0-9a-f]{2}$/,
  eraSeconds: /^(0|[1-9][0-9]{0,9})$/,
  /** Twelve digits: exact in milliseconds, too. */
  seconds: /^(0|[1-9][0-9]{0,11})$/,
  bits: /^[01]{0,16}$/,
};

type Check = (field: string) => boolean;
const like =
  (form: RegExp): Check =>
  (field) =>
    form.test(field);
const isEraSeconds: Check = (field) => forms.eraSeconds.test(field) && Number(field) <= ERA_SECONDS_MAX;
const isSeconds = like(forms.seconds);
const isMultiple =
  (of: number, check: Check): Check =>
  (field) =>
    check(field) && Number(field) % of === 0;

const common: ReadonlyArray<Check> = [
  like(forms.version),
  like(forms.method),
  like(forms.nodeId),
  like(forms.nodeId),
  like(forms.vservice),
  like(forms.directions),
];
/** By version and method. A map, since the key comes from outside: an object would also have `constructor`. */
const own: ReadonlyMap<string, ReadonlyArray<Check>> = new Map([
  ["vipr1;A", [isE164, like(forms.callerHash)]],
  ["vipr1;B", [isE164, isEraSeconds]],
  ["vipr1;C", [isMultiple(60, isEraSeconds), isMultiple(60, isEraSeconds), like(forms.calledHash)]],
  ["vipr2;A", [isE164, like(forms.callerHash), isMultiple(HALF_HOUR_S, isSeconds), like(forms.bits)]],
  ["vipr2;B", [isE164, isSeconds, like(forms.bits)]],
  ["vipr2;C", [isMultiple(60, isSeconds), isMultiple(60, isSeconds), like(forms.calledHash)]],
]);

/** Each field must be in its one form, and none too few or too many. */
export const parseUserName = (text: string): ParsedUserName => {
  if (text.length > USER_NAME_BYTES_MAX) return wrong(-1, "too long");
  const fields = text.split(";");
  const checks = [...common, ...(own.get(`${fields[0]};${fields[1]}`) ?? [])];
  const bad = checks.findIndex((check, i) => fields[i] === undefined || !check(fields[i]));
  if (bad >= 0) return wrong(bad, fields[bad] === undefined ? "missing" : "not of its form");
  return fields.length > checks.length ? wrong(checks.length, "one too many") : { ok: true, value: nameOf(fields) };
};

const wrong = (field: number, why: string): ParsedUserName => ({
  ok: false,
  error: { _tag: "UserNameError", field, why },
});

const nameOf = (fields: ReadonlyArray<string>): PvpUserName => {
  const [head, method, originator, terminator, vservice, directions, ...rest] = fields as [string, ...Array<string>];
  const parties: PvpParties = {
    originator: nodeIdFrom(BigInt(`0x${originator}`)),
    terminator: nodeIdFrom(BigInt(`0x${terminator}`)),
    vservice: vserviceId(BigInt(`0x${vservice}`)),
    start: directions![0] as Direction,
    stop: directions![1] as Direction,
  };
  const version = head === "vipr1" ? 1 : 2;
  const [first, second, third, fourth] = rest as [string, string, string, string];
  if (method === "C")
    return {
      ...parties,
      version,
      method,
      startMinute: Number(first),
      stopMinute: Number(second),
      calledHash: third,
    };
  const called = first as E164;
  if (method === "B") {
    const instant = Number(second);
    return version === 1
      ? { ...parties, version, method, called, instant }
      : { ...parties, version, method, called, instant, bits: third };
  }
  const caller = { ...parties, method: "A", called, callerHash: second } as const;
  return version === 1 ? { ...caller, version } : { ...caller, version, halfHour: Number(third), bits: fourth };
};
