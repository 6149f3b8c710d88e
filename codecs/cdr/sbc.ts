/**
 * Records of border elements, which have a leg on either side of a call: Cisco's CUBE and AudioCodes. Which of the two is the
 * telephone network's the numbers say: a leg that came in counts if it called one of ours, one that was sent if one of ours
 * called.
 */
import { csvCutter } from "./csv.ts";
import { lineReader } from "./document.ts";
import { type Cutter, FILE_BEGIN, type Place, type Position } from "./place.ts";
import { type CdrRow, faultRow, type Leg, legOf, legRow, numberText, ownText, quietRow } from "./row.ts";
import type { TrunkOf } from "./trunks.ts";
import { deviceTimeOf, instantOf } from "./written-time.ts";
import type { Zone } from "./zone.ts";

interface Times {
  readonly startMs: number;
  readonly answerMs: number | undefined;
  readonly endMs: number;
}

/** `setup`, `connect`, `disconnect` in the device's way of writing; a text for people where they are none. */
const timesOf = (texts: readonly [string, string, string], zone: Zone): Times | "unset" | string => {
  const [startMs, answerMs, endMs] = texts.map(
    (text) => deviceTimeOf(text, zone) ?? instantOf(text.replace(/^(\d\d)\/(\d\d)\/(\d{4})/, "$3-$1-$2"), zone),
  );
  if (startMs === "unset" || answerMs === "unset" || endMs === "unset") return "unset";
  if (startMs === undefined || endMs === undefined) return "setup or disconnect is not a time";
  if (endMs < (answerMs ?? startMs)) return "disconnect before connect";
  return { startMs, answerMs: answerMs === endMs ? undefined : answerMs, endMs };
};

/** CUBE's columns have no names in the file; these are their numbers. */
const CUBE = {
  leg: 3,
  conference: 4,
  setup: 7,
  connect: 9,
  disconnect: 10,
  origin: 13,
  clid: 21,
  dnis: 22,
  called: 98,
  calling: 99,
  iface: 107,
};
const CUBE_FIELDS_MIN = 100;

export const cubeReader = (zone: Zone, trunkOf: TrunkOf, from: Position): Cutter<CdrRow> => {
  const cutter = csvCutter(from);
  const rows = (records: ReturnType<typeof cutter.push>): ReadonlyArray<CdrRow> =>
    records.map((record) =>
      record.ok ? cubeRow(record.fields, record, zone, trunkOf) : faultRow(record, "badLine", record.why),
    );
  return { push: (chunk) => rows(cutter.push(chunk)), end: () => rows(cutter.end()), at: cutter.at };
};

const cubeRow = (fields: ReadonlyArray<string>, place: Place, zone: Zone, trunkOf: TrunkOf): CdrRow => {
  const of = (index: number): string => (fields[index] ?? "").trim();
  if (fields.length < 2) return quietRow(place);
  if (fields.length < CUBE_FIELDS_MIN) return faultRow(place, "badLine", `${fields.length} fields, none of CUBE's`);
  const times = timesOf([of(CUBE.setup), of(CUBE.connect), of(CUBE.disconnect)], zone);
  if (times === "unset") return faultRow(place, "clockUnset");
  if (typeof times === "string") return faultRow(place, "badLine", times);
  const isSent = of(CUBE.origin) === "originate";
  const [clid, dnis] = [of(CUBE.clid), of(CUBE.dnis)];
  const sent = numberIn(of(CUBE.called));
  return legRow(
    place,
    leg(`cube ${of(CUBE.conference)} ${of(CUBE.origin)}`, isSent, times, trunkOf(of(CUBE.iface)), {
      calling: numberIn(of(CUBE.calling)) || clid,
      called: isSent && !dnis.startsWith("+") ? sent || dnis : dnis,
    }),
  );
};
/** `ton:0,npi:0,#:+12125550142` */
const numberIn = (text: string): string => text.slice(text.indexOf("#:") + 2 * Number(text.includes("#:")));

const leg = (
  key: string,
  isSent: boolean,
  times: Times,
  trunk: string | undefined,
  { calling, called }: { readonly calling: string; readonly called: string },
): Leg =>
  legOf({
    key: ownText(key),
    trunk,
    side: isSent ? "sent" : "received",
    ...times,
    calling: numberText(calling, isSent ? "callerFromPbx" : "callerFromTrunk"),
    called: numberText(called, isSent ? "toTrunk" : "calledFromTrunk"),
  });

/** Syslog, fields by `|`; their names come in a line of their own now and then. `head`: as cucm.ts has it. */
export const audiocodesReader = (
  zone: Zone,
  trunkOf: TrunkOf,
  from: Position,
  head: string | undefined,
): Cutter<CdrRow> => {
  let names =
    from.offset === FILE_BEGIN.offset || head === undefined
      ? undefined
      : namesIn(head.split("\n").find((line) => NAMES.test(line)) ?? "");
  return lineReader(from, (text, place) => {
    if (NAMES.test(text)) {
      names = namesIn(text);
      return quietRow(place);
    }
    if (!text.includes("|CALL_END")) return quietRow(place);
    if (names === undefined) return faultRow(place, "badLine", "no line of names before it");
    const fields = text
      .slice(text.indexOf("|") + 1)
      .split("|")
      .map((field) => field.trim());
    const of = (name: string): string => fields[names!.indexOf(name)] ?? "";
    const times = timesOf([of("SetupTime"), of("ConnectTime"), of("ReleaseTime")], zone);
    if (times === "unset") return faultRow(place, "clockUnset");
    if (typeof times === "string") return faultRow(place, "badLine", times);
    const numbers = { calling: userIn(of("SrcURI")), called: userIn(of("DstURI")) };
    return legRow(
      place,
      leg(`sbc ${of("SIPCallId")}`, of("Orig") === "LCL", times, trunkOf(of("IPGroup (description)")), numbers),
    );
  });
};
const NAMES = /\|SBCReportType\s*\|/;
const namesIn = (line: string): ReadonlyArray<string> | undefined => {
  const names = line
    .slice(line.indexOf("|") + 1)
    .split("|")
    .map((name) => name.trim());
  return names.includes("SetupTime") ? names : undefined;
};
const userIn = (uri: string): string => uri.replace(/@.*$/, "");
