/**
 * Searches led by coverage, of our decoders, SIP, call records, XML and both TLS machines, with a corpus that is kept.
 *
 *   npm run fuzz -- [--target NAME] [--executions N] [--minutes M] [--seed S] [--keep]
 *
 * N executions of each target (100,000), but all together no longer than M minutes, shared equally. --keep writes the corpus, minimised, to properties/fuzz/corpus. A broken law is shown with
 * its bytes and kept there as a crasher, under a name that is made of the reason. Exit code 1 then. The last line is JSON.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { knownPower } from "../../tls/duel.ts";
import { corpusOf, keepCorpus, keepCrasher } from "./corpus.ts";
import { loadInstrumented } from "./instrument.ts";
import { CoverageSearch, minimised } from "./search.ts";
import { seedsOf } from "./seeds.ts";
import type { Feed } from "./targets.ts";

const SLICE = 1_000;
const SHOW_MS = 10_000;
const INPUTS_MAX = 60;
const INPUT_BYTES_MAX = 1_024;

const { values } = parseArgs({
  options: {
    target: { type: "string", default: "" },
    executions: { type: "string", default: "100000" },
    minutes: { type: "string", default: "1000000" },
    seed: { type: "string", default: String(process.pid) },
    keep: { type: "boolean", default: false },
  },
});
const executions = Number(values.executions);
const minutes = Number(values.minutes);
const seed = Number(values.seed);
const names = Object.keys(seedsOf).filter((name) => values.target === "" || name === values.target);
if (names.length === 0 || !(executions > 0) || !(minutes > 0) || !Number.isSafeInteger(seed)) {
  console.error(
    `usage: npm run fuzz -- [--target ${Object.keys(seedsOf).join("|")}] [--executions N] [--minutes M] [--seed S] [--keep]`,
  );
  process.exit(2);
}

interface Module {
  readonly powersAre: (powers: (base: bigint, exponent: bigint) => bigint | undefined) => void;
  readonly [target: string]: unknown;
}
const targets = new URL("./targets.ts", import.meta.url);

let [broken, total] = [0, 0];
const startedMs = performance.now();
for (const name of names) {
  // Before anything is compiled with counters: what makes the seeds has none.
  const { bytes, marks } = seedsOf[name]!();
  const { module, counters, end } = await loadInstrumented<Module>(targets, [name, "powersAre"]);
  const feed = module[name] as Feed;
  module.powersAre((base, exponent) => knownPower(base, exponent, 1_024));
  const kept = corpusOf(name);
  const search = new CoverageSearch({
    feed,
    counters,
    seeds: [...bytes, ...kept.inputs, ...kept.crashers.map((one) => one.bytes)],
    marks: marks?.map((mark) => new TextEncoder().encode(mark)),
    seed,
  });
  const begunMs = performance.now();
  let shownMs = begunMs;
  const line = () => {
    const seconds = (performance.now() - begunMs) / 1_000;
    const [covered, inputs] = [search.covered, search.corpus.length];
    return { target: name, executions: search.executions, covered, inputs, seconds: Math.round(seconds * 10) / 10 };
  };
  const untilMs = begunMs + (minutes * 60_000) / names.length;
  while (search.executions < executions && performance.now() < untilMs) {
    search.run(Math.min(SLICE, executions - search.executions));
    if (performance.now() - shownMs < SHOW_MS) continue;
    shownMs = performance.now();
    process.stderr.write(`${JSON.stringify(line())}\n`);
  }
  total += search.executions;
  console.log(`${search.crashers.size === 0 ? "held  " : "BROKEN"} ${JSON.stringify(line())}`);
  for (const { bytes, why } of search.crashers.values()) {
    broken += 1;
    console.log(`       ${why.split("\n").slice(0, 12).join("\n       ")}\n       ${keepCrasher(name, why, bytes)}`);
  }
  if (values.keep) keepCorpus(name, minimised(search.corpus, { feed, counters }, INPUTS_MAX, INPUT_BYTES_MAX));
  end();
}
const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
console.log(JSON.stringify({ targets: names.length, executions: total, seed, seconds, broken }));
process.exitCode = broken > 0 ? 1 : 0;
