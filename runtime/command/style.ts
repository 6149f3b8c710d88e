/**
 * Colours, on terminals only: not in a file or a pipe, not with NO_COLOR (no-color.org) or TERM=dumb. FORCE_COLOR
 * (force-color.org) asks for them wherever text goes, as into a pager; NO_COLOR is stronger. A paint sees a line whose control
 * characters are already shown as text, so that no peer's words can add an order of their own.
 */
import process from "node:process";
import type { WriteStream } from "node:tty";

const CODES = { bold: "1", dim: "2", red: "31", green: "32", yellow: "33" } as const;
export type StyleName = keyof typeof CODES;
export type Style = (name: StyleName, text: string) => string;
/** The line as it is shown. */
export type Paint = (line: string, style: Style) => string;

export const hasColours = (
  stream: Pick<WriteStream, "isTTY">,
  env: Readonly<Record<string, string | undefined>> = process.env,
): boolean => {
  if ((env.NO_COLOR ?? "") !== "" || env.FORCE_COLOR === "0") return false;
  return (env.FORCE_COLOR ?? "") !== "" || (stream.isTTY === true && env.TERM !== "dumb");
};

export const style: Style = (name, text) => `\u001b[${CODES[name]}m${text}\u001b[0m`;

export const painted = (text: string, paint: Paint): string =>
  text
    .split("\n")
    .map((line) => paint(line, style))
    .join("\n");
