/** The pictures and tables of docs/performance.md, from what `npm run curves` has measured (measured.json). */
import { NUMBER_LIFETIME_S } from "../../../actors/reload/numbers.ts";
import { viprOverlay } from "../../../codecs/overlay/mod.ts";
import { REFRESH_AT } from "../../../machines/reload/refresh.ts";
import type { Chart } from "./chart.ts";
import { chartPicture } from "./chart.ts";
import type { CostRow } from "./costs.ts";
import type { MemoryRow } from "./memory.ts";

export const MEASURED = "properties/bench/curves/measured.json";
export const PAGE = "docs/performance.md";

export interface HopsRow {
  readonly nodes: number;
  readonly p50: number;
  readonly p99: number;
}
export interface Measured {
  /** The day, the runtime, and the machine as far as it matters. */
  readonly on: string;
  readonly runtime: string;
  readonly cores: number;
  /** Processes that were ready to run, on average over a minute, at the start and at the end. */
  readonly load: readonly [before: number, after: number];
  readonly publish: ReadonlyArray<CostRow>;
  readonly upload: ReadonlyArray<CostRow>;
  readonly routes: ReadonlyArray<MemoryRow>;
  readonly agentCalls: ReadonlyArray<MemoryRow>;
  readonly borderCalls: ReadonlyArray<MemoryRow>;
  readonly values: ReadonlyArray<MemoryRow>;
  readonly hops: ReadonlyArray<HopsRow>;
}

const charts = (of: Measured): Readonly<Record<string, Chart>> => ({
  processor: {
    title: "Processor time",
    x: "numbers published, records uploaded",
    y: "seconds of one core",
    scale: "tens",
    curves: [
      { name: "numbers: the company's server", points: of.publish.map((row) => [row.count, row.serverCpuS]) },
      { name: "numbers: it and the other two nodes", points: of.publish.map((row) => [row.count, row.overlayCpuS]) },
      { name: "call records: the company's server", points: of.upload.map((row) => [row.count, row.serverCpuS]) },
    ],
  },
  memory: {
    title: "Memory",
    x: "how many",
    y: "MB of heap",
    scale: "tens",
    curves: [
      { name: "routes of a call agent", points: of.routes.map(({ count, mb }) => [count, mb]) },
      { name: "values that a node stores for the overlay", points: of.values.map(({ count, mb }) => [count, mb]) },
      { name: "calls up in a call agent", points: of.agentCalls.map(({ count, mb }) => [count, mb]) },
      { name: "calls up in a border element", points: of.borderCalls.map(({ count, mb }) => [count, mb]) },
    ],
  },
  nodes: {
    title: "Hops of a look-up",
    x: "nodes of the overlay",
    y: "nodes on its way",
    scale: "even",
    curves: [
      { name: "half of the look-ups need no more", points: of.hops.map(({ nodes, p50 }) => [nodes, p50]) },
      { name: "99 of 100 need no more", points: of.hops.map(({ nodes, p99 }) => [nodes, p99]) },
    ],
  },
});

/** By file name. */
export const curvePictures = (of: Measured): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(charts(of)).map(([name, chart]) => [`docs/images/curve-${name}.svg`, chartPicture(chart)]),
  );

const whole = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
/** Two figures that count. */
const rounded = (value: number): string =>
  value >= 100 ? whole(Number(value.toPrecision(2))) : String(Number(value.toPrecision(2)));
