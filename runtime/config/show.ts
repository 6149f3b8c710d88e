/** The values that hold, and where each comes from. No secret is in them: they stand in files and variables of their own. */
import { stringify } from "smol-toml";
import type { Key, Keys } from "./key.ts";
import type { Path } from "./places.ts";
import type { Configuration } from "./read.ts";
import { rootKeys, tables } from "./schema.ts";
import { trunkKeys } from "./trunks.ts";

export interface ShownValue {
  readonly key: string;
  /** As TOML has it; undefined where nothing holds. */
  readonly value: unknown;
  readonly origin:
    | { readonly type: "default" }
    | { readonly type: "file"; readonly line: number }
    | { readonly type: "option"; readonly option: string };
}

export const shownValues = (configuration: Configuration): ReadonlyArray<ShownValue> => {
  const { raw } = configuration;
  const trunks = (raw.trunk ?? []) as ReadonlyArray<Readonly<Record<string, unknown>>>;
  return [
    ...table(configuration, rootKeys, [], raw, ""),
    ...Object.entries(tables).flatMap(([name, keys]) =>
      table(configuration, keys, [name], (raw[name] ?? {}) as Readonly<Record<string, unknown>>, `${name}.`),
    ),
    ...trunks.flatMap((one, i) => table(configuration, trunkKeys, ["trunk", i], one, `trunk.${one.name}.`)),
  ];
};

const table = (
  configuration: Configuration,
  keys: Keys,
  path: Path,
  values: Readonly<Record<string, unknown>>,
  prefix: string,
): ReadonlyArray<ShownValue> =>
  Object.entries(keys).map(([name, key]) => ({
    key: `${prefix}${name}`,
    value: values[name] ?? initialOf(key),
    origin: originOf(configuration, [...path, name], values[name]),
  }));

const initialOf = ({ initial }: Key<unknown>): unknown => initial;

const originOf = ({ places, optionOf }: Configuration, path: Path, value: unknown): ShownValue["origin"] => {
  if (value === undefined) return { type: "default" };
  const option = optionOf(path);
  if (option !== undefined) return { type: "option", option };
  return { type: "file", line: places().of(path)?.line ?? 0 };
};

/** A value as the file would have it. */
export const tomlText = (value: unknown): string => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return lineOf(value);
  const pairs = Object.entries(value).map(([name, one]) => `${JSON.stringify(name)} = ${lineOf(one)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
};

const lineOf = (value: unknown): string =>
  stringify({ value })
    .trim()
    .replace(/^value = /, "");
