/** Standard output and error. Written synchronously: the last line is out before the process ends, whatever it leads to. */
import { writeSync } from "node:fs";
import process from "node:process";
import { hasColours, type Paint, painted } from "../command/style.ts";

/** Why standard output could not be written whole: a full disk must not look like success. */
let unwritten: string | undefined;
export const whyUnwritten = (): string | undefined => unwritten;

/** Control characters but for the end of a line and the tab, and what turns the direction of writing. */
const ORDERS = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu;

/**
 * A peer's words, a domain or a client's name may hold orders to a terminal: they are shown, not obeyed. Within JSON this is
 * the same text written otherwise.
 */
export const harmless = (text: string): string =>
  text.replace(ORDERS, (order) => `\\u${order.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** With a paint in colours, on a terminal. */
export const say = (text: string, paint?: Paint): void =>
  write(1, paint !== undefined && hasColours(process.stdout) ? painted(harmless(text), paint) : harmless(text));
/** A text for people, or with --json an object for scripts. */
export const tell = (json: boolean, text: string, value: Readonly<Record<string, unknown>>): void =>
  say(json ? JSON.stringify(value) : text);
export const complain = (text: string): void =>
  write(2, hasColours(process.stderr) ? painted(harmless(text), complaintPaint) : harmless(text));
const complaintPaint: Paint = (line, style) => line.replace(/^vipr[a-z -]*:/, (name) => style("red", name));
/** Of the line that stands on the terminal until something else is written. */
let passing = 0;
const COLUMNS = 80;
/** A line that whatever comes next is written over, on a terminal's standard error. Longer than the screen it could not be. */
export const sayOver = (text: string): void => {
  const line = harmless(text).slice(0, (process.stderr.columns || COLUMNS) - 1);
  writeBytes(2, Buffer.from(`\r${line.padEnd(passing)}`));
  passing = line.length;
};
/** So that nothing is left of it. */
export const wipe = (): void => {
  if (passing === 0) return;
  writeBytes(2, Buffer.from(`\r${" ".repeat(passing)}\r`));
  passing = 0;
};
/** The screen empty, for a text that is shown again and again. */
export const clear = (): void => write(1, "\u001b[H\u001b[2J", "");

const write = (to: 1 | 2, text: string, end = "\n"): void => {
  wipe();
  writeBytes(to, Buffer.from(text.endsWith(end) ? text : `${text}${end}`));
};

/** False: its reader has left, or it cannot be written. */
export const writeBytes = (to: 1 | 2, bytes: Uint8Array): boolean => {
  for (let at = 0; at < bytes.length; )
    try {
      at += writeSync(to, bytes, at);
    } catch (error) {
      if ((error as { code?: string }).code === "EAGAIN") continue; // a full pipe: its reader is slower than we are
      if (to === 1 && (error as { code?: string }).code !== "EPIPE") unwritten = (error as Error).message;
      return false; // a reader who left has what it wanted
    }
  return true;
};
