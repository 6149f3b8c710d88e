/** A call record in a file, written by hand: JSON, each value looked at, and what is wrong told with its place. */
import { readFileSync } from "node:fs";
import { type E164, isE164, ntpMs, type UnixMs, unixMs, unixMsOf, type Vcr } from "../../codecs/shared/mod.ts";
import { Wrong } from "./options.ts";

/** What one end of a call knows of it. */
export type WrittenCall = Pick<Vcr, "called" | "calling" | "startMs" | "stopMs">;

const FILE_BYTES_MAX = 65_536;
const FIELDS = ["called", "calling", "start", "stop"];
const SECONDS_MAX = 2 ** 32;

/** `-` is standard input. */
export const readVcr = (file: string): WrittenCall => {
  let text: string;
  try {
    const bytes = readFileSync(file === "-" ? 0 : file);
    if (bytes.length > FILE_BYTES_MAX) throw new Error(`over ${FILE_BYTES_MAX} bytes`);
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Wrong(`${file}: ${(error as Error).message}`);
  }
  return vcrOf(text, file);
};

export const vcrOf = (text: string, file: string): WrittenCall => {
  const wrong = (at: string, why: string) => new Wrong(`${file}: ${at}: ${why}`);
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw wrong("the whole", `no JSON (${(error as Error).message})`);
  }
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw wrong("the whole", `no object with ${FIELDS.join(", ")}`);
  const fields = given as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) throw wrong(unknown, `there is no such field, but ${FIELDS.join(", ")}`);
  const number = (name: string): E164 => {
    const value = fields[name];
    if (typeof value !== "string" || !isE164(value))
      throw wrong(name, `not a telephone number as +14085555432, but ${shown(value)}`);
    return value;
  };
  const time = (name: string): UnixMs => {
    const ms = msOf(fields[name]);
    if (ms === undefined)
      throw wrong(name, `neither a time as "2026-11-22T10:07:03.250Z" nor NTP seconds, but ${shown(fields[name])}`);
    return ms;
  };
  const called = number("called");
  const calling = fields.calling === undefined || fields.calling === null ? undefined : number("calling");
  const [startMs, stopMs] = [time("start"), time("stop")];
  if (stopMs < startMs) throw wrong("stop", "before the start");
  return { called, calling, startMs, stopMs };
};

/** ISO 8601 with its zone, or seconds since 1900. */
const msOf = (value: unknown): UnixMs | undefined => {
  if (typeof value === "number")
    return value >= 0 && value < SECONDS_MAX ? unixMsOf(ntpMs(Math.round(value * 1000))) : undefined;
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/.test(value))
    return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : unixMs(ms);
};

const shown = (value: unknown): string => (value === undefined ? "missing" : JSON.stringify(value).slice(0, 60));
