/**
 * Measures what grows with a company, and draws it: docs/performance.md and its pictures.
 *
 *   npm run curves [-- --quick] [--draw]
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { costRows } from "./costs.ts";
import { agentCallsHeap, borderCallsHeap, type MemoryRow, routesHeap, valuesHeap } from "./memory.ts";
import { curvePictures, type HopsRow, MEASURED, type Measured, PAGE, pageParts, withParts } from "./page.ts";

const HELP = `usage: npm run curves -- [options]

  --quick   small counts, to see that it works: nothing is written
  --draw    measures nothing, and draws what was measured last
  --help

It takes some minutes, and needs Linux (/proc). Writes properties/bench/curves/measured.json, docs/images/curve-*.svg and the tables of
docs/performance.md. Exit codes: 0, 1 (something could not be measured), 2 (usage).`;

const MAIN = new URL("../../../runtime/main.ts", import.meta.url).pathname;

const optionsOf = () => {
  try {
    const options = { quick: { type: "boolean" }, draw: { type: "boolean" }, help: { type: "boolean" } } as const;
    return parseArgs({ options }).values;
  } catch (error) {
    console.error(`curves: ${(error as Error).message}\n\n${HELP}`);
    return process.exit(2);
  }
};

const hopsOf = (nodes: number): HopsRow => {
  const words = [
    "simulate",
    "overlay",
    "--nodes",
    `${nodes}`,
    "--lookups",
    "10000",
    "--routing-only",
    "--json",
    "--seed",
    "7",
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], { encoding: "utf8" });
  if (status !== 0) throw new Error(`vipr ${words.join(" ")}: ${stderr}`);
  const { hops } = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
  return { nodes, p50: hops.p50, p99: hops.p99 };
};

/** One after another: each has the machine to itself, as far as others leave it. */
const rows = async (what: string, counts: ReadonlyArray<number>, of: (count: number) => Promise<MemoryRow>) => {
  const all: Array<MemoryRow> = [];
  for (const count of counts) {
    process.stderr.write(`curves: ${what}, ${count}\n`);
    all.push(await of(count));
  }
  return all;
};

const loadNow = (): number => Math.round(10 * loadavg()[0]!) / 10;
const measure = async (isQuick: boolean): Promise<Measured> => {
  const before = loadNow();
  const to = (most: number) =>
    [100, 1_000, 10_000, 100_000, 1_000_000].filter((count) => count <= (isQuick ? 100 : most));
  const hops = (isQuick ? [100] : [100, 1_000, 10_000, 100_000, 1_000_000]).map(hopsOf);
  const routes = await rows("routes", to(1_000_000), routesHeap);
  const agentCalls = await rows("calls of an agent", to(10_000), agentCallsHeap);
  const borderCalls = await rows("calls of a border element", to(10_000), borderCallsHeap);
  const values = await rows("stored values", to(100_000), valuesHeap);
  process.stderr.write("curves: numbers published, records uploaded\n");
  const costs = isQuick
    ? await costRows([20, 40], [20, 40])
    : await costRows([100, 300, 1_000, 3_000], [1_000, 3_000, 10_000, 30_000]);
  return {
    on: new Date().toISOString().slice(0, 10),
    runtime: `Node ${process.versions.node}`,
    cores: availableParallelism(),
    load: [before, loadNow()],
    ...costs,
    ...{ routes, agentCalls, borderCalls, values, hops },
  };
};

const draw = (of: Measured): void => {
  for (const [file, picture] of Object.entries(curvePictures(of))) writeFileSync(file, picture);
  writeFileSync(PAGE, withParts(readFileSync(PAGE, "utf8"), pageParts(of)));
};

if (import.meta.main) {
  const options = optionsOf();
  if (options.help) console.log(HELP);
  else if (options.draw) draw(JSON.parse(readFileSync(MEASURED, "utf8")));
  else {
    const of = await measure(options.quick ?? false);
    console.log(JSON.stringify(of, undefined, 2));
    if (!options.quick) {
      writeFileSync(MEASURED, `${JSON.stringify(of, undefined, 2)}\n`);
      draw(of);
    }
  }
  process.exit(0);
}
