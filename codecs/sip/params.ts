/**
 * Parameters, `;name=value`, as URIs and header fields carry them. RFC 3261 §19.1.1 and §25.1.
 * Names are case-insensitive and kept in lower case; a name that comes twice is refused, for two readers might each
 * believe another one.
 */
import { malformed, type Parsed, parsed } from "./error.ts";
import { lowered, spanEnd, TOKENS, trimmed, VALUES } from "./scan.ts";

/** One parameter, its name in lower case. */
export interface Param {
  readonly name: string;
  /** Undefined when there was no `=`. Without quotes and escapes. */
  readonly value: string | undefined;
}

/** Of one URI or one value; more are malformed. */
export const PARAMS_MAX = 32;

/** `["", "a=1", "b"]`: the text cut at `mark`, save where it stands in quotes or angle brackets. */
export const splitOutside = (text: string, mark: string): ReadonlyArray<string> => {
  const parts: Array<string> = [];
  let from = 0;
  let quoted = false;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quoted) {
      if (c === "\\") i++;
      else if (c === '"') quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === "<") depth++;
    else if (c === ">") depth = Math.max(0, depth - 1);
    else if (c === mark && depth === 0) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
};

/** Where the first value of a list ends: at a comma outside quotes and angle brackets. -1: there is one value. */
export const firstComma = (text: string): number => {
  if (!text.includes(",")) return -1;
  const [first = ""] = splitOutside(text, ",");
  return first.length === text.length ? -1 : first.length;
};

/** The value of the parameter of this name, which is given in lower case; undefined too where it has no value. */
export const paramOf = (params: ReadonlyArray<Param>, name: string): string | undefined =>
  paramNamed(params, name)?.value;

/** Whether there is a parameter of this name, with or without a value. */
export const hasParam = (params: ReadonlyArray<Param>, name: string): boolean => paramNamed(params, name) !== undefined;

export const paramNamed = (params: ReadonlyArray<Param>, name: string): Param | undefined => {
  for (let i = 0; i < params.length; i++) if (params[i]!.name === name) return params[i];
  return undefined;
};

/** The parameters of a header field: values are tokens, hosts or quoted strings. */
export const parseParams = (at: string, pieces: ReadonlyArray<string>): Parsed<ReadonlyArray<Param>> =>
  collect(at, pieces, TOKEN, (raw) => {
    const value = trimmed(raw);
    if (value.startsWith('"')) return unquote(value);
    return PLAIN_VALUE.test(value) ? value : undefined;
  });

/**
 * `;name=value;name` that fills the text from `from` to `to`, plainly written, names and values of these kinds. Undefined: it
 * is not, and the long way must read it.
 */
export const plainParams = (
  text: string,
  from: number,
  to: number,
  nameKind: number,
  valueKind: number,
): ReadonlyArray<Param> | undefined => {
  if (from === to) return NONE;
  const params: Array<Param> = [];
  for (let at = from; at < to; ) {
    if (text.charCodeAt(at) !== SEMICOLON || params.length === PARAMS_MAX) return undefined;
    const nameEnd = spanEnd(text, at + 1, to, nameKind);
    if (nameEnd === at + 1) return undefined;
    const name = nameIn(text, at + 1, nameEnd);
    if (hasParam(params, name)) return undefined;
    at = nameEnd;
    let value: string | undefined;
    if (nameEnd < to && text.charCodeAt(nameEnd) === EQUALS) {
      at = spanEnd(text, nameEnd + 1, to, valueKind);
      if (at === nameEnd + 1) return undefined;
      value = text.slice(nameEnd + 1, at);
    }
    params.push({ name, value });
  }
  return params;
};
/** In lower case. Those that nearly every message has are not cut out, but found. */
const nameIn = (text: string, at: number, to: number): string => {
  const length = to - at;
  const usual = length > USUAL_CHARS_MAX ? undefined : USUAL[shapeOf(length, text.charCodeAt(at))];
  return usual !== undefined && text.startsWith(usual, at) ? usual : lowered(text, at, to);
};
/** Length and first letter tell these names apart. */
const shapeOf = (length: number, first: number): number => (length << 5) | (first & 31);
const USUAL_NAMES = ["branch", "tag", "lr", "rport", "received", "transport", "maddr", "user", "alias", "expires", "q"];
const USUAL_CHARS_MAX = 9;
const USUAL: Array<string | undefined> = new Array((USUAL_CHARS_MAX + 1) << 5).fill(undefined);
for (const name of USUAL_NAMES) USUAL[shapeOf(name.length, name.charCodeAt(0))] = name;
const SEMICOLON = 59;
const EQUALS = 61;
const NONE: ReadonlyArray<Param> = [];

