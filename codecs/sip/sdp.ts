/**
 * Session descriptions, as lines. RFC 4566. What is secured in them is said in `media.ts`.
 *
 *   v=0
 *   o=<user> <id> <version> IN IP4 <address>      who, and the session's name
 *   s=-
 *   c=IN IP4 <address>                            lines we do not read are kept in their place
 *   t=0 0
 *   m=audio <port>[/<ports>] RTP/SAVP <formats>   each medium, then its own lines
 *   a=crypto:<tag> <suite> inline:<key and salt, base64>
 */
import { malformed, type Parsed, parsed } from "./error.ts";

/** `letter=value`, the value as it stood. */
export interface SdpLine {
  readonly letter: string;
  readonly value: string;
}

/** An m= line, taken apart, and the lines under it. RFC 4566 §5.14. */
export interface SdpMedia {
  readonly kind: string;
  /** 0: refused, RFC 3264 §6. */
  readonly port: number;
  /** How many ports, from `port` on; undefined where the line does not say. RFC 4566 §5.14. */
  readonly ports: number | undefined;
  readonly protocol: string;
  readonly formats: ReadonlyArray<string>;
  readonly lines: ReadonlyArray<SdpLine>;
}

/** A description: o=, s=, the lines before the first m=, the media. */
export interface Sdp {
  /** The whole o= line's value. */
  readonly origin: string;
  readonly name: string;
  readonly lines: ReadonlyArray<SdpLine>;
  readonly media: ReadonlyArray<SdpMedia>;
}

/** Far more than any telephone sends; SIP_BYTES_MAX bounds their bytes. */
export const LINES_MAX = 4_096;

/** Reads v=0, o= and s= first, then at most 4,096 lines in all, with CR LF or LF. Of an error `at` is "sdp". */
export const parseSdp = (text: string): Parsed<Sdp> => {
  const lines: Array<SdpLine> = [];
  const end = endOfLines(text);
  for (let at = 0; at <= end; ) {
    if (lines.length === LINES_MAX) return malformed("sdp", "too many lines");
    const lf = text.indexOf("\n", at);
    const next = lf < 0 || lf > end ? end : lf;
    const to = next > at && next < end && text.charCodeAt(next - 1) === CR ? next - 1 : next;
    const line = lineIn(text, at, to);
    if (line === undefined) return malformed("sdp", "a line is not a letter, = and a value");
    lines.push(line);
    at = next + 1;
  }
  const [version, origin, name, ...rest] = lines;
  if (version?.letter !== "v" || version.value !== "0") return malformed("sdp", "must begin with v=0");
  if (origin?.letter !== "o" || origin.value.split(" ").length !== 6) return malformed("sdp", "its o= is not one");
  if (name?.letter !== "s") return malformed("sdp", "s= must be third");
  const firstMedia = rest.findIndex((line) => line.letter === "m");
  const session = firstMedia < 0 ? rest : rest.slice(0, firstMedia);
  const media = parseMedia(firstMedia < 0 ? [] : rest.slice(firstMedia));
  return media.ok ? parsed({ origin: origin.value, name: name.value, lines: session, media: media.value }) : media;
};

/** Where its last line ends that is not empty. */
const endOfLines = (text: string): number => {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === LF) end -= text.charCodeAt(end - 2) === CR ? 2 : 1;
  return end;
};
/** `letter=value`, without CR and NUL. */
const lineIn = (text: string, at: number, to: number): SdpLine | undefined => {
  const letter = text.charCodeAt(at);
  if (to < at + 2 || letter < LETTER_A || letter > LETTER_Z || text.charCodeAt(at + 1) !== EQUALS) return undefined;
  const value = text.slice(at + 2, to);
  return value.includes("\r") || value.includes("\0") ? undefined : { letter: text[at]!, value };
};
const LF = 10;
const CR = 13;
const EQUALS = 61;
const LETTER_A = 97;
const LETTER_Z = 122;

/** The text of a description, each line with CR LF. */
export const printSdp = (sdp: Sdp): string =>
  [
    "v=0",
    `o=${sdp.origin}`,
    `s=${sdp.name}`,
    ...sdp.lines.map(printLine),
    ...sdp.media.flatMap((m) => [
      `m=${m.kind} ${m.port}${m.ports === undefined ? "" : `/${m.ports}`} ${m.protocol} ${m.formats.join(" ")}`,
      ...m.lines.map(printLine),
    ]),
  ]
    .map((line) => `${line}\r\n`)
    .join("");

const parseMedia = (lines: ReadonlyArray<SdpLine>): Parsed<ReadonlyArray<SdpMedia>> => {
  const media: Array<SdpMedia & { lines: Array<SdpLine> }> = [];
  for (const line of lines) {
    if (line.letter !== "m") {
      media.at(-1)!.lines.push(line);
      continue;
    }
    const match = MEDIA_LINE.exec(line.value);
    if (match === null || Number(match[2]) > 65_535) return malformed("sdp", "an m= is not one");
    const [, kind = "", port, ports, protocol = "", formats = ""] = match;
    media.push({
      kind,
      port: Number(port),
      ports: ports === undefined ? undefined : Number(ports),
      protocol,
      formats: formats.trim().split(/ +/),
      lines: [],
    });
  }
  return parsed(media);
};

const printLine = ({ letter, value }: SdpLine): string => `${letter}=${value}`;

/** Space behind the last format is no fault: widely used telephones write it. */
const MEDIA_LINE = /^([A-Za-z0-9-]+) ([0-9]{1,5})(?:\/([0-9]{1,5}))? ([A-Za-z0-9/-]+)((?: +[!-~]+)+) *$/;
