/** The runner of the benches: its line for scripts, a peer that is missing, and what --check says. */
import { match, ok, deepStrictEqual as same } from "node:assert";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "../kit/harness.ts";
import { median, play, type Row, runtimeName, WARM_ROUNDS_MAX } from "./kit.ts";

const words = { node: [], deno: ["run", "-A", "--no-check"], bun: [] }[runtimeName];
const bench = (...args: ReadonlyArray<string>) =>
  spawnSync(process.execPath, [...words, "properties/bench/run.ts", ...args], { encoding: "utf8" });
const rowsOf = (stdout: string): { readonly runtime: string; readonly rows: ReadonlyArray<Row> } => {
  const lines = stdout.trimEnd().split("\n");
  return JSON.parse(lines.at(-1)!);
};

/** In a copy of the tiny bench inside this folder, so that its import of kit.ts holds. */
const withCopy = (use: (folder: string) => void): void => {
  const folder = mkdtempSync(join("properties", "bench", "copy-"));
  try {
    cpSync(join("properties", "bench", "tiny", "tiny.ts"), join(folder, "tiny.ts"));
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

test("bench: --json ends with one line of rows; a missing peer is said and is no error", () => {
  const { status, stdout, stderr } = bench("tiny", "--json", "--rounds", "3", "--from", "properties/bench/tiny");
  same(status, 0, stderr);
  const { runtime, rows } = rowsOf(stdout);
  same(runtime, runtimeName);
  const [fast, big, alone, absent] = rows;
  const rated = (ratio: number) => ({ ratio, min: ratio, max: ratio, rounds: 3 });
  same(fast, { name: "tiny: twice as fast", unit: "1/s", ours: 2, peerName: "one", peer: 1, ...rated(2) });
  same(big, {
    name: "tiny: four times the bytes",
    unit: "B",
    ours: 4,
    peerName: "one",
    peer: 1,
    ...rated(0.25),
    aim: 1,
  });
  const none = { peer: null, ratio: null, min: null, max: null };
  const why = { rounds: 3, missing: "it is not installed" };
  same(alone, { name: "tiny: nobody to race", unit: "1/s", ours: 3, peerName: "nobody", ...none, ...why });
  same([absent?.peer, absent?.missing], [null, "not installed"]);
});

test("bench: the table says what fell short of its aim and who is missing", () => {
  const { stdout } = bench("--from", "properties/bench/tiny", "--only", "b", "--rounds", "1");
  match(stdout, /four times the bytes .* ratio +0\.25 .*\(aim 1\)/);
  match(stdout, /nobody to race .* no peer \(nobody\): it is not installed/);
  ok(!stdout.includes("twice as fast"), stdout);
});

test("bench: --check names each row that fell by more than a fifth, and no other", () => {
  withCopy((folder) => {
    const file = join(folder, "baseline.json");
    const ratios = { "tiny: twice as fast": 2.5, "tiny: four times the bytes": 0.32, "tiny: nobody to race": 9 };
    writeFileSync(file, JSON.stringify({ [runtimeName]: ratios }));
    const fallen = bench("tiny", "--json", "--check", "--rounds", "1", "--from", folder);
    same(fallen.status, 1);
    match(fallen.stderr, /^bench: tiny: four times the bytes: ratio 0\.250, more than 20 % below 0\.320$/m);
    ok(!/^bench: tiny: (twice|nobody)/m.test(fallen.stderr), fallen.stderr);
    same(rowsOf(fallen.stdout).rows.length, 4);
    same(bench("--write-baseline", "--rounds", "1", "--from", folder).status, 0);
    same(JSON.parse(readFileSync(file, "utf8")), {
      [runtimeName]: { ...ratios, "tiny: twice as fast": 2, "tiny: four times the bytes": 0.25 },
    });
    same(bench("tiny", "--check", "--rounds", "1", "--from", folder).status, 0);
  });
});

test("bench: an unknown name or option is a mistake of the caller, and the names are told", () => {
  const unknown = bench("no-such-bench");
  same(unknown.status, 2);
  match(unknown.stderr, /nothing is called "no-such-bench"; there are: .*codec/);
  same(bench("--no-such-option").status, 2);
  same(bench("--rounds", "0").status, 2);
  const help = bench("--help");
  same(help.status, 0);
  match(help.stdout, /--write-baseline[\s\S]*Benches: /);
});

test("bench: the ratio of a row is the median of its rounds, warm-up apart, not the ratio of the medians", async () => {
  const warm = Array.from({ length: WARM_ROUNDS_MAX }, () => 900);
  const ours = [...warm, 1, 6, 3];
  const peers = [...warm.map(() => 1), 1, 1, 3];
  const next = (of: Array<number>) => () => of.shift()!;
  const row = await play({ name: "x", unit: "1/s", peerName: "y", ours: next(ours), peer: next(peers) }, 3);
  same([row.ours, row.peer, row.ratio, row.min, row.max], [3, 1, 1, 1, 6]);
  same([median([4]), median([1, 3]), median([9, 1, 5])], [4, 2, 5]);
});
