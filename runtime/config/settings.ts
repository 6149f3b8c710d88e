/**
 * `--set KEY=VALUE`: every key of `vipr.toml` as an option. The key as in the file, a trunk by its name. DECISIONS.md D-089.
 *
 *   --set numbers.country=DE   --set 'numbers.outside=["9"]'   --set trunk.trunk1.plus=never
 */
import { parse } from "smol-toml";
import type { Kind } from "./key.ts";
import type { Path } from "./places.ts";
import { keysAt, TABLE_NAMES } from "./schema.ts";

export interface Setting {
  readonly option: string;
  readonly path: Path;
  readonly value: unknown;
}

export const SETTINGS_MAX = 1_000;

/** Undefined: it is not KEY=VALUE, or KEY is written as no key is. */
export const settingOf = (option: string): Setting | undefined => {
  const equals = option.indexOf("=");
  const path = equals < 0 ? undefined : pathOf(option.slice(0, equals));
  return path && { option, path, value: valueFrom(path, option.slice(equals + 1)) };
};

const pathOf = (key: string): Path | undefined => {
  const path: Array<string> = [];
  let at = tomlOf(`${key} = true`);
  while (typeof at === "object" && at !== null) {
    const [only, ...more] = Object.entries(at);
    if (only === undefined || more.length > 0) return undefined;
    path.push(only[0]);
    at = only[1];
  }
  return at === true && path.length > 0 ? path : undefined;
};

/** A text needs no quotes, a list of one value no brackets; everything else is TOML. */
const valueFrom = (path: Path, text: string): unknown => {
  const kind = kindAt(path);
  const bare = tomlOf(`value = ${text}`) as Readonly<Record<string, unknown>> | undefined;
  const isToml = bare !== undefined && Object.keys(bare).length === 1 && bare.value !== undefined;
  const single = (isText: boolean): unknown =>
    !isToml || (isText && typeof bare.value !== "string") ? text : bare.value;
  if (kind?.each?.isList && !(isToml && Array.isArray(bare.value))) return [single(kind.each.kind.isText)];
  return single(kind?.isText ?? true);
};

/** Of a key, or of a value in its table, as of an extension. */
const kindAt = (path: Path): Kind<unknown> | undefined => {
  const isInTable = TABLE_NAMES.includes(String(path[0]));
  const depth = path[0] === "trunk" ? 2 : isInTable ? 1 : 0;
  const kind = keysAt(isInTable ? path.slice(0, 1) : [])?.[String(path[depth])]?.kind;
  return path.length > depth + 1 ? kind?.each?.kind : kind;
};

const tomlOf = (text: string): unknown => {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
};

type Raw = Record<string, unknown>;

/** Into what was read from the file. Gives the path in it: a trunk's is its number in the list. */
export const applySetting = (raw: Raw, { path, value }: Setting): Path => {
  const into = [...path];
  if (into[0] === "trunk" && into.length > 1) into[1] = trunkNumber(raw, String(into[1]));
  let at = raw;
  into.slice(0, -1).forEach((part, i) => {
    const next = at[part];
    if (typeof next === "object" && next !== null) at = next as Raw;
    else {
      const made: Raw = {};
      Object.defineProperty(at, part, { value: made, enumerable: true, writable: true, configurable: true });
      at = made;
    }
    return i;
  });
  Object.defineProperty(at, into.at(-1)!, { value, enumerable: true, writable: true, configurable: true });
  return into;
};

const trunkNumber = (raw: Raw, name: string): number => {
  const trunks = Array.isArray(raw.trunk) ? (raw.trunk as Array<Raw>) : [];
  raw.trunk = trunks;
  const found = trunks.findIndex((one) => one?.name === name);
  return found < 0 ? trunks.push({ name }) - 1 : found;
};
