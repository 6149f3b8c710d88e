/**
 * Cisco Unified CM's CDR files: a row for each stage of a call. Read by the names in the first line, in any case; the second
 * line has their types.
 *
 *   origDeviceName is a trunk --> came in, leg origLegCallIdentifier        destDeviceName --> sent, leg destLegIdentifier
 *
 * A leg's identifier stays when it lives on in later rows: a transferred outgoing call's rest reads like one that came in.
 */
import { csvCutter } from "./csv.ts";
import { type Cutter, FILE_BEGIN, type Place, type Position } from "./place.ts";
import { type CdrRow, faultRow, type Leg, legOf, legRow, type NumberText, numberText, quietRow } from "./row.ts";
import type { TrunkOf } from "./trunks.ts";
import { instantOf } from "./written-time.ts";
import { zoneOf } from "./zone.ts";

/** `head`: the first bytes of the file, where reading begins further on. */
export const cucmReader = (trunkOf: TrunkOf, from: Position, head: Uint8Array | undefined): Cutter<CdrRow> => {
  const cutter = csvCutter(from);
  let names = from.offset === FILE_BEGIN.offset || head === undefined ? undefined : namesIn(head);
  const rows = (records: ReturnType<typeof cutter.push>): ReadonlyArray<CdrRow> =>
    records.map((record) => {
      if (!record.ok) return faultRow(record, "badLine", record.why);
      if (names === undefined || record.fields[0]!.toLowerCase() === "cdrrecordtype") {
        names = lower(record.fields);
        return quietRow(record);
      }
      return /^[A-Z]/.test(record.fields[0]!) ? quietRow(record) : rowOf(record.fields, names, record, trunkOf);
    });
  return { push: (chunk) => rows(cutter.push(chunk)), end: () => rows(cutter.end()), at: cutter.at };
};

const lower = (fields: ReadonlyArray<string>) =>
  new Map(fields.map((name, i) => [name.trim().toLowerCase(), i] as const));
const namesIn = (head: Uint8Array): ReadonlyMap<string, number> | undefined => {
  const [first] = csvCutter().push(head);
  return first?.ok === true ? lower(first.fields) : undefined;
};

const UTC = zoneOf("UTC")!;
/** Calls have 1 in cdrRecordType, quality records 2. */
const CALL = "1";

const rowOf = (
  fields: ReadonlyArray<string>,
  names: ReadonlyMap<string, number>,
  place: Place,
  trunkOf: TrunkOf,
): CdrRow => {
  const of = (...some: ReadonlyArray<string>): string => {
    for (const name of some) {
      const value = fields[names.get(name.toLowerCase()) ?? -1];
      if (value !== undefined && value !== "") return value;
    }
    return "";
  };
  if (of("cdrRecordType") !== CALL) return quietRow(place);
  const [startMs, endMs] = [instantOf(of("dateTimeOrigination"), UTC), instantOf(of("dateTimeDisconnect"), UTC)];
  if (startMs === undefined) return faultRow(place, "badLine", "dateTimeOrigination is not a time");
  if (endMs === undefined) return faultRow(place, "badLine", "dateTimeDisconnect is not a time");
  const times = { startMs, answerMs: instantOf(of("dateTimeConnect"), UTC), endMs };
  if (endMs < (times.answerMs ?? startMs)) return faultRow(place, "badLine", "end before answer");
  const cluster = of("globalCallId_ClusterID");
  const legs: Array<Leg> = [];
  const [orig, dest] = [of("origDeviceName"), of("destDeviceName")];
  if (isTrunk(orig, trunkOf))
    legs.push(
      legOf({
        key: `${cluster}/${of("origLegCallIdentifier")}`,
        trunk: trunkOf(orig),
        side: "received",
        ...times,
        calling: numberText(of("callingPartyNumber"), "callerFromTrunk"),
        called: numberText(of("originalCalledPartyNumber", "finalCalledPartyNumber"), "calledFromTrunk"),
      }),
    );
  if (isTrunk(dest, trunkOf))
    legs.push(
      legOf({
        key: `${cluster}/${of("destLegIdentifier", "destLegCallIdentifier")}`,
        trunk: trunkOf(dest),
        side: "sent",
        ...times,
        calling: numberText(of("outpulsedCallingPartyNumber", "callingPartyNumber"), "callerFromPbx"),
        called: sentNumber(of),
        from: { channel: orig, isTrunk: isTrunk(orig, trunkOf) },
      }),
    );
  return legs.length === 0 ? faultRow(place, "noTrunk", undefined, endMs) : legRow(place, ...legs);
};

/** Before route lists have changed it, if it is whole; else what went to the gateway. */
const sentNumber = (of: (...names: ReadonlyArray<string>) => string): NumberText | undefined => {
  const [before, after] = [of("originalCalledPartyNumber"), of("outpulsedCalledPartyNumber")];
  return before.startsWith("+") || after === "" ? numberText(before, "dialled") : numberText(after, "toTrunk");
};

/** Telephones have names by their kind; a gateway has `@` or slot and port in it. Trunks are named by the administrator. */
const PHONE = /^(SEP|CSF|TCT|BOT|TAB|CIPC|UPC|ATA|VGC|CTI|AN[0-9A-F]{12}|CFB|MTP|XCODE|MOH|ANN|PARK)/i;
const GATEWAY = /@|^S\d+\/|trunk|gateway|pstn|carrier/i;
const isTrunk = (device: string, trunkOf: TrunkOf): boolean =>
  device !== "" && (trunkOf(device) !== undefined || (!PHONE.test(device) && GATEWAY.test(device)));
