/**
 * The user name of a validation: it identifies the call, and contains the directions in which the originator rounded its
 * secret times. docs/protocol/pvp.md#user-name. Each value has one text and each text one value, so that both sides hash
 * the same bytes.
 *
 *   vipr1;A;<originating Node-ID>;<terminating Node-ID>;<VServiceID>;<directions>;<called>;<hash of the caller>
 *   vipr1;B;...                                                                  ;<called>;<instant in the call>
 *   vipr1;C;...                                                                  ;<start>;<stop>;<hash of the called>
 */
import { type E164, isE164, nodeIdText, type VServiceId, vserviceId } from "../shared/mod.ts";

/** `u`: the value was rounded up, `d`: down. */
export type Direction = "u" | "d";

/** The two ends of the validation, and the directions of rounding. */
export interface PvpParties {
  readonly originator: bigint;
  readonly terminator: bigint;
  readonly vservice: VServiceId;
  readonly start: Direction;
  readonly stop: Direction;
}

export type PvpUserName = PvpParties &
  (
    | { readonly method: "A"; readonly called: E164; readonly callerHash: string }
    /** NTP seconds. */
    | { readonly method: "B"; readonly called: E164; readonly instant: number }
    /** Both in NTP seconds, rounded to a minute. */
    | { readonly method: "C"; readonly startMinute: number; readonly stopMinute: number; readonly calledHash: string }
  );
export type PvpMethod = PvpUserName["method"];

export const USER_NAME_BYTES_MAX = 255;

export interface UserNameError {
  readonly _tag: "UserNameError";
  /** The index of the field, from 0; -1 for the whole text. */
  readonly field: number;
  readonly why: string;
}
export type ParsedUserName =
  | { readonly ok: true; readonly value: PvpUserName }
  | { readonly ok: false; readonly error: UserNameError };

const VERSION = "vipr1";

export const printUserName = (name: PvpUserName): string => {
  const { method, originator, terminator, start, stop } = name;
  const common = [VERSION, method, nodeIdText(originator), nodeIdText(terminator), vserviceText(name.vservice)];
  return [...common, `${start}${stop}`, ...ownFields(name)].join(";");
};

const ownFields = (name: PvpUserName): ReadonlyArray<string> => {
  switch (name.method) {
    case "A":
      return [name.called, name.callerHash];
    case "B":
      return [name.called, String(name.instant)];
    case "C":
      return [String(name.startMinute), String(name.stopMinute), name.calledHash];
  }
};

/** The text of a VServiceID: 16 hex digits. */
export const vserviceText = (id: VServiceId): string => id.toString(16).padStart(16, "0");

const forms = {
  version: /^vipr1$/,
  method: /^[ABC]$/,
  nodeId: /^[0-9a-f]{32}$/,
  vservice: /^[0-9a-f]{16}$/,
  directions: /^[ud]{2}$/,
  callerHash: /^[0-9a-f]{16}$/,
  calledHash: /^[0-9a-f]{2}$/,
  seconds: /^(0|[1-9][0-9]{0,9})$/,
};
const SECONDS_MAX = 0xffff_ffff; // NTP's first era

type Check = (field: string) => boolean;
const like =
  (form: RegExp): Check =>
  (field) =>
    form.test(field);
const isSeconds: Check = (field) => forms.seconds.test(field) && Number(field) <= SECONDS_MAX;
const isMinute: Check = (field) => isSeconds(field) && Number(field) % 60 === 0;

const common: ReadonlyArray<Check> = [
  like(forms.version),
  like(forms.method),
  like(forms.nodeId),
  like(forms.nodeId),
  like(forms.vservice),
  like(forms.directions),
];
/** A map, since the key comes from outside: an object would also have `constructor`. */
const own: ReadonlyMap<string, ReadonlyArray<Check>> = new Map([
  ["A", [isE164, like(forms.callerHash)]],
  ["B", [isE164, isSeconds]],
  ["C", [isMinute, isMinute, like(forms.calledHash)]],
]);

export const parseUserName = (text: string): ParsedUserName => {
  if (text.length > USER_NAME_BYTES_MAX) return wrong(-1, "too long");
  const fields = text.split(";");
  const checks = [...common, ...(own.get(fields[1] ?? "") ?? [])];
  const bad = checks.findIndex((check, i) => !check(fields[i] ?? ""));
  if (bad >= 0) return wrong(bad, fields[bad] === undefined ? "missing" : "not of its form");
  return fields.length > checks.length ? wrong(checks.length, "one too many") : { ok: true, value: nameOf(fields) };
};

const wrong = (field: number, why: string): ParsedUserName => ({
  ok: false,
  error: { _tag: "UserNameError", field, why },
});

const nameOf = (fields: ReadonlyArray<string>): PvpUserName => {
  const [, method, originator, terminator, vservice, directions, ...rest] = fields as [string, ...Array<string>];
  const parties: PvpParties = {
    originator: BigInt(`0x${originator}`),
    terminator: BigInt(`0x${terminator}`),
    vservice: vserviceId(BigInt(`0x${vservice}`)),
    start: directions![0] as Direction,
    stop: directions![1] as Direction,
  };
  const [first, second, third] = rest as [string, string, string];
  if (method === "A") return { ...parties, method, called: first as E164, callerHash: second };
  if (method === "B") return { ...parties, method, called: first as E164, instant: Number(second) };
  return { ...parties, method: "C", startMinute: Number(first), stopMinute: Number(second), calledHash: third };
};
