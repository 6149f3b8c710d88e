/**
 * The columns of Asterisk's record files, of which there are many sets.
 *
 *   cdr_csv      16, then [uniqueid] [userfield] [peeraccount linkedid sequence] as cdr.conf has it: 16 to 21
 *   cdr_custom   what `cdr_custom.conf` maps; its sample begins with clid. Told by a mapping, or found by looking at a row
 *   exports      a first line of names, as Grandstream's
 */
import { epochMsOf, localMsOf } from "./zone.ts";

export const ASTERISK_COLUMNS = [
  "accountcode",
  "src",
  "dst",
  "dcontext",
  "clid",
  "channel",
  "dstchannel",
  "lastapp",
  "lastdata",
  "start",
  "answer",
  "end",
  "duration",
  "billsec",
  "disposition",
  "amaflags",
  "uniqueid",
  "userfield",
  "peeraccount",
  "linkedid",
  "sequence",
] as const;
export type AsteriskColumn = (typeof ASTERISK_COLUMNS)[number];

/** The field of each column in a row; -1 where there is none. */
export type AsteriskLayout = Readonly<Record<AsteriskColumn, number>>;

export const layoutOf = (names: ReadonlyArray<string>): AsteriskLayout =>
  Object.fromEntries(ASTERISK_COLUMNS.map((name) => [name, names.indexOf(name)])) as unknown as AsteriskLayout;

/** cdr_csv's without the optional ones. */
const PLAIN = ASTERISK_COLUMNS.slice(0, 16);
const plain = layoutOf(PLAIN);
const NEWER = ["peeraccount", "linkedid", "sequence"];
const COUNT_MAX = 21;
/** `cdr_custom.conf` as it is shipped. */
const SAMPLE =
  "clid src dst dcontext channel dstchannel lastapp lastdata start answer end duration billsec disposition amaflags accountcode uniqueid userfield sequence".split(
    " ",
  );

export const UNIQUE_ID = /(?:^|-)([0-9]{9,10})\.[0-9]+$/;
/** A channel's name: technology, slash, line, and what tells this call from others. */
const CHANNEL = /^[A-Z][A-Za-z0-9]*\/\S+-[0-9a-fA-F]{1,8}(;[12])?$/;
const DISPOSITIONS = new Set([
  "ANSWERED",
  "NO ANSWER",
  "NOANSWER",
  "BUSY",
  "FAILED",
  "CONGESTION",
  "CANCEL",
  "UNKNOWN",
]);
export const isDisposition = (text: string): boolean => DISPOSITIONS.has(text.toUpperCase());
export const isTime = (text: string): boolean => localMsOf(text) !== undefined || epochMsOf(text) !== undefined;

/** The layout of rows like this one; undefined: it is none of Asterisk's that can be found out. */
export const layoutFor = (fields: ReadonlyArray<string>): AsteriskLayout | undefined =>
  ofCdrCsv(fields) ??
  (fits(fields, layoutOf(SAMPLE)) ? layoutOf(SAMPLE.slice(0, fields.length)) : undefined) ??
  found(fields);

const fits = (fields: ReadonlyArray<string>, { start, end, disposition }: AsteriskLayout): boolean =>
  isTime(fields[start] ?? "") && isTime(fields[end] ?? "") && isDisposition(fields[disposition] ?? "");

/** By the number of fields; where that leaves two, by what stands there. */
const ofCdrCsv = (fields: ReadonlyArray<string>): AsteriskLayout | undefined => {
  const { length } = fields;
  if (length < PLAIN.length || length > COUNT_MAX || !fits(fields, plain)) return undefined;
  const more = length - PLAIN.length;
  const newer = more >= NEWER.length ? NEWER : [];
  const isId = UNIQUE_ID.test(fields[PLAIN.length] ?? "");
  const own = [[], [isId ? "uniqueid" : "userfield"], ["uniqueid", "userfield"]][more - newer.length];
  return own === undefined ? undefined : layoutOf([...PLAIN, ...own, ...newer]);
};

