/**
 * Grandstream UCM's export: Asterisk's columns below a line of their names, without quotes, though `lastdata` contains commas.
 * So a row has more fields than names, and the surplus is lastdata's: fields before it are counted from the left, fields behind
 * it from the right.
 */
import { type AsteriskOptions, asteriskRow } from "./asterisk.ts";
import { layoutOf } from "./asterisk-columns.ts";
import { noEvidence, type ZoneEvidence } from "./birth.ts";
import { lineReader } from "./document.ts";
import { type Cutter, FILE_BEGIN, type Position } from "./place.ts";
import { type CdrRow, faultRow, quietRow } from "./row.ts";

/** `head`: the first line, where reading begins further on. */
export const grandstreamReader = (
  options: AsteriskOptions,
  from: Position,
  head: string | undefined,
): Cutter<CdrRow> & { readonly evidence: ZoneEvidence } => {
  const evidence = noEvidence();
  let names = from.offset === FILE_BEGIN.offset || head === undefined ? undefined : namesIn(head.split("\n")[0]!);
  const reader = lineReader(from, (text, place) => {
    if (names === undefined || /^acctid,/i.test(text)) {
      names = namesIn(text);
      return quietRow(place);
    }
    const fields = split(text, names);
    return fields === undefined
      ? faultRow(place, "badLine", `fewer fields than the ${names.length} names`)
      : asteriskRow(fields, layoutOf(names), place, options, evidence);
  });
  return { ...reader, evidence };
};

const namesIn = (line: string): ReadonlyArray<string> => line.split(",").map((name) => name.trim().toLowerCase());

const split = (text: string, names: ReadonlyArray<string>): ReadonlyArray<string> | undefined => {
  const all = text.split(",");
  const more = all.length - names.length;
  if (more < 0) return undefined;
  const at = Math.max(0, names.indexOf("lastdata"));
  const fields = [...all.slice(0, at), all.slice(at, at + more + 1).join(","), ...all.slice(at + more + 1)];
  return fields.map((field) => field.trim());
};
