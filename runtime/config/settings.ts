/**
 * `--set KEY=VALUE`: every key of `vipr.toml` as an option. KEY is written as in the file, a trunk's with the trunk's name.
 * DECISIONS.md D-089.
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

/** Undefined: it is not KEY=VALUE, or KEY is no key of TOML. */
export const settingOf = (option: string): Setting | undefined => {
  const equals = option.indexOf("=");
  const path = equals < 0 ? undefined : pathOf(option.slice(0, equals));
  return path && { option, path, value: valueFrom(path, option.slice(equals + 1)) };
};

/** TOML reads the key itself: `a.b = true` is { a: { b: true } }, whose path is a, b. */
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

/** What a key takes; of `numbers.extensions.1234`, what each value of that table takes. */
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

/**
 * Puts the setting into what was read from the file, and gives its path there, in which a trunk has its number in the list.
 * By `defineProperty`, since a key may be `__proto__`.
 */
export const applySetting = (raw: Raw, { path, value }: Setting): Path => {
  const into = [...path];
  if (into[0] === "trunk" && into.length > 1) into[1] = trunkNumber(raw, String(into[1]));
  let at = raw;
  for (const part of into.slice(0, -1)) {
    const next = at[part];
    if (typeof next === "object" && next !== null) at = next as Raw;
    else {
      const table: Raw = {};
      Object.defineProperty(at, part, { value: table, enumerable: true, writable: true, configurable: true });
      at = table;
    }
  }
  Object.defineProperty(at, into.at(-1)!, { value, enumerable: true, writable: true, configurable: true });
  return into;
};

const trunkNumber = (raw: Raw, name: string): number => {
  const trunks = Array.isArray(raw.trunk) ? (raw.trunk as Array<Raw>) : [];
  raw.trunk = trunks;
  const found = trunks.findIndex((one) => one?.name === name);
  return found < 0 ? trunks.push({ name }) - 1 : found;
};
