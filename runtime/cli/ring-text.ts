/**
 * A node's view of its overlay as text: the ring drawn with its nodes at their angles, then tables.
 *
 *   identifier 0 is at the top, identifiers grow clockwise: @ this node, o its neighbours, + its fingers, = its share
 */
import type { RingReport, SeenNode } from "../../actors/admin/mod.ts";

const RADIUS_X = 21;
const RADIUS_Y = 10;
const MARGIN = 6; // room for the labels beside the ring
const WIDTH = 2 * (RADIUS_X + MARGIN) + 1;
const HEIGHT = 2 * RADIUS_Y + 3;
const STEPS = 360;
const LABEL = 4;
const ROWS_MAX = 24; // of one table; the rest is counted

type Canvas = ReadonlyArray<Array<string>>;

export const ringText = (report: RingReport): string =>
  [
    ringDrawing(report),
    "@ this node   o neighbour   + finger   = the part this node answers for",
    "",
    ...factsOf(report),
    "",
    ...nodesTable("successor", report.successors),
    ...nodesTable("predecessor", report.predecessors),
    ...nodesTable("finger", report.fingers),
    ...quotaTable(report),
    ...countsTable("counted", report.counters),
    ...countsTable("turned away", report.refusals),
  ].join("\n");

export const ringDrawing = (report: RingReport): string => {
  const canvas: Canvas = Array.from({ length: HEIGHT }, () => Array.from({ length: WIDTH }, () => " "));
  for (let step = 0; step < STEPS; step++) {
    const place = step / STEPS;
    const behind = wrapped(report.place - place);
    put(canvas, place, behind < report.share ? "=" : ".");
  }
  const neighbours = [...report.successors, ...report.predecessors];
  for (const { place } of report.fingers) put(canvas, place, "+");
  for (const { place } of neighbours) put(canvas, place, "o");
  put(canvas, report.place, "@");
  label(canvas, report.place, report.nodeId);
  for (const { place, nodeId } of [...neighbours, ...report.fingers]) label(canvas, place, nodeId);
  middle(canvas, HEIGHT >> 1, `${report.nodesSeen} nodes seen`);
  if (report.nodesEstimated > report.nodesSeen)
    middle(canvas, (HEIGHT >> 1) + 1, `some ${report.nodesEstimated} in all`);
  return canvas.map((row) => row.join("").trimEnd()).join("\n");
};

const wrapped = (part: number): number => part - Math.floor(part);

const cellOf = (place: number, further = 0) => ({
  x: Math.round(WIDTH / 2 - 0.5 + (RADIUS_X + 2 * further) * Math.sin(2 * Math.PI * place)),
  y: Math.round(HEIGHT / 2 - 0.5 - (RADIUS_Y + further) * Math.cos(2 * Math.PI * place)),
});

const put = (canvas: Canvas, place: number, mark: string): void => {
  const { x, y } = cellOf(place);
  const row = canvas[y];
  if (row !== undefined) row[x] = mark;
};

/** The Node-ID's beginning, outside the ring, where nothing stands yet. */
const label = (canvas: Canvas, place: number, nodeId: string): void => {
  const { x, y } = cellOf(place, 1);
  const isRight = wrapped(place) < 0.5;
  const start = isRight ? x : x - LABEL + 1;
  const row = canvas[y];
  if (row === undefined || start < 0 || start + LABEL > WIDTH) return;
  // One cell of air on either side, so that two labels never look like one.
  for (let i = start - 1; i <= start + LABEL; i++) if (/[0-9a-f]/.test(row[i] ?? " ")) return;
  for (let i = start; i < start + LABEL; i++) if (row[i] !== " ") return;
  for (let i = 0; i < LABEL; i++) row[start + i] = nodeId[i]!;
};

const middle = (canvas: Canvas, y: number, text: string): void => {
  const start = (WIDTH - text.length) >> 1;
  for (let i = 0; i < text.length; i++) canvas[y]![start + i] = text[i]!;
};

const factsOf = (report: RingReport): ReadonlyArray<string> => {
  const { stored, quota } = report;
  const facts: ReadonlyArray<readonly [string, string]> = [
    ["node", report.nodeId],
    ["overlay", `${report.overlay}, configuration ${report.configurationSequence}`],
    ["address", report.address],
    ["state", `${report.state}, up ${spanText(report.upSeconds)}`],
    ["certificate", `good until ${report.certificateExpires}`],
    ["share", `${percent(report.share)} of the ring, of some ${report.nodesEstimated} nodes`],
    ["stored", `${stored.primaries} answered for, ${stored.replicas} replicas, ${stored.resources} resources`],
    ["own entries", `${quota.used} of ${quota.limit}`],
  ];
  return facts.map(([name, value]) => `${name.padEnd(12)}${value}`);
};

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;

const spanText = (seconds: number): string => {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} days`;
};

const nodesTable = (name: string, nodes: ReadonlyArray<SeenNode>): ReadonlyArray<string> =>
  table(
    [name, "further on", "address"],
    nodes.map(({ nodeId, distance, address }) => [nodeId, percent(distance), address ?? "no link"]),
  );

const quotaTable = ({ quota }: RingReport): ReadonlyArray<string> =>
  table(
    ["stored by", "entries", "replicas"],
    quota.byNode.map(({ nodeId, primaries, replicas }) => [nodeId, String(primaries), String(replicas)]),
  );

const countsTable = (name: string, counts: Readonly<Record<string, number>>): ReadonlyArray<string> =>
  table(
    [name, ""],
    Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([what, count]) => [what, String(count)]),
  );

/** Nothing when there are no rows. */
const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  if (rows.length === 0) return [];
  const shown = rows.slice(0, ROWS_MAX);
  const widths = head.map((title, i) => Math.max(title.length, ...shown.map((row) => row[i]!.length)));
  const isRight = head.map((_, i) => i > 0 && shown.every((row) => /^[\d.]+( %)?$/.test(row[i]!)));
  const line = (cells: ReadonlyArray<string>) =>
    cells
      .map((cell, i) => (isRight[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  const more = rows.length > shown.length ? [`and ${rows.length - shown.length} more`] : [];
  return [line(head), ...shown.map(line), ...more, ""];
};
