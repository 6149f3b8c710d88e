/**
 * The log of a command: lines on standard error, one an event.
 *
 *   2026-11-22T07:00:00.000Z WARN enrol.refused failed_authentication {"user":"acme"}
 *   {"at":"2026-11-22T07:00:00.000Z","level":"WARN","event":"enrol.refused","text":"failed_authentication","user":"acme"}
 *
 * An event's name is its room, a dot, and what happened. Levels may differ by room. DECISIONS.md D-222.
 */
import { Cause, Context, Effect, Layer, Logger, References } from "effect";
import { type E164, maskE164 } from "../../codecs/shared/mod.ts";
import { countLine } from "../metrics/log.ts";
import { complain } from "./output.ts";

export type LogLevelName = "debug" | "info" | "warn" | "error";
export interface LogSettings {
  readonly format: "text" | "json";
  readonly level: LogLevelName;
  readonly levels: Readonly<Record<string, LogLevelName>>;
  readonly numbers: "masked" | "whole";
}

export const LOG_DEFAULT: LogSettings = { format: "text", level: "info", levels: {}, numbers: "masked" };

const LEVELS = { debug: "Debug", info: "Info", warn: "Warn", error: "Error" } as const;
const RANKS: Readonly<Record<string, number>> = { Trace: 0, Debug: 1, Info: 2, Warn: 3, Error: 4, Fatal: 5 };
const rankOf = (level: LogLevelName): number => RANKS[LEVELS[level]]!;

/** Whether numbers are written whole: an operator's decision, made in `[log]`. */
const Numbers = Context.Reference<LogSettings["numbers"]>("vipr/runtime/cli/LogNumbers", {
  defaultValue: () => "masked",
});

/** A number as this log may show it. */
export const shownNumber = (number: E164): Effect.Effect<string> =>
  Effect.map(Numbers, (numbers) => (numbers === "whole" ? number : maskE164(number)));

/** The log so, instead of the one around. */
export const logLayer = (settings: LogSettings) => {
  const { format, level, levels, numbers } = settings;
  const ranks = new Map(Object.entries(levels).map(([room, name]) => [room, rankOf(name)]));
  const least = Object.values(levels).reduce(
    (low, name) => (rankOf(name) < rankOf(low) ? name : low),
    rankOf(level) > rankOf("warn") ? "warn" : level,
  );
  const line = format === "json" ? jsonLine : textLine;
  const logger = Logger.make<unknown, void>(({ date, logLevel, message, cause }) => {
    const parts = partsOf(message, cause);
    const event = eventOf(parts[0]);
    countLine(logLevel.toUpperCase(), event);
    if ((RANKS[logLevel] ?? 0) >= (ranks.get(event?.split(".", 1)[0] ?? "") ?? rankOf(level)))
      complain(line(date, logLevel.toUpperCase(), parts, event));
  });
  return Layer.mergeAll(
    Logger.layer([logger]),
    Layer.succeed(References.MinimumLogLevel, LEVELS[least]),
    Layer.succeed(Numbers, numbers),
  );
};

/** `vap.refused`, `enrol.sameNode`. */
const EVENT = /^[a-z][A-Za-z]*(\.[a-zA-Z]+)+$/;
const eventOf = (first: unknown): string | undefined =>
  typeof first === "string" && EVENT.test(first) ? first : undefined;

type Line = (date: Date, level: string, parts: ReadonlyArray<unknown>, event: string | undefined) => string;

const textLine: Line = (date, level, parts) =>
  `${date.toISOString()} ${level} ${textOf(parts).replaceAll("\n", " | ")}`;

/** Objects are fields of the line, all else is its text. A field never takes the place of one of ours. */
const jsonLine: Line = (date, level, parts, event) => {
  const details = event === undefined ? parts : parts.slice(1);
  const fields = details.filter(isPlain);
  const text = textOf(details.filter((part) => !isPlain(part)));
  const own = { at: date.toISOString(), level, event: event ?? null, ...(text === "" ? {} : { text }) };
  return JSON.stringify({ ...own, ...Object.assign({}, ...fields), ...own }, bigAsText);
};

const isPlain = (part: unknown): part is Readonly<Record<string, unknown>> =>
  typeof part === "object" && part !== null && Object.getPrototypeOf(part) === Object.prototype;

/** `2026-11-22T07:00:00.000Z INFO reload.settled`: one line each, whatever the message holds. */
export const lineLogger = Logger.make(({ date, logLevel, message, cause }) => {
  complain(textLine(date, logLevel.toUpperCase(), partsOf(message, cause), undefined));
});

/** Effect takes a Cause out of the message: it stands last. */
const partsOf = (message: unknown, cause: Cause.Cause<unknown>): ReadonlyArray<unknown> => [
  ...(Array.isArray(message) ? message : [message]),
  ...(cause.reasons.length === 0 ? [] : [cause]),
];

export const textOf = (message: unknown): string =>
  (Array.isArray(message) ? message : [message])
    .map((part) => {
      if (typeof part === "string") return part;
      if (part instanceof Error) return String(part.stack);
      return Cause.isCause(part) ? Cause.pretty(part) : JSON.stringify(part, bigAsText);
    })
    .join(" ");
const bigAsText = (_: string, value: unknown): unknown => (typeof value === "bigint" ? value.toString(16) : value);
