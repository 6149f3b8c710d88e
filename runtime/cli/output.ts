/** Standard output and the log. Written synchronously: the last line is out before the process ends, whatever it leads to. */
import { writeSync } from "node:fs";
import { Cause, Logger } from "effect";

/** Why standard output could not be written whole: a full disk must not look like success. */
let unwritten: string | undefined;
export const whyUnwritten = (): string | undefined => unwritten;

export const say = (text: string): void => write(1, text);
export const complain = (text: string): void => write(2, text);

const write = (to: 1 | 2, text: string): void => {
  const bytes = Buffer.from(text.endsWith("\n") ? text : `${text}\n`);
  for (let at = 0; at < bytes.length; )
    try {
      at += writeSync(to, bytes, at);
    } catch (error) {
      if ((error as { code?: string }).code === "EAGAIN") continue; // a full pipe: its reader is slower than we are
      if (to === 1 && (error as { code?: string }).code !== "EPIPE") unwritten = (error as Error).message;
      return; // a reader who left has what it wanted
    }
};

/** `2026-11-22T07:00:00.000Z INFO reload.settled`: one line each, whatever the message holds. */
export const lineLogger = Logger.make(({ date, logLevel, message }) => {
  complain(`${date.toISOString()} ${logLevel.toUpperCase()} ${textOf(message).replaceAll("\n", " | ")}`);
});

const textOf = (message: unknown): string =>
  (Array.isArray(message) ? message : [message])
    .map((part) => {
      if (typeof part === "string") return part;
      if (part instanceof Error) return String(part.stack);
      return Cause.isCause(part) ? Cause.pretty(part) : JSON.stringify(part, bigAsText);
    })
    .join(" ");
const bigAsText = (_: string, value: unknown): unknown => (typeof value === "bigint" ? value.toString(16) : value);