/** The parameters behind a value, `;name=value;name`, from `from` to the text's end. */
export const parseTail = (at: string, text: string, from: number): Parsed<ReadonlyArray<Param>> => {
  const plain = plainParams(text, from, text.length, TOKENS, VALUES);
  return plain === undefined ? parseSlowly(at, text, from) : parsed(plain);
};

const parseSlowly = (at: string, text: string, from: number): Parsed<ReadonlyArray<Param>> => {
  const [before, ...pieces] = splitOutside(text.slice(from), ";");
  if (trimmed(before!) !== "") return malformed(at, "something stands after the value");
  return parseParams(at, pieces);
};

export const printParams = (params: ReadonlyArray<Param>): string =>
  params
    .map(({ name, value }) =>
      value === undefined ? `;${name}` : `;${name}=${PLAIN_VALUE.test(value) ? value : quote(value)}`,
    )
    .join("");

/** The parameters of a URI: names and values are escaped. */
export const parseUriParams = (at: string, pieces: ReadonlyArray<string>): Parsed<ReadonlyArray<Param>> =>
  collect(at, pieces, URI_TEXT, (raw) => (URI_TEXT.test(raw) ? unescaped(raw) : undefined));

export const printUriParams = (params: ReadonlyArray<Param>): string =>
  params
    .map(({ name, value }) => {
      const escapedName = escaped(name, "[]/:&+$");
      return value === undefined ? `;${escapedName}` : `;${escapedName}=${escaped(value, "[]/:&+$")}`;
    })
    .join("");

/** `%41` read as UTF-8; undefined when the escapes are not that. */
export const unescaped = (text: string): string | undefined => {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

/** Everything but the unreserved characters of RFC 3261 §25.1 and `keep` becomes `%` and hex. */
export const escaped = (text: string, keep: string): string =>
  [...text.toWellFormed()].map((c) => (keep.includes(c) ? c : encodeURIComponent(c))).join("");

export const quote = (text: string): string => `"${text.replace(/[\\"]/g, (c) => `\\${c}`)}"`;

export const unquote = (text: string): string | undefined =>
  /^"(?:[^"\\]|\\.)*"$/s.test(text) ? text.slice(1, -1).replace(/\\(.)/gs, "$1") : undefined;

export const TOKEN = /^[A-Za-z0-9.!%*_+`'~-]+$/;
const PLAIN_VALUE = /^[A-Za-z0-9.!%*_+`'~[\]:-]+$/;
const URI_TEXT = /^[A-Za-z0-9_.!~*'()[\]/:&+$%-]+$/;

const collect = (
  at: string,
  pieces: ReadonlyArray<string>,
  nameForm: RegExp,
  read: (raw: string) => string | undefined,
): Parsed<ReadonlyArray<Param>> => {
  if (pieces.length > PARAMS_MAX) return malformed(at, "too many parameters");
  const params: Array<Param> = [];
  for (const piece of pieces) {
    const equals = piece.indexOf("=");
    const written = equals < 0 ? piece : piece.slice(0, equals);
    // A URI has no white space: whoever took it for none would send it on in a Request-URI.
    const rawName = nameForm === URI_TEXT ? written : trimmed(written);
    const name = nameForm === URI_TEXT ? unescaped(rawName)?.toLowerCase() : rawName.toLowerCase();
    if (name === undefined || !nameForm.test(rawName)) return malformed(at, "a parameter's name is not one");
    if (hasParam(params, name)) return malformed(at, `parameter ${name} comes twice`);
    const value = equals < 0 ? undefined : read(piece.slice(equals + 1));
    if (equals >= 0 && value === undefined) return malformed(at, `parameter ${name} has a bad value`);
    params.push({ name, value });
  }
  return parsed(params);
};
