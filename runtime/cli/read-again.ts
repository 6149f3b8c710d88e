/**
 * A configuration that a running program reads again: which keys have changed, and which of them it cannot take up.
 *
 *   vipr.toml now --> changed keys --+-- taken up by the program
 *                                    +-- all others of its tables --> WARN, with the keys: they count after a restart
 *
 * DECISIONS.md D-246.
 */
import { Effect } from "effect";
import type { Configuration } from "../config/mod.ts";

/** As they stand in the file: `border.calls-max`, `trunk`, `domain`. */
export const changedKeys = (
  before: Pick<Configuration, "raw">,
  now: Pick<Configuration, "raw">,
): ReadonlyArray<string> => {
  const [was, is] = [flat(before.raw), flat(now.raw)];
  return [...new Set([...was.keys(), ...is.keys()])].filter((key) => was.get(key) !== is.get(key)).sort();
};

/** Says what has changed in these tables and counts after a restart only. `taken`: keys that the program takes up. */
export const warnOfOthers = (
  program: "agent" | "border",
  before: Pick<Configuration, "raw">,
  now: Pick<Configuration, "raw">,
  { tables, taken }: { readonly tables: ReadonlyArray<string>; readonly taken: ReadonlyArray<string> },
): Effect.Effect<void> => {
  const isOf = (all: ReadonlyArray<string>) => (key: string) =>
    all.some((one) => key === one || key.startsWith(`${one}.`));
  const keys = changedKeys(before, now)
    .filter(isOf(tables))
    .filter((key) => !isOf(taken)(key));
  return keys.length === 0
    ? Effect.void
    : Effect.logWarning(`${program}.needsRestart`, "read at the start alone; as it was until then", { keys });
};

const flat = (raw: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(raw).flatMap(([table, value]) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.entries(value).map(([key, one]) => [`${table}.${key}`, JSON.stringify(one)] as const)
        : [[table, JSON.stringify(value)] as const],
    ),
  );
