/**
 * `vipr vcr` against a server: each call of the files arrives, once, over kills, rotations and a server that is away.
 * VIPR_KILLS is how many random kills the follower gets (100 takes some minutes), VIPR_SEED where they fall.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { appendFileSync, copyFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { chanceOf } from "../../runtime/memory.ts";
import { printAsterisk } from "../cdr/print.ts";
import { test } from "../kit/harness.ts";
import { start, until, vipr } from "./processes.ts";
import { recordCompany, withRecordServer } from "./vcr-server.ts";

const MASTER = new URL("../vectors/records/asterisk/Master-main.csv", import.meta.url).pathname;
const SEED = Number(process.env.VIPR_SEED ?? 11);
const KILLS = Number(process.env.VIPR_KILLS ?? 2);
/** How long nothing may come while what was written meanwhile is caught up with. */
const QUIET_MS_MAX = 60_000;
const LOOK_MS = 500;
const EPOCH_MS = Date.parse("2026-11-30T00:00:00Z");

const stamp = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");
/** The n-th call of a made-up file: its called number is the n. */
const rowOf = (n: number): string => {
  const startMs = EPOCH_MS + n * 1000;
  const called = `+4930${5_000_000 + n}`;
  const times = [
    stamp(startMs),
    stamp(startMs + 2_000),
    stamp(startMs + 32_000),
    "32",
    "30",
    "ANSWERED",
    "DOCUMENTATION",
  ];
  const channel = (n + 1).toString(16).padStart(8, "0");
  const head = [
    "",
    "+14085550201",
    called,
    "from-phones",
    '"Jürgen" <+14085550201>',
    `PJSIP/201-${channel}`,
    `PJSIP/trunk1-${channel}`,
  ];
  return printAsterisk([...head, "Dial", `PJSIP/${called}@trunk1,20`, ...times, `${Math.floor(startMs / 1000)}.${n}`]);
};
const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => rowOf(from + i)).join("");
const numbersOf = (taken: ReadonlyArray<{ readonly called: string }>) =>
  taken.map(({ called }) => Number(called.slice(5)) - 5_000_000);
const sorted = (numbers: ReadonlyArray<number>) => [...numbers].sort((a, b) => a - b);
const distinctOf = (taken: ReadonlyArray<{ readonly called: string }>) => [...new Set(sorted(numbersOf(taken)))];
/** Ended politely, the program has heard of every acknowledgement. */
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

test("vcr import: a file's calls arrive, and none of them again when it is imported again, under another name or longer", () =>
  withRecordServer(async (folder, server) => {
    await server.up();
    const options = recordCompany(folder, server.port);
    const first = await vipr(["vcr", "import", MASTER, "--json", ...options]);
    same(first.code, 0, first.err);
    const { summary } = JSON.parse(first.out.trim().split("\n").at(-1)!);
    same([summary.rows, summary.calls, summary.acknowledged, server.taken.length], [136, 76, 76, 76]);
    const copy = join(folder, "Master.csv.1");
    copyFileSync(MASTER, copy);
    const again = await vipr(["vcr", "import", copy, "--json", ...options]);
    same([again.code, JSON.parse(again.out).summary.rows, server.taken.length], [0, 0, 76]);
    appendFileSync(copy, rowOf(5));
    const longer = await vipr(["vcr", "import", copy, "--json", ...options]);
    same(JSON.parse(longer.out.trim().split("\n").at(-1)!).summary.calls, 1);
    same(numbersOf(server.taken.slice(76)), [5]);
  }));

test("vcr import: while the server is away the records wait on disk; a run that is killed goes on", () =>
  withRecordServer(async (folder, server) => {
    const options = recordCompany(folder, server.port);
    const file = join(folder, "Master.csv");
    writeFileSync(file, rows(0, 300));
    const run = start(["vcr", "import", file, "--json", ...options]);
    await run.said(/"call".*\+49305000299/);
    await run.kill("SIGKILL");
    await server.up();
    const after = await vipr(["vcr", "import", file, "--json", ...options]);
    same(after.code, 0, after.err);
    same(sorted(numbersOf(server.taken)), upTo(300));
  }));

/** Calls are complete ten minutes after their rows: those of a file from the past at once, but for the newest of it. */
const PAST = 700;

