/** The log of a command: lines on standard error. */
import { Cause, Logger } from "effect";
import { complain } from "./output.ts";

/** `2026-11-22T07:00:00.000Z INFO reload.settled`: one line each, whatever the message holds. */
export const lineLogger = Logger.make(({ date, logLevel, message }) => {
  complain(`${date.toISOString()} ${logLevel.toUpperCase()} ${textOf(message).replaceAll("\n", " | ")}`);
});

export const textOf = (message: unknown): string =>
  (Array.isArray(message) ? message : [message])
    .map((part) => {
      if (typeof part === "string") return part;
      if (part instanceof Error) return String(part.stack);
      return Cause.isCause(part) ? Cause.pretty(part) : JSON.stringify(part, bigAsText);
    })
    .join(" ");
const bigAsText = (_: string, value: unknown): unknown => (typeof value === "bigint" ? value.toString(16) : value);
