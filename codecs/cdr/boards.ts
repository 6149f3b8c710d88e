/** Record files of office exchanges that have one line for each call: 3CX and Yeastar's P series; and Teams' list of calls. */
import { documentReader, lineReader, objectsIn } from "./document.ts";
import { objectOf } from "./json.ts";
import type { Cutter, Position } from "./place.ts";
import { type CdrRow, faultRow, legOf, legRow, numberText, quietRow } from "./row.ts";
import type { TrunkOf } from "./trunks.ts";
import { instantOf } from "./written-time.ts";
import type { Zone } from "./zone.ts";

/**
 * 3CX, with the fields as it is shipped: Call n, historyid, duration, start, answered, end, reason, from-no, to-no, from-dn,
 * to-dn, dial-no, ... from-type, to-type, final-type. Its times are UTC in current versions.
 */
export const threecxReader = (zone: Zone, from: Position): Cutter<CdrRow> =>
  lineReader(from, (text, place) => {
    const fields = text.split(",").map((field) => field.trim());
    if (!/^Call\b/.test(fields[0] ?? "") || fields.length < 12)
      return faultRow(place, "badLine", `${fields.length} fields, none of 3CX`);
    const [id, start, answered, end] = [fields[1]!, fields[3]!, fields[4]!, fields[5]!];
    const [startMs, answerMs, endMs] = [start, answered, end].map((one) => instantOf(one, zone));
    if (startMs === undefined || endMs === undefined)
      return faultRow(place, "badLine", "time-start or time-end is not a time");
    if (endMs < (answerMs ?? startMs)) return faultRow(place, "badLine", "end before answer");
    const [fromType, toType] = fields.slice(12).filter((field) => TYPES.has(field));
    const isSent = EXTERNAL.has(toType ?? "");
    if (!isSent && !EXTERNAL.has(fromType ?? "")) return faultRow(place, "noTrunk", undefined, endMs);
    const [caller, to, dialled] = [bare(fields[7]!), bare(fields[8]!), bare(fields[11]!)];
    const numbers = isSent
      ? { calling: numberText(caller, "callerFromPbx"), called: numberText(dialled || to, "dialled") }
      : { calling: numberText(caller, "callerFromTrunk"), called: numberText(dialled || to, "calledFromTrunk") };
    return legRow(
      place,
      legOf({ key: `3cx ${id}`, side: isSent ? "sent" : "received", startMs, answerMs, endMs, ...numbers }),
    );
  });
const EXTERNAL = new Set(["external_line", "provider", "outbound_rule"]);
const TYPES = new Set([
  ...EXTERNAL,
  "extension",
  "queue",
  "ring_group",
  "ivr",
  "voicemail",
  "conference",
  "fax",
  "special_menu",
  "script",
]);
const bare = (text: string): string => text.replace(/^Ext\./i, "");

/** Event 30012, whose message is JSON in a text. The answer is computed: ringing is taken for all the difference. */
export const yeastarReader = (zone: Zone, trunkOf: TrunkOf, from: Position): Cutter<CdrRow> =>
  lineReader(from, (text, place) => {
    const event = objectOf(text);
    if (event === undefined) return faultRow(place, "badLine", "no JSON object");
    const message = typeof event.msg === "string" ? objectOf(event.msg) : "call_id" in event ? event : undefined;
    if (message === undefined) return quietRow(place);
    const of = (name: string): string =>
      message[name] === undefined || message[name] === null ? "" : String(message[name]);
    const startMs = instantOf(of("time_start"), zone);
    const [callS, talkS] = [Number(of("call_duration")), Number(of("talk_duration"))];
    if (startMs === undefined) return faultRow(place, "badLine", "time_start is not a time");
    if (!(callS >= talkS && talkS >= 0)) return faultRow(place, "badLine", "durations are none");
    const isAnswered = /^ANSWERE?D$/.test(of("status").toUpperCase());
    const [source, target] = [of("src_trunk_name"), of("dst_trunk_name")];
    const endMs = startMs + 1000 * callS;
    if (source === "" && target === "") return faultRow(place, "noTrunk", undefined, endMs);
    const isSent = target !== "";
    return legRow(
      place,
      legOf({
        key: `yeastar ${of("call_id")}`,
        trunk: trunkOf(isSent ? target : source),
        side: isSent ? "sent" : "received",
        startMs,
        answerMs: isAnswered ? endMs - 1000 * talkS : undefined,
        endMs,
        calling: numberText(of("call_from"), isSent ? "callerFromPbx" : "callerFromTrunk"),
        called: isSent
          ? numberText(of("call_to"), "dialled")
          : numberText(of("did_number") || of("call_to"), "calledFromTrunk"),
      }),
    );
  });

/** Microsoft Graph's getDirectRoutingCalls. Tenants mask numbers of outside parties: such a number is none. */
export const teamsReader = (zone: Zone, trunkOf: TrunkOf): Cutter<CdrRow> =>
  documentReader((text, whole) => {
    const objects = objectsIn(text, whole);
    if (objects === undefined) return [faultRow(whole, "badLine", "no JSON")];
    return objects.map(([row, place]) => {
      const of = (name: string): string => (typeof row[name] === "string" ? (row[name] as string) : "");
      const [answerMs, endMs] = [instantOf(of("startDateTime"), zone), instantOf(of("endDateTime"), zone)];
      const startMs = instantOf(of("inviteDateTime"), zone) ?? answerMs;
      if (startMs === undefined) return faultRow(place, "badLine", "inviteDateTime is not a time");
      if (row.successfulCall === false || endMs === undefined) return faultRow(place, "unanswered", undefined, startMs);
      const isSent = of("callType").startsWith("ByotOut");
      if (!isSent && !of("callType").startsWith("ByotIn")) return faultRow(place, "noTrunk", undefined, endMs);
      const known = {
        key: `teams ${of("id")}`,
        trunk: trunkOf(of("trunkFullyQualifiedDomainName")),
        startMs,
        answerMs,
        endMs,
      };
      const numbers = isSent
        ? {
            calling: numberText(of("callerNumber"), "callerFromPbx"),
            called: numberText(of("calleeNumber"), "toTrunk"),
          }
        : {
            calling: numberText(of("callerNumber"), "callerFromTrunk"),
            called: numberText(of("calleeNumber"), "calledFromTrunk"),
          };
      return legRow(place, legOf({ ...known, side: isSent ? "sent" : "received", ...numbers }));
    });
  });