test("vcr follow: renamed, copied away and truncated, removed, cut within a character: every call arrives, once", () =>
  withRecordServer(async (folder, server) => {
    await server.up();
    const options = recordCompany(folder, server.port);
    const file = join(folder, "Master.csv");
    const follower = start(["vcr", "follow", file, "--json", ...options]);
    await follower.said(/follows/);
    const arrived = (n: number) => until(async () => (server.taken.length >= n ? true : undefined), `${n} calls`);
    const bytes = Buffer.from(rows(0, 400));
    // The name in each row has a letter of two bytes: the cut goes through one.
    const cut = bytes.indexOf(0xc3, 20_000) + 1;
    writeFileSync(file, bytes.subarray(0, cut));
    await new Promise((resolve) => setTimeout(resolve, 600));
    appendFileSync(file, bytes.subarray(cut));
    appendFileSync(file, rows(400, 2_000));
    await arrived(2_000 - PAST);
    renameSync(file, `${file}.1`);
    appendFileSync(`${file}.1`, rows(2_000, 2_100)); // by a writer that has it open still
    writeFileSync(file, rows(2_100, 3_000));
    await arrived(3_000 - PAST);
    copyFileSync(file, `${file}.2`);
    appendFileSync(`${file}.2`, rows(3_000, 3_050)); // written between our last look and the truncation
    truncateSync(file, 0);
    appendFileSync(file, rows(3_050, 3_900));
    await arrived(3_900 - PAST);
    rmSync(file);
    await new Promise((resolve) => setTimeout(resolve, 600));
    writeFileSync(file, rows(3_900, 5_000));
    await arrived(5_000 - PAST);
    await follower.kill("SIGTERM");
    // The rest waits for rows of its own; an import of nothing new takes it for complete.
    same((await vipr(["vcr", "import", file, ...options])).code, 0);
    same(sorted(numbersOf(server.taken)), upTo(5_000));
  }));

test(`vcr follow: killed ${KILLS} times at random, under load, with a server that comes and goes: nothing lost, nothing twice`, () =>
  withRecordServer(async (folder, server) => {
    const chance = chanceOf(SEED);
    const options = recordCompany(folder, server.port);
    const file = join(folder, "Master.csv");
    writeFileSync(file, "");
    let [written, isUp, isWriting] = [0, false, true];
    const writer = (async () => {
      let rest = Buffer.alloc(0);
      for (; isWriting || rest.length > 0; await new Promise((resolve) => setTimeout(resolve, 20))) {
        const more = isWriting ? chance.between(0, 8) : 0;
        rest = Buffer.concat([rest, Buffer.from(rows(written, written + more))]);
        written += more;
        const size = isWriting ? Math.min(rest.length, chance.between(1, 6_000)) : rest.length;
        appendFileSync(file, rest.subarray(0, size));
        rest = rest.subarray(size);
        if (chance.between(0, 199) === 0 && rest.length === 0) renameSync(file, `${file}.${written}`);
      }
    })();
    for (let kill = 0; kill < KILLS; kill++) {
      if (chance.between(0, 2) > 0 !== isUp) {
        await (isUp ? server.down() : server.up());
        isUp = !isUp;
      }
      const follower = start(["vcr", "follow", file, "--json", ...options]);
      await follower.said(/follows/);
      await new Promise((resolve) => setTimeout(resolve, chance.between(0, 1_500)));
      await follower.kill("SIGKILL");
    }
    isWriting = false;
    await writer;
    if (!isUp) await server.up();
    // A call of much later completes all before it: the follower alone, renamed files and all, has to bring them.
    const later = written + 2 * PAST;
    appendFileSync(file, rowOf(later));
    const last = start(["vcr", "follow", file, "--json", ...options]);
    const distinct = () => distinctOf(server.taken);
    for (let [quietMs, count] = [0, 0]; distinct().length < written && quietMs < QUIET_MS_MAX; ) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      quietMs = server.taken.length > count ? 0 : quietMs + LOOK_MS;
      count = server.taken.length;
    }
    await last.kill("SIGTERM");
    same(
      distinct().filter((n) => n !== later),
      upTo(written),
    );
    same((await vipr(["vcr", "import", file, ...options])).code, 0);
    await server.down();
    same(distinct(), [...upTo(written), later]);
    // What was acknowledged at the moment of a kill may come again as the same record, which the server takes for one.
    const keys = new Map<string, number>();
    for (const { called, startMs, stopMs } of server.taken) {
      same([startMs, stopMs], [EPOCH_MS + (Number(called.slice(5)) - 5_000_000) * 1000 + 2_000, startMs + 30_000]);
      keys.set(called, (keys.get(called) ?? 0) + 1);
    }
    ok([...keys.values()].filter((count) => count > 1).length <= KILLS * 256, "no more than what was under way");
  }));

test("agent: without agent.listen it follows the exchange's record file, and goes on where it was killed", () =>
  withRecordServer(async (folder, server) => {
    await server.up();
    const file = join(folder, "Master.csv");
    const [, config] = recordCompany(folder, server.port, `file = "${file}"`);
    const args = ["agent", "--config", config!, "--set", `data=${join(folder, "company")}`];
    const first = start(args);
    await first.said(/^records +.*Master\.csv$/m);
    writeFileSync(file, rows(0, 20));
    await until(async () => (server.taken.length === 20 ? true : undefined), "twenty records");
    await first.kill("SIGKILL");
    appendFileSync(file, rows(20, 40));
    const second = start(args);
    const distinct = () => distinctOf(server.taken);
    await until(async () => (distinct().length >= 40 ? true : undefined), "the rows of meanwhile");
    await second.kill("SIGTERM");
    same(distinct(), upTo(40));
    // The kill may fall between an acknowledgement's leaving and its being kept: those of the first twenty may come again.
    ok(server.taken.length <= 60, "no more than what was under way");
  }));
