/**
 * A run drawn as a ladder: a column for each who takes part, an arrow for what one did to another.
 *
 *      time s  c1.example   c2.example
 *       6.440      o------------>        calls +888...
 */
import type { TraceEvent } from "./trace.ts";

const COLUMN = 13;
const TIME = 10;
/** Of those who stand for all: they have no column. */
const OUTSIDE = new Set(["world", "checker"]);

export interface Ladder {
  readonly head: string;
  readonly line: (event: TraceEvent) => string;
}

export const ladderOf = (events: ReadonlyArray<TraceEvent>): Ladder => {
  const names = [...new Set(events.flatMap(({ from, to }) => [...from.split(", "), ...(to === undefined ? [] : [to])]))]
    .filter((name) => !OUTSIDE.has(name))
    .sort();
  const columnOf = new Map(names.map((name, i) => [name, i]));
  const head = `${"time s".padStart(TIME)}  ${names.map((name) => name.slice(0, COLUMN - 1).padEnd(COLUMN)).join("")}`;
  const line = ({ atMs, from, to, what, detail }: TraceEvent): string => {
    const time = (atMs / 1_000).toFixed(3).padStart(TIME);
    const said = `${OUTSIDE.has(from) ? `${from}: ` : ""}${what}${detail === undefined ? "" : ` ${detail}`}`;
    return `${time}  ${rungs(
      names.length,
      from.split(", ").map((name) => columnOf.get(name)),
      columnOf.get(to ?? ""),
    )} ${said}`;
  };
  return { head, line };
};

const MIDDLE = 5;
const rungs = (columns: number, from: ReadonlyArray<number | undefined>, to: number | undefined): string => {
  const cells: Array<string> = Array.from({ length: columns * COLUMN }, (_, i) => (i % COLUMN === MIDDLE ? "|" : " "));
  const at = (column: number) => column * COLUMN + MIDDLE;
  const [first] = from;
  if (first !== undefined && to !== undefined && first !== to) {
    const [low, high] = [Math.min(at(first), at(to)), Math.max(at(first), at(to))];
    for (let i = low + 1; i < high; i++) cells[i] = "-";
    cells[at(to)] = first < to ? ">" : "<";
  }
  for (const column of from) if (column !== undefined) cells[at(column)] = "o";
  return cells.join("");
};