/**
 * Of a mapping that nobody has told: three times one after another, a disposition, channels, ids and the numbers before the
 * times. Undefined where less than times, disposition and numbers can be seen.
 */
const found = (fields: ReadonlyArray<string>): AsteriskLayout | undefined => {
  const start = fields.findIndex(
    (text, i) => isTime(text) && isTimeOrNone(fields[i + 1]) && isTime(fields[i + 2] ?? ""),
  );
  const disposition = fields.findIndex(isDisposition);
  if (start < 0 || disposition < 0) return undefined;
  const names: Array<AsteriskColumn | ""> = fields.map(() => "");
  for (const [i, name] of (["start", "answer", "end"] as const).entries()) names[start + i] = name;
  names[disposition] = "disposition";
  if (/^[0-9]+$/.test(fields[start + 3] ?? "") && /^[0-9]+$/.test(fields[start + 4] ?? ""))
    for (const [i, name] of (["duration", "billsec"] as const).entries()) names[start + 3 + i] = name;
  const free = (i: number) => names[i] === "";
  const take = (name: AsteriskColumn, isIt: (text: string, i: number) => boolean): number => {
    const at = fields.findIndex((text, i) => free(i) && isIt(text, i));
    if (at >= 0) names[at] = name;
    return at;
  };
  const channel = take("channel", (text) => CHANNEL.test(text));
  if (channel >= 0 && free(channel + 1) && /^$|\//.test(fields[channel + 1] ?? "x")) names[channel + 1] = "dstchannel";
  take("clid", (text) => /<[^>]*>$/.test(text));
  const id = take("uniqueid", (text) => UNIQUE_ID.test(text));
  if (id >= 0) take("linkedid", (text, i) => i > id && UNIQUE_ID.test(text));
  const app = take("lastapp", (text) =>
    /^(Dial|Queue|AppDial|Wait|Hangup|VoiceMail|ConfBridge|Playback|Background)$/.test(text),
  );
  if (app >= 0 && free(app + 1) && /[/,]/.test(fields[app + 1] ?? "")) names[app + 1] = "lastdata";
  const first = fields.findIndex(
    (text, i) => i < start && free(i) && free(i + 1) && looksDialled(text) && looksDialled(fields[i + 1]!),
  );
  if (first < 0 || first + 1 >= start) return undefined;
  [names[first], names[first + 1]] = ["src", "dst"];
  return layoutOf(names);
};

const isTimeOrNone = (text: string | undefined): boolean => text === "" || isTime(text ?? "x");
const looksDialled = (text: string): boolean => /^[+*#]?[0-9*#+]{1,20}\S*$/.test(text);

/**
 * `cdr_custom.conf`'s right-hand side (`${CSV_QUOTE(${CDR(clid)})},${CDR(answer,u)}`) or the names alone, with commas or
 * blanks. Names that are no column of ours take their place and mean nothing. Undefined: no start, no end.
 */
export const mappedLayout = (mapping: string): AsteriskLayout | undefined => {
  const text = mapping.replace(/^[^=]*=>/, "");
  const parts = text.includes("${")
    ? splitMapping(text).map((part) => /\$\{CDR\((\w+)/i.exec(part)?.[1] ?? "")
    : text.trim().split(/\s*[,\s]\s*/);
  const layout = layoutOf(parts.map((name) => name.toLowerCase()));
  return layout.start < 0 || layout.end < 0 || layout.dst < 0 ? undefined : layout;
};

/** At the commas outside of brackets and braces. */
const splitMapping = (text: string): ReadonlyArray<string> => {
  const parts: Array<string> = [];
  let [depth, from] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    const c = text[at]!;
    if (c === "(" || c === "{") depth++;
    else if (c === ")" || c === "}") depth--;
    else if (c === "," && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return [...parts, text.slice(from)];
};

/** A first line of names. */
export const namedLayout = (fields: ReadonlyArray<string>): AsteriskLayout | undefined => {
  const names = fields.map((field) => field.trim().toLowerCase());
  return names.includes("dst") && names.includes("start") && names.includes("end") ? layoutOf(names) : undefined;
};
