/** The ratios that a later run is held against: `baseline.json`, by runtime and by the name of the row. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Row } from "./kit.ts";

export type Baseline = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** How far below its baseline a ratio may fall. */
export const FALL_MAX = 0.2;

export const readBaseline = (file: string): Baseline =>
  existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Baseline) : {};

/** One sentence for each row that fell too far. A row that has no peer or no baseline is not judged. */
export const fallen = (baseline: Baseline, runtime: string, rows: ReadonlyArray<Row>): ReadonlyArray<string> =>
  rows.flatMap(({ name, ratio }) => {
    const before = baseline[runtime]?.[name];
    if (before === undefined || ratio === null || ratio >= before * (1 - FALL_MAX)) return [];
    return [`${name}: ratio ${ratio.toPrecision(3)}, more than ${FALL_MAX * 100} % below ${before.toPrecision(3)}`];
  });

/** Replaces the rows that ran and leaves the others. */
export const writeBaseline = (file: string, runtime: string, rows: ReadonlyArray<Row>): void => {
  const before = readBaseline(file);
  const own = { ...before[runtime] };
  for (const { name, ratio } of rows) if (ratio !== null) own[name] = Number(ratio.toPrecision(3));
  const sorted = Object.fromEntries(Object.entries(own).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(file, `${JSON.stringify({ ...before, [runtime]: sorted }, undefined, 2)}\n`);
};
