/**
 * FreeSWITCH's files: rows of mod_cdr_csv, whose columns are those of a template and whose texts are not escaped; and documents
 * of mod_json_cdr and mod_xml_cdr, whose variables are percent-encoded.
 */
import { XMLParser } from "fast-xml-parser";
import { documentReader, lineReader, objectsIn } from "./document.ts";
import { type FreeswitchOptions, freeswitchRow, type OldestProfile, type Variables } from "./freeswitch.ts";
import type { Cutter, Place, Position } from "./place.ts";
import { type CdrRow, faultRow } from "./row.ts";

const EXAMPLE =
  "caller_id_name caller_id_number destination_number context start_stamp answer_stamp end_stamp duration billsec hangup_cause uuid bleg_uuid accountcode read_codec write_codec";

/** As FreeSWITCH ships them; `recommended` is the one of docs/records.md. */
const TEMPLATES: Readonly<Record<string, string>> = {
  example: EXAMPLE,
  snom: `${EXAMPLE} sip_user_agent call_clientcode sip_rtp_rxstat sip_rtp_txstat sofia_record_file`,
  linksys: `${EXAMPLE} sip_rtp_rxstat sip_rtp_txstat`,
  asterisk:
    "accountcode caller_id_number destination_number context caller_id channel_name bridge_channel last_app last_arg start_stamp answer_stamp end_stamp duration billsec hangup_cause amaflags uuid userfield",
  opencdrrate:
    "uuid signal_bond direction ani destination_number answer_stamp end_stamp billsec accountcode userfield network_addr original_caller_id_name sip_gateway_name",
  recommended:
    "uuid originating_leg_uuid direction channel_name sip_gateway_name sip_profile_name sip_call_id sip_req_user sip_from_user caller_id_number destination_number pre_transfer_caller_id_number start_uepoch answer_uepoch end_uepoch hangup_cause bridge_uuid",
};
/** Templates of mod_cdr_csv that a reader knows by name: FreeSWITCH's own, and `recommended`, docs/records.md. */
export const FREESWITCH_TEMPLATES: ReadonlyArray<string> = Object.keys(TEMPLATES);

/** A shipped template's name, its text (`"${uuid}",...`), or the names of its variables. Undefined: none of these. */
const columnsOf = (template: string): ReadonlyArray<string> | undefined => {
  const text = TEMPLATES[template] ?? template;
  const names = text.includes("${")
    ? [...text.matchAll(/\$\{([a-z_0-9]+)/gi)].map(([, name]) => name!)
    : text.trim().split(/[\s,]+/);
  return names.includes("end_stamp") || names.includes("end_uepoch") || names.includes("end_epoch") ? names : undefined;
};

/** Undefined: `template` is none. Where none is given, each row is read by the first of FreeSWITCH's own that fits it. */
export const freeswitchCsvReader = (
  options: FreeswitchOptions,
  template: string | undefined,
  from: Position,
): Cutter<CdrRow> | undefined => {
  const given = template === undefined ? undefined : columnsOf(template);
  if (template !== undefined && given === undefined) return undefined;
  return lineReader(from, (text, place) => {
    const values = splitRow(text);
    const columns = given ?? templateFor(values);
    if (columns === undefined) return faultRow(place, "badLine", `${values.length} fields, no template of FreeSWITCH`);
    if (values.length < columns.length)
      return faultRow(place, "badLine", `${values.length} fields, ${columns.length} in the template`);
    return freeswitchRow((name) => values[columns.indexOf(name)] ?? "", place, options);
  });
};

/** Nothing is escaped: a name may have quotes in it, and only quote, comma, quote ends a field. */
const splitRow = (text: string): ReadonlyArray<string> =>
  text.startsWith('"')
    ? text
        .trim()
        .replace(/^"|"[;,]?$/g, "")
        .split(/", ?"/)
    : text.trim().split(",");

const STAMP = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const templateFor = (values: ReadonlyArray<string>): ReadonlyArray<string> | undefined => {
  const name = FREESWITCH_TEMPLATES.find((one) => {
    const columns = columnsOf(one)!;
    return columns.length === values.length && columns.every((column, i) => fits(column, values[i]!));
  });
  return name === undefined ? undefined : columnsOf(name);
};
const fits = (column: string, value: string): boolean => {
  if (column.endsWith("_stamp")) return (value === "" && column !== "end_stamp") || STAMP.test(value);
  if (column.endsWith("_uepoch")) return /^[0-9]*$/.test(value);
  return column === "uuid" ? UUID.test(value) : true;
};
export const isFreeswitchRow = (line: string): boolean => templateFor(splitRow(line)) !== undefined;

export const freeswitchJsonReader = (options: FreeswitchOptions): Cutter<CdrRow> =>
  documentReader((text, whole) => {
    const objects = objectsIn(text, whole);
    if (objects === undefined) return [faultRow(whole, "badLine", "no JSON")];
    return objects.map(([one, place]) => {
      const variables = { ...recordOf(one.channel_data), ...recordOf(one.variables) };
      return freeswitchRow(decodedBy(variables), place, options, oldestIn(one.callflow));
    });
  });

const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, processEntities: true });

export const freeswitchXmlReader = (options: FreeswitchOptions): Cutter<CdrRow> =>
  documentReader((text, whole) => {
    let cdrs: ReadonlyArray<unknown>;
    try {
      cdrs = [recordOf(parser.parse(text)).cdr].flat();
    } catch {
      return [faultRow(whole, "badLine", "no XML")];
    }
    return cdrs.map((one) => xmlRow(recordOf(one), whole, options));
  });

const xmlRow = (cdr: Readonly<Record<string, unknown>>, place: Place, options: FreeswitchOptions): CdrRow => {
  const variables = { ...recordOf(cdr.channel_data), ...recordOf(cdr.variables) };
  return freeswitchRow(decodedBy(variables), place, options, oldestIn([cdr.callflow].flat()));
};

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

/** Percent-encoded, unless the module is configured not to encode; decoding leaves the plus of a number that was not. */
const decodedBy =
  (variables: Readonly<Record<string, unknown>>): Variables =>
  (name) => {
    const [value] = [variables[name]].flat();
    const text = typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };

/** What the call began with: a call flow lists its profiles from the newest to the oldest. */
const oldestIn = (callflow: unknown): OldestProfile | undefined => {
  const last = Array.isArray(callflow) ? recordOf(callflow.at(-1)) : {};
  const profile = recordOf(last.caller_profile);
  const [caller, destination] = [profile.caller_id_number, profile.destination_number];
  return typeof destination === "string" && destination !== ""
    ? { caller: typeof caller === "string" ? caller : "", destination }
    : undefined;
};
