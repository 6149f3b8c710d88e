/** The calls of a program as text: a line for what it is, a table of calls, then what was counted, by name and reason. */
import type { CallRow, CallsReport } from "../../actors/admin/calls-form.ts";

/** Of calls and of reasons; the rest is counted. */
const ROWS_MAX = 40;
const NONE = "unknown";

export const callsText = (report: CallsReport): string => {
  const { program, upSeconds, underWay, calls, counters, reasons, unreadable } = report;
  return [
    `${program}: ${underWay} ${underWay === 1 ? "call" : "calls"} under way, up ${durationText(upSeconds)}`,
    "",
    ...tableOf([HEADS, ...calls.slice(0, ROWS_MAX).map(cellsOf)], calls.length),
    ...(underWay > ROWS_MAX ? [`  and ${underWay - Math.min(ROWS_MAX, calls.length)} more`] : []),
    ...countsOf("counted", counters),
    ...Object.entries(reasons).flatMap(([name, counts]) => countsOf(REASON_NAMES[name] ?? name, counts)),
    ...(unreadable.length === 0 ? [] : ["", "unreadable, the newest first"]),
    ...unreadable.map(({ at, from, place, reason }) => `  ${at}  ${from}  ${place}: ${reason}`),
  ].join("\n");
};

const REASON_NAMES: Readonly<Record<string, string>> = {
  fallback: "taken to the telephone network while they were up, as caller's and as called side",
  fellBack: "over the telephone network although there was a route",
  unreadable: "could not be read",
  refused: "not let through",
  connectionsRefused: "connections refused",
  mediaRefused: "packets of media that went no further",
};

const HEADS = ["", "by", "caller", "called", "time", "media"];
const cellsOf = ({ direction, state, by, seconds, calling, called, media }: CallRow): ReadonlyArray<string> => [
  ARROWS[direction],
  by === "" ? "..." : by,
  calling ?? NONE,
  called ?? NONE,
  state === "up" ? durationText(seconds) : "rings",
  Object.entries(media ?? {})
    .map(([name, value]) => `${name} ${value}`)
    .join(", "),
];

const ARROWS = { sent: "->", received: "<-", unknown: "--" } as const;

const tableOf = (rows: ReadonlyArray<ReadonlyArray<string>>, calls: number): ReadonlyArray<string> => {
  if (calls === 0) return [];
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ")}`.trimEnd());
};

const countsOf = (title: string, counts: Readonly<Record<string, number>>): ReadonlyArray<string> => {
  const some = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a);
  const width = Math.max(0, ...some.map(([name]) => name.length));
  const lines = some.slice(0, ROWS_MAX).map(([name, count]) => `  ${name.padEnd(width)}  ${count}`);
  return lines.length === 0 ? [] : ["", title, ...lines];
};

const durationText = (seconds: number): string => {
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
};
