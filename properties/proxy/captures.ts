/**
 * What an exchange and its trunks said to each other, read from the files of `properties/vectors/sip-captures`, and played
 * with a proxy between them that was not there: routes and Vias are then those that the proxy makes.
 */
import { readdirSync, readFileSync } from "node:fs";
import { utf8 } from "../../codecs/shared/mod.ts";

const FOLDER = new URL("../vectors/sip-captures/", import.meta.url);

export interface Captured {
  /** Of the trunk's view: the exchange sent it, or the trunk. */
  readonly from: "pbx" | "trunk";
  readonly who: string;
  readonly atMs: number;
  readonly text: string;
}

export const captureNames = (): ReadonlyArray<string> => readdirSync(FOLDER).sort();

/** The messages between the exchange and everybody outside, as they came, with CR LF. */
export const captured = (name: string): ReadonlyArray<Captured> =>
  readFileSync(new URL(name, FOLDER), "latin1")
    .split(/^----[ ]+/m)
    .slice(1)
    .flatMap((part) => {
      const [head = "", ...lines] = part.split("\n");
      const [at, who = "", direction] = head.trim().split(/\s+/);
      if (who.startsWith("phone")) return [];
      const text = wholeOf(lines.join("\r\n"));
      return [{ from: direction === "RECV" ? "pbx" : "trunk", who, atMs: Number(at) * 1_000, text }];
    });

/** The file puts an empty line behind each message. */
const wholeOf = (text: string): string => {
  const bodyAt = text.indexOf("\r\n\r\n") + 4;
  const length = Number(/^(?:Content-Length|l)\s*:\s*([0-9]+)/im.exec(text)?.[1] ?? 0);
  return text.slice(0, bodyAt + length);
};

export const bytesOf = (text: string): Uint8Array => utf8(text);

/** With these fields in the place of those of this name, or else behind the start line. */
export const withLines = (text: string, name: string, lines: ReadonlyArray<string>): string => {
  const [start, ...rest] = headOf(text);
  const kept = rest.filter((line) => !isNamed(line, name));
  return (
    [start, ...lines.map((line) => `${name}: ${line}`), ...kept].join("\r\n") + text.slice(text.indexOf("\r\n\r\n"))
  );
};

export const linesOf = (text: string, name: string): ReadonlyArray<string> =>
  headOf(text)
    .filter((line) => isNamed(line, name))
    .map((line) => line.slice(line.indexOf(":") + 1).trim());

/** What a proxy has no business with: start line, all other fields in their order, body. */
export const untouchable = (text: string): string =>
  [
    ...headOf(text).filter(
      (line) => !["Via", "Record-Route", "Route", "Max-Forwards"].some((name) => isNamed(line, name)),
    ),
    text.slice(text.indexOf("\r\n\r\n")),
  ].join("\r\n");

const isNamed = (line: string, name: string): boolean => line.toLowerCase().startsWith(`${name.toLowerCase()}:`);
/** A folded line stays with its field. */
const headOf = (text: string): ReadonlyArray<string> => text.slice(0, text.indexOf("\r\n\r\n")).split(/\r\n(?![ \t])/);
