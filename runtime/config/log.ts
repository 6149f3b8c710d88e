/** `[log]`: what the programs write to standard error, a line for each event. docs/operator.md#the-log lists the events. */
import { key, map, oneOf } from "./key.ts";

const level = oneOf("debug", "info", "warn", "error");

export const logKeys = {
  format: key(oneOf("text", "json"), "one line of text, or one JSON object a line", "text"),
  level: key(level, "what is written at least; warn is what an operator must mend, error what fails meanwhile", "info"),
  levels: key(
    map(level, 'a table, as { sip = "warn", vap = "debug" }'),
    "other levels for the events of single rooms: what stands before the dot of an event's name",
    {},
  ),
  numbers: key(
    oneOf("masked", "whole"),
    "telephone numbers in the events of calls and routes (vipr.*, agent.*): their ends alone, or whole",
    "masked",
  ),
} as const;
