/**
 * What an overlay of many nodes owes, in simulation: the same machines by the hundred, on virtual time. Each law prints the
 * command that replays it when it fails. `npm run simulate` holds larger rings to the same laws.
 */
import * as assert from "node:assert/strict";
import { readSimulateOptions } from "../../runtime/simulate/options.ts";
import { type Simulation, simulate } from "../../runtime/simulate/overlay.ts";
import { routeOnly } from "../../runtime/simulate/routing.ts";
import { longTest, test } from "../kit/harness.ts";

const quiet = { report: () => {}, isStopped: () => false };
const optionsOf = (flags: string) => readSimulateOptions(["overlay", ...flags.split(" ")]);
/** A law over one simulation; a failure names the command that repeats it. */
const law = (name: string, flags: string, holds: (found: Simulation) => void, play = longTest) =>
  play(`simulation: ${name}`, async () => {
    const found = await simulate(optionsOf(flags), quiet);
    try {
      holds(found);
    } catch (error) {
      console.error(`replay: vipr simulate overlay ${flags}\n${JSON.stringify(found)}`);
      throw error;
    }
  });
const atMost = (value: number, most: number, what: string) =>
  assert.ok(value <= most, `${what}: ${value}, over ${most}`);
const atLeast = (value: number, least: number, what: string) =>
  assert.ok(value >= least, `${what}: ${value}, under ${least}`);

for (const [nodes, hopsMax] of [
  [1_024, 10],
  [2_048, 11],
] as const)
  for (const seed of [1, 2])
    test(`simulation: hops over ideal tables, ${nodes} nodes, seed ${seed}`, async () => {
      const half = Math.log2(nodes) / 2;
      const flags = `--nodes ${nodes} --lookups 4000 --routing-only --seed ${seed}`;
      const passing: Array<string> = [];
      const { hops, success } = await routeOnly(optionsOf(flags), {
        ...quiet,
        passing: (text) => passing.push(text()),
      });
      assert.equal(success, 1);
      assert.deepEqual(passing.slice(0, 2), ["0 of 4000 look-ups", "256 of 4000 look-ups"]);
      atMost(hops.max, hopsMax, "the longest way");
      atMost(hops.p99, Math.log2(nodes), "p99");
      atMost(hops.mean, 1.15 * half, "mean, 16 fingers");
      const full = await routeOnly(optionsOf(`${flags} --full-fingers --neighbours 20`), quiet);
      atMost(full.hops.max, hopsMax, "the longest way, full table");
      atMost(full.hops.mean, 0.9 * half, "mean, full table and 20 successors");
    });

// ViPR overview §4
law(
  "a settled ring of nodes goes the ways of the ideal one",
  "--nodes 256 --lookups 1000 --seed 1",
  ({ line }) => {
    assert.equal(line.success, 1);
    assert.equal(line.lostValues, 0);
    atMost(line.hops.max, 8, "the longest way");
    atMost(line.hops.p99, 8, "p99");
    atMost(line.hops.mean, 1.15 * 4, "mean");
  },
  test,
);

const dying = "--nodes 64 --lookups 600 --kill 0.5";
for (const seed of [1, 2])
  law(`half the nodes die at once, seed ${seed}`, `${dying} --seed ${seed}`, ({ line }) => {
    assert.equal(line.success, 1, "no look-up fails, the first of them before the ring has stabilised");
    assert.equal(line.lostValues, 0, "no value with a living replica is lost");
    assert.ok(line.repairSeconds !== null && line.repairSeconds <= 5, `healed after ${line.repairSeconds} s`);
  });

law("ten percent churn a minute", "--nodes 64 --lookups 500 --churn 0.15 --seed 1", ({ line, detail }) => {
  assert.ok(detail.joined >= 5 && detail.left >= 5, "there was churn");
  atLeast(line.success, 0.99, "success");
  assert.equal(line.lostValues, 0);
  assert.ok(line.repairSeconds !== null, "whole at the end");
});

law("two halves cut apart and joined become one ring", "--nodes 24 --lookups 50 --partition --seed 1", ({ line }) => {
  assert.ok(line.repairSeconds !== null, "one ring at the end");
  assert.equal(line.lostValues, 0);
});

// RFC 6940 §10.7
law(
  "a ring built by joining is the ideal one",
  "--nodes 24 --lookups 100 --join --neighbours 4 --seed 1",
  ({ line }) => {
    assert.equal(line.success, 1);
    assert.equal(line.lostValues, 0);
  },
);

law(
  "real signatures and fragments change nothing that is found",
  "--nodes 32 --lookups 100 --signatures ecdsa --fragments 500 --seed 1",
  ({ line }) => {
    assert.equal(line.success, 1);
    assert.equal(line.lostValues, 0);
  },
);

law("lost frames are sent again", "--nodes 64 --lookups 300 --loss 0.02 --seed 1", ({ line, detail }) => {
  assert.ok(detail.lostFrames > 0, "there was loss");
  atLeast(line.success, 0.99, "success");
});

test("simulation: the same seed gives the same line, another seed another", async () => {
  const run = async (seed: number) => {
    const flags = `--nodes 48 --lookups 100 --churn 0.3 --loss 0.01 --kill 0.1 --span 5 --seed ${seed}`;
    const { line } = await simulate(optionsOf(flags), quiet);
    return { ...line, seconds: 0 };
  };
  const first = await run(5);
  assert.deepEqual(await run(5), first);
  assert.notDeepEqual(await run(6), first);
});
