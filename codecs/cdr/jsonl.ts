/**
 * JSON lines, for every exchange that is none of the others: one object for each row, with these fields.
 *
 *   id         the same in all rows of one telephone call, if it has several
 *   trunk      how the exchange calls the line; absent: a row is about a trunk
 *   direction  "sent" | "received"; absent: the numbers decide
 *   calling    who calls, as the trunk saw it        called   whom, as it was sent to the trunk or came from it
 *   start, answer, end   ISO 8601, `YYYY-MM-DD HH:MM:SS` in the configured zone, or Unix seconds or milliseconds
 *
 * docs/records.md; `fields` gives other names.
 */
import { lineReader } from "./document.ts";
import { objectOf } from "./json.ts";
import type { Cutter, Position } from "./place.ts";
import { type CdrRow, faultRow, legOf, legRow } from "./row.ts";
import type { TrunkOf } from "./trunks.ts";
import { instantOf } from "./written-time.ts";
import type { Zone } from "./zone.ts";

export interface JsonlOptions {
  readonly zone: Zone;
  readonly trunkOf: TrunkOf;
  readonly hasTrunks: boolean;
  /** What our fields are called there. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
}

const SIDES: Readonly<Record<string, "sent" | "received">> = {
  sent: "sent",
  out: "sent",
  outbound: "sent",
  outgoing: "sent",
  received: "received",
  in: "received",
  inbound: "received",
  incoming: "received",
};

export const jsonlReader = ({ zone, trunkOf, hasTrunks, fields = {} }: JsonlOptions, from: Position): Cutter<CdrRow> =>
  lineReader(from, (text, place) => {
    const row = objectOf(text);
    if (row === undefined) return faultRow(place, "badLine", "no JSON object");
    const of = (name: string): string => {
      const value = row[fields[name] ?? name];
      return typeof value === "string" ? value.trim() : typeof value === "number" ? String(value) : "";
    };
    const [startMs, answerMs, endMs] = ["start", "answer", "end"].map((name) => instantOf(of(name), zone));
    if (of("answer") !== "" && of("answer") !== "0" && answerMs === undefined)
      return faultRow(place, "badLine", "answer is not a time");
    if (endMs === undefined) return faultRow(place, "badLine", "end is not a time");
    if (endMs < (answerMs ?? endMs)) return faultRow(place, "badLine", "end before answer");
    const line = of("trunk");
    const trunk = trunkOf(line);
    if (line !== "" && hasTrunks && trunk === undefined) return faultRow(place, "noTrunk", undefined, endMs);
    const side = SIDES[of("direction").toLowerCase()];
    const [calling, called] = [of("calling"), of("called")];
    const key = of("id") || `${calling} ${called} ${answerMs ?? startMs ?? endMs} ${place.offset}`;
    return legRow(
      place,
      legOf({
        key: `json ${key}`,
        trunk,
        side,
        startMs: startMs ?? answerMs ?? endMs,
        answerMs,
        endMs,
        calling:
          calling === "" ? undefined : { text: calling, source: side === "sent" ? "callerFromPbx" : "callerFromTrunk" },
        called:
          called === ""
            ? undefined
            : {
                text: called,
                source: side === "received" ? "calledFromTrunk" : side === "sent" ? "toTrunk" : "dialled",
              },
      }),
    );
  });
