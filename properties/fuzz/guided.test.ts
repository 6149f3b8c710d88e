/** Searches that are led by coverage: they find what chance does not, and what they have found before still holds. */
import { ok, deepStrictEqual as same } from "node:assert";
import { test } from "../kit/harness.ts";
import { knownPower } from "../tls/duel.ts";
import { corpusOf } from "./guided/corpus.ts";
import { loadInstrumented } from "./guided/instrument.ts";
import { CoverageSearch, minimised } from "./guided/search.ts";
import { seedsOf } from "./guided/seeds.ts";
import type { Feed } from "./guided/targets.ts";
import * as targets from "./guided/targets.ts";

const feedOf = (name: string): Feed => (targets as unknown as Readonly<Record<string, Feed>>)[name]!;
const TOY = new URL("./guided/toy.ts", import.meta.url);
const TARGETS = new URL("./guided/targets.ts", import.meta.url);
const SHORT_EXECUTIONS = 500;

test("coverage: six bytes compared one after the other are found, made small, and found again by the seed", async () => {
  const found: Array<readonly [number, ReadonlyArray<number>]> = [];
  const { module, counters, end } = await loadInstrumented<{ readonly toy: Feed }>(TOY, ["toy"]);
  for (const seed of [1, 1, 2]) {
    const search = new CoverageSearch({ feed: module.toy, counters, seeds: [], seed });
    while (search.crashers.size === 0 && search.executions < 2_000_000) search.run(1_000);
    found.push([search.executions, [...[...search.crashers.values()][0]!.bytes]]);
    ok(minimised(search.corpus, { feed: module.toy, counters }, 60, 100).length < 10);
  }
  end();
  same(
    found.map(([, bytes]) => bytes),
    Array(3).fill([0x56, 0x69, 0x50, 0x52, 0x00, 0xff]),
  );
  same(found[0], found[1]);
  ok(found[0]![0] !== found[2]![0]);
});

test("coverage: work that grows faster than its input is a broken law", async () => {
  const { module, counters, end } = await loadInstrumented<{ readonly slow: Feed }>(TOY, ["slow"]);
  const of = (size: number) => {
    const search = new CoverageSearch({ feed: module.slow, counters, seeds: [new Uint8Array(size)], seed: 1 });
    return [...search.crashers.values()].map(({ why }) => why.replace(/\d+/g, "N"));
  };
  end();
  same([of(100), of(5_000)], [[], ["N branches and calls for N bytes"]]);
});

test("coverage: what descriptions are compiled to is searched too, and a short run breaks nothing", async () => {
  for (const name of ["vap", "sip"]) {
    const { bytes } = seedsOf[name]!();
    const { module, counters, end } = await loadInstrumented<Readonly<Record<string, any>>>(TARGETS, [
      name,
      "powersAre",
    ]);
    module.powersAre((base: bigint, exponent: bigint) => knownPower(base, exponent, 1_024));
    const search = new CoverageSearch({ feed: module[name], counters, seeds: bytes.slice(0, 40), seed: 1 });
    const before = search.covered;
    search.run(SHORT_EXECUTIONS);
    end();
    same([name, [...search.crashers.values()]], [name, []]);
    ok(search.covered > before, `${name}: nothing new in ${SHORT_EXECUTIONS} executions`);
    // Bun's `new Function` is not the one that was put in its place: DECISIONS.md D-263.
    if (name === "vap" && !("Bun" in globalThis)) ok(counters.length > 1, "the compiled reader has no counters");
  }
});

test("corpus: what searches have kept, and what has crashed once, holds", () => {
  targets.powersAre((base, exponent) => knownPower(base, exponent, 1_024));
  for (const [name, seeds] of Object.entries(seedsOf)) {
    seeds();
    const { inputs, crashers } = corpusOf(name);
    for (const bytes of [...inputs, ...crashers.map((one) => one.bytes)]) feedOf(name)(bytes.slice());
  }
});
