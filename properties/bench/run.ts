/**
 * Measures ours beside its peers. Each bench runs in a process of its own, under the runtime that runs this file, so that
 * no bench's types and garbage slow another; ours and the peer alternate inside one process.
 *
 *   npm run bench -- NAME...        deno run -A properties/bench/run.ts NAME...        bun properties/bench/run.ts NAME...
 */
import { spawn } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { fallen, readBaseline, writeBaseline } from "./baseline.ts";
import { type Bench, contestsOf, play, type Row, runtimeName } from "./kit.ts";

const here = fileURLToPath(import.meta.url);
const HELP = `usage: npm run bench -- [NAME...] [options]

  NAME               the benches to run; all of them where none is named
  --json             the last line of output is {"runtime":…,"rows":[…]}; the table goes to stderr
  --check            exit 1 when a ratio is more than 20 % below baseline.json; such a row is measured twice
  --write-baseline   put the ratios of this run into baseline.json
  --only TEXT        only rows whose name has TEXT in it
  --rounds N         rounds of each row
  --list             print the names of the benches
  --from FOLDER      where the benches and baseline.json are
  --help

The figure of a row is the median of the rounds' ratios; above 1 ours is better. Exit codes: 0, 1 (a row fell or a bench
broke), 2 (usage).`;

const OPTIONS = {
  json: { type: "boolean" },
  check: { type: "boolean" },
  "write-baseline": { type: "boolean" },
  list: { type: "boolean" },
  help: { type: "boolean" },
  /** For the processes that this one starts. */
  here: { type: "boolean" },
  only: { type: "string" },
  rounds: { type: "string" },
  from: { type: "string" },
} as const;

const usage = (problem: string): never => {
  console.error(`bench: ${problem}`);
  process.exit(2);
};
const readOptions = () => {
  try {
    return parseArgs({ args: process.argv.slice(2), options: OPTIONS, allowPositionals: true });
  } catch (error) {
    return usage((error as Error).message);
  }
};
const { values: options, positionals: named } = readOptions();
const folder = resolve(options.from ?? join(here, ".."));
const rounds = options.rounds === undefined ? undefined : Number(options.rounds);
if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) usage("--rounds needs a whole number above 0");

/** The files that export contests. */
const benches = globSync("*.ts", { cwd: folder })
  .filter((file) =>
    /^export (const|function|async function) contests\b/m.test(readFileSync(join(folder, file), "utf8")),
  )
  .map((file) => basename(file, ".ts"))
  .sort();

/** In the process of one bench: plays its contests and gives the rows. */
const playHere = async (bench: string): Promise<ReadonlyArray<Row>> => {
  const contests = await contestsOf((await import(pathToFileURL(join(folder, `${bench}.ts`)).href)) as Bench);
  const rows: Array<Row> = [];
  for (const contest of contests) {
    if (!contest.name.startsWith(`${bench}: `)) throw new Error(`"${contest.name}" does not begin with "${bench}: "`);
    if (!contest.name.includes(options.only ?? "")) continue;
    console.error(`${contest.name} ...`);
    rows.push(await play(contest, rounds));
  }
  return rows;
};

const command = {
  node: ["--expose-gc"],
  deno: ["run", "-A", "--no-check", "--v8-flags=--expose-gc"],
  bun: [],
}[runtimeName];

/** The rows of one bench, played in a process of its own; its other output goes to stderr. */
const playApart = (bench: string, only = options.only): Promise<ReadonlyArray<Row>> =>
  new Promise((done, failed) => {
    const words = [...command, here, bench, "--here", "--from", folder];
    if (only !== undefined) words.push("--only", only);
    if (rounds !== undefined) words.push("--rounds", String(rounds));
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.on("error", failed);
    child.on("close", (code) => {
      const lines = output.trimEnd().split("\n");
      const last = lines.pop() ?? "";
      if (lines.length > 0) console.error(lines.join("\n"));
      if (code !== 0) failed(new Error(`the bench ${bench} ended with code ${code}`));
      else done(JSON.parse(last) as ReadonlyArray<Row>);
    });
  });

const figure = (value: number): string => {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
};
const lineOf = ({ name, unit, ours, peerName, peer, ratio, min, max, aim, missing }: Row): string => {
  const left = `${name.padEnd(52)} ${figure(ours).padStart(12)} ${unit.padEnd(6)}`;
  if (peer === null || ratio === null) return `${left} no peer (${peerName}): ${missing}`;
  const spread = `${figure(min!)} to ${figure(max!)}`;
  const missed = aim !== undefined && ratio < aim ? `  (aim ${aim})` : "";
  return `${left} ${figure(peer).padStart(12)}  ratio ${figure(ratio).padStart(6)}  ${spread.padEnd(14)} ${peerName}${missed}`;
};

/** Holds the rows against the baseline; those that fell are played once more, since a neighbour's work makes one run slow. */
const check = async (rows: ReadonlyArray<Row>): Promise<number> => {
  const baseline = readBaseline(join(folder, "baseline.json"));
  const isFallen = (row: Row) => fallen(baseline, runtimeName, [row]).length > 0;
  const again: Array<Row> = [];
  for (const row of rows.filter(isFallen)) {
    const second = await playApart(row.name.slice(0, row.name.indexOf(":")), row.name);
    again.push(...second.filter(({ name }) => name === row.name));
  }
  for (const { name } of rows)
    if (baseline[runtimeName]?.[name] === undefined) console.error(`bench: no baseline yet for ${name}`);
  const faults = fallen(baseline, runtimeName, again);
  for (const fault of faults) console.error(`bench: ${fault}`);
  return faults.length === 0 ? 0 : 1;
};

const main = async (): Promise<number> => {
  if (options.here) {
    console.log(JSON.stringify(await playHere(named[0]!)));
    return 0;
  }
  const rows: Array<Row> = [];
  for (const bench of named.length === 0 ? benches : named) rows.push(...(await playApart(bench)));
  const print = options.json ? console.error : console.log;
  print(`${runtimeName}: the medians of the rounds; a ratio above 1 means that ours is better`);
  for (const row of rows) print(lineOf(row));
  if (options["write-baseline"]) writeBaseline(join(folder, "baseline.json"), runtimeName, rows);
  const code = options.check ? await check(rows) : 0;
  if (options.json) console.log(JSON.stringify({ runtime: runtimeName, rows }));
  return code;
};

if (options.help || options.list) {
  console.log(options.help ? `${HELP}\n\nBenches: ${benches.join(", ")}` : benches.join("\n"));
  process.exit(0);
}
for (const name of named)
  if (!benches.includes(name)) usage(`nothing is called "${name}"; there are: ${benches.join(", ")}`);
try {
  process.exit(await main());
} catch (error) {
  console.error(`bench: ${options.here ? (error as Error).stack : (error as Error).message}`);
  process.exit(1);
}
