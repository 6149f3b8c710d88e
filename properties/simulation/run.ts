/**
 * The overlay's laws on rings of full size, as many at once as there are cores: `npm run simulate`. Each line shows what was asked,
 * what was found and what it must be; a law that does not hold is shown with the command that replays it. Exit code 1 then.
 *
 *   node properties/simulation/run.ts [--large] [--seed S]
 *
 * --large adds rings of 1,000 and 2,048 nodes that die, churn and are cut apart, 10,000 nodes with churn, and 1,000,000 nodes of
 * routing alone: an hour and more.
 */
import { availableParallelism } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import type { Line } from "../../runtime/simulate/measure.ts";
import { runProgram, sideBySide } from "../kit/side-by-side.ts";

type Law = readonly [what: string, holds: (line: Line) => boolean];
const half = ({ nodes }: Line) => Math.log2(nodes) / 2;
const all: Law = ["success = 1", ({ success }) => success === 1];
const none: Law = ["lostValues = 0", ({ lostValues }) => lostValues === 0];
const longest = (most: number): Law => [`hops.max <= ${most}`, ({ hops }) => hops.max <= most];
const mean = (part: number): Law => [`hops.mean <= ${part} log2(N)/2`, (line) => line.hops.mean <= part * half(line)];
const p99: Law = ["hops.p99 <= log2 N", (line) => line.hops.p99 <= 2 * half(line)];
const most: Law = ["success >= 0.99", ({ success }) => success >= 0.99];
const healed = (s: number): Law => [
  `healed within ${s} s`,
  ({ repairSeconds }) => repairSeconds !== null && repairSeconds <= s,
];
const within = (s: number): Law => [`took at most ${s} s`, ({ seconds }) => seconds <= s];

const usual: ReadonlyArray<readonly [flags: string, laws: ReadonlyArray<Law>]> = [
  ["--nodes 1024 --lookups 100000 --routing-only", [longest(10), mean(1.15), p99]],
  ["--nodes 2048 --lookups 100000 --routing-only", [longest(11), mean(1.15), p99]],
  ["--nodes 1024 --lookups 100000 --routing-only --full-fingers", [longest(10), mean(0.9), p99]],
  ["--nodes 2048 --lookups 100000 --routing-only --full-fingers", [longest(11), mean(0.9), p99]],
  ["--nodes 1024 --lookups 4000", [all, none, longest(10), mean(1.15), p99]],
  ["--nodes 1024 --lookups 2000 --full-fingers", [all, none, longest(10), mean(0.9), p99]],
  ["--nodes 160 --lookups 2000 --kill 0.5", [all, none, healed(5)]],
  ["--nodes 100 --lookups 2000 --churn 0.1", [most, none, healed(60)]],
  ["--nodes 48 --lookups 500 --partition", [none, healed(600)]],
  ["--nodes 64 --lookups 500 --join", [all, none]],
  ["--nodes 64 --lookups 500 --signatures ecdsa --fragments 700", [all, none]],
];
const large: typeof usual = [
  ["--nodes 1000000 --lookups 10000 --routing-only", [mean(1.15), p99]],
  ["--nodes 2048 --lookups 10000", [all, none, longest(11), mean(1.15), p99]],
  ["--nodes 1000 --lookups 1000", [all, none, within(60)]],
  ["--nodes 1024 --lookups 10000 --kill 0.5", [all, none, healed(5)]],
  ["--nodes 1000 --lookups 10000 --churn 0.1", [most, none, healed(60)]],
  ["--nodes 300 --lookups 1000 --partition", [none, healed(600)]],
  ["--nodes 200 --lookups 1000 --join", [all, none]],
  ["--nodes 10000 --lookups 10000 --churn 0.1", [most, none]],
];

const { values } = parseArgs({
  options: { large: { type: "boolean", default: false }, seed: { type: "string", default: "7" } },
});
const MAIN = new URL("../../runtime/main.ts", import.meta.url).pathname;

/** How many laws do not hold. The command is run as whoever replays it would. */
const judge = async ([flags, laws]: (typeof usual)[number]): Promise<number> => {
  const words = ["simulate", "overlay", ...`${flags} --seed ${values.seed}`.split(" ")];
  const { code, output } = await runProgram([process.execPath, MAIN, ...words, "--json"]);
  const last = output.trimEnd().split("\n").at(-1)!;
  const wrong = code === 0 ? laws.filter(([, holds]) => !holds(JSON.parse(last))).map(([what]) => what) : [last];
  console.log(`${wrong.length === 0 ? "held  " : "BROKEN"} ${flags}: ${laws.map(([what]) => what).join(", ")}`);
  console.log(`       ${last}`);
  if (wrong.length > 0) console.log(`       not ${wrong.join(", not ")}; replay: vipr ${words.join(" ")}`);
  return wrong.length;
};

const rings = values.large ? [...large, ...usual] : usual;
const broken = await sideBySide(rings, availableParallelism(), judge);
process.exitCode = broken.every((count) => count === 0) ? 0 : 1;
