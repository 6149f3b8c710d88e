/**
 * Avaya IP Office's SMDR: a row for each segment of a call, with the start of the first one and how long each rang and lasted.
 *
 *   answer = start + ringing of the first segment that was answered        end = start + all ringing, talk, hold, park
 *
 * Durations are rounded up to the second: half a second is taken off each.
 */
import { keepNewest } from "../shared/mod.ts";
import { lineReader } from "./document.ts";
import type { Cutter, Place, Position } from "./place.ts";
import { type CdrRow, faultRow, legOf, legRow, quietRow } from "./row.ts";
import { instantOf } from "./written-time.ts";
import type { Zone } from "./zone.ts";

const FIELDS_MIN = 17;
const HALF_MS = 500;
/** Calls whose last segment has not come. */
const CALLS_MAX = 20_000;

interface Segments {
  readonly place: Place;
  /** Since the call's start. */
  readonly lastedMs: number;
  readonly answeredMs: number | undefined;
}

export const avayaReader = (zone: Zone, from: Position): Cutter<CdrRow> => {
  const calls = new Map<string, Segments>();
  const reader = lineReader(from, (text, place) => {
    const fields = text.split(",").map((field) => field.trim().replace(/^"|"$/g, ""));
    if (fields.length < FIELDS_MIN) return faultRow(place, "badLine", `${fields.length} fields, none of SMDR`);
    const startMs = instantOf(fields[0], zone);
    const [talkMs, ringMs, holdMs, parkMs] = [
      clockMs(fields[1]!),
      secondsMs(fields[2]!),
      secondsMs(fields[15]!),
      secondsMs(fields[16]!),
    ];
    if (startMs === undefined) return faultRow(place, "badLine", "call start is not a time");
    if (talkMs === undefined || ringMs === undefined)
      return faultRow(place, "badLine", "connected or ring time is none");
    const id = fields[9]!;
    const before = calls.get(id) ?? { place, lastedMs: 0, answeredMs: undefined };
    const answeredMs = before.answeredMs ?? (talkMs > 0 ? before.lastedMs + ringMs : undefined);
    const all = { ...before, answeredMs, lastedMs: before.lastedMs + ringMs + talkMs + (holdMs ?? 0) + (parkMs ?? 0) };
    if (fields[10] === "1") {
      keepNewest(calls, CALLS_MAX, id, all);
      return quietRow(place);
    }
    calls.delete(id);
    return rowOf(fields, place, startMs, all);
  });
  const at = (): Position => {
    const [oldest] = calls.values();
    return oldest === undefined ? reader.at() : { offset: oldest.place.offset, line: oldest.place.line };
  };
  return { ...reader, at };
};

const rowOf = (
  fields: ReadonlyArray<string>,
  place: Place,
  startMs: number,
  { lastedMs, answeredMs }: Segments,
): CdrRow => {
  const [caller, direction, called, dialled, internal, id] = [3, 4, 5, 6, 8, 9].map((i) => fields[i]!) as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const endMs = startMs + lastedMs;
  if (internal === "1") return faultRow(place, "noTrunk", undefined, endMs);
  const times = { startMs, answerMs: answeredMs === undefined ? undefined : startMs + answeredMs, endMs };
  const known = { key: `smdr ${id} ${startMs}`, ...times };
  return legRow(
    place,
    direction === "O"
      ? legOf({
          ...known,
          side: "sent",
          calling: { text: caller, source: "callerFromPbx" },
          called: { text: called || dialled, source: "dialled" },
        })
      : legOf({
          ...known,
          side: "received",
          calling: { text: caller, source: "callerFromTrunk" },
          called: { text: dialled || called, source: "calledFromTrunk" },
        }),
  );
};

/** Rounded up. */
const secondsMs = (text: string): number | undefined => {
  if (!/^[0-9]{1,6}$/.test(text)) return undefined;
  return text === "0" ? 0 : 1000 * Number(text) - HALF_MS;
};
const clockMs = (text: string): number | undefined => {
  const match = /^(\d{1,3}):(\d\d):(\d\d)$/.exec(text);
  return match === null
    ? undefined
    : secondsMs(String((Number(match[1]) * 60 + Number(match[2])) * 60 + Number(match[3])));
};