const table = (heads: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

const costTable = (what: string, rows: ReadonlyArray<CostRow>): string =>
  table(
    [
      what,
      "by the clock, s",
      "processor of the server, s",
      "of all three nodes, s",
      "server's memory, MB",
      "its disk, MB",
      "disk of all three, MB",
    ],
    rows.map((row) => [
      whole(row.count),
      ...[row.seconds, row.serverCpuS, row.overlayCpuS, row.serverMb, row.serverDiskMb, row.overlayDiskMb].map(rounded),
    ]),
  );
const memoryTable = (of: Measured): string => {
  const rows: ReadonlyArray<readonly [string, ReadonlyArray<MemoryRow>]> = [
    ["a route of a call agent, with its ticket", of.routes],
    ["a value that a node stores for the overlay", of.values],
    ["a call that is up, in a call agent", of.agentCalls],
    ["a call that is up, in a border element", of.borderCalls],
  ];
  return table(
    ["what", "measured with", "heap, MB", "KiB each", "disk, MB"],
    rows.map(([what, its]) => {
      const { count, mb, diskMb } = its.at(-1)!;
      return [
        what,
        whole(count),
        rounded(mb),
        rounded((1_024 * mb) / count),
        diskMb === undefined ? "" : rounded(diskMb),
      ];
    }),
  );
};

/** What each further one costs, from the first row to the last. */
const slope = <Row>(rows: ReadonlyArray<Row>, count: (row: Row) => number, cost: (row: Row) => number): number =>
  (cost(rows.at(-1)!) - cost(rows[0]!)) / (count(rows.at(-1)!) - count(rows[0]!));

const { storesPerSecond: STORES_PER_SECOND, quota: QUOTA } = viprOverlay({ name: "overlay.example", sequence: 1 });
/** Numbers of which one is on the telephone in the busiest hour, and seconds of a call: what exchanges are planned with. */
const NUMBERS_A_CALL = 10;
const CALL_S = 180;
/** Numbers in a published value, kept by so many nodes. */
const COPIES = 3;
const DAY_S = 86_400;
const REFRESH_S = REFRESH_AT * NUMBER_LIFETIME_S;

const time = (seconds: number): string =>
  seconds < 1
    ? "under 1 s"
    : seconds < 120
      ? `${rounded(seconds)} s`
      : seconds < 7_200
        ? `${rounded(seconds / 60)} min`
        : seconds < 2 * DAY_S
          ? `${rounded(seconds / 3_600)} h`
          : `${rounded(seconds / DAY_S)} days`;
const bytes = (mb: number): string =>
  mb < 1 ? "under 1 MB" : mb < 1_000 ? `${rounded(mb)} MB` : `${rounded(mb / 1_024)} GB`;

const percent = (value: number): string => (value < 0.1 ? "under 0.1 %" : `${rounded(value)} %`);

/** What a company of so many numbers needs. */
const needs = (of: Measured, numbers: number): ReadonlyArray<string> => {
  const cpuEach = slope(
    of.publish,
    (row) => row.count,
    (row) => row.serverCpuS,
  );
  const value = of.values.at(-1)!;
  // Of the last rows: before them the logs of the three stores grow to their size.
  const diskEach = slope(
    of.publish.slice(-2),
    (row) => row.count,
    (row) => row.overlayDiskMb,
  );
  const nodes = Math.ceil(numbers / QUOTA);
  const calls = Math.max(1, numbers / NUMBERS_A_CALL);
  const each = (rows: ReadonlyArray<MemoryRow>) => rows.at(-1)!.mb / rows.at(-1)!.count;
  const records = (calls * 3_600 * 8) / CALL_S;
  const recordCpu = slope(
    of.upload,
    (row) => row.count,
    (row) => row.serverCpuS,
  );
  return [
    whole(numbers),
    whole(nodes),
    time(numbers / nodes / STORES_PER_SECOND),
    numbers / STORES_PER_SECOND > REFRESH_S
      ? `${time(numbers / STORES_PER_SECOND)}: not in time`
      : time(numbers / STORES_PER_SECOND),
    percent((100 * numbers * cpuEach) / REFRESH_S),
    bytes((COPIES * numbers * value.mb) / value.count),
    bytes(numbers * diskEach),
    whole(calls),
    bytes(calls * each(of.agentCalls)),
    bytes(calls * each(of.borderCalls)),
    `${whole(records)}, ${time(records * recordCpu)}`,
  ];
};

const needsTable = (of: Measured): string => {
  const companies = [10, 10_000, 1_000_000, 10_000_000].map((numbers) => needs(of, numbers));
  const heads = [
    "numbers",
    "Node-IDs, which is servers, at the default quota",
    "to publish all with these, at the default rate",
    "to publish all by one server, where the overlay's quota allows it",
    "of a core, to publish them again in time",
    "heap for the three copies, in the whole overlay, at least",
    "disk for them",
    "calls at once",
    "heap for them, call agents",
    "heap for them, border elements",
    "call records a day, and the server's processor time for them",
  ];
  return table(
    ["a company of", ...companies.map(([numbers]) => numbers!)],
    heads.slice(1).map((head, i) => [head, ...companies.map((cells) => cells[i + 1]!)]),
  );
};

/** By the name of the part of the page. */
export const pageParts = (of: Measured): Readonly<Record<string, string>> => ({
  measured: `Measured on ${of.on} with ${of.runtime} on ${of.cores} cores that others used at the same time: ${rounded(of.load[0])} processes were ready to run when it began, ${rounded(of.load[1])} when it ended. Seconds by the clock are that machine's and would be far fewer on a quiet one; processor time depends less on it, memory and disk do not.`,
  needs: needsTable(of),
  publish: costTable("numbers published", of.publish),
  upload: costTable("records uploaded", of.upload),
  memory: memoryTable(of),
  nodes: table(
    ["nodes", "half of the look-ups", "99 of 100"],
    of.hops.map(({ nodes, p50, p99 }) => [whole(nodes), String(p50), String(p99)]),
  ),
});

/** With each part of the page in its place: `<!-- curves: NAME -->`. */
export const withParts = (page: string, parts: Readonly<Record<string, string>>): string =>
  page.replace(
    /(<!-- curves: (\w+) -->\n)(.*?)(<!-- end -->)/gs,
    (_, begin: string, name: string, __: string, end: string) => `${begin}\n${parts[name]}\n\n${end}`,
  );
