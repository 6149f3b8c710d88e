/** `[records]`: how the exchange writes its call records. */
import { RECORD_FORMATS, zoneOf } from "../../codecs/cdr/mod.ts";
import { key, list, map, oneOf, text, textThat, whole } from "./key.ts";

export const recordsKeys = {
  format: key(oneOf(...RECORD_FORMATS, "auto"), "how the files are written; auto: by their first bytes, as without it"),
  zone: key(
    textThat((zone) => zoneOf(zone) !== undefined, 'a time zone, as "UTC", "+02:00" or "Europe/Berlin"'),
    "of the times in the files",
  ),
  file: key(text("the path of a file"), "what is followed or imported when no file is named"),
  "settle-s": key(
    whole(0, 86_400),
    "seconds after its last row for which a call may still get rows; 0 or 1 where each call is one row",
    600,
  ),
  columns: key(
    list(text("the name of a column"), "a list of names"),
    "of a file without a line of names, in their order",
    [],
  ),
  mapping: key(text("the mapping of cdr_custom.conf"), "Asterisk's cdr_custom: the line of its configuration"),
  template: key(text("a template"), "FreeSWITCH's mod_cdr_csv: the name or the text of its template"),
  fields: key(
    map(text("the name of a column"), "a table of names"),
    "what our names are in files that name their columns",
    {},
  ),
} as const;
