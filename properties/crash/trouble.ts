/**
 * One trouble that lasts, under load: clear refusals meanwhile, recovery by itself, nothing acknowledged lost or doubled.
 *
 *   npm run trouble -- clock|postgres-away|wal-full|disk-full [--seconds N] [--store sqlite|postgres]
 *
 *   clock           the servers' clock is put forward by an hour, back, back by an hour, and right again (Debian's faketime)
 *   postgres-away   PostgreSQL is killed, and started again after N seconds
 *   wal-full        the disk of PostgreSQL's write-ahead log is full: it ends; after N seconds there is room, and it is started
 *   disk-full       the disk of b's SQLite is full for N seconds
 *
 * Then the servers are killed and their stores read, as in the crash run. The last line is {"trouble","seconds","acknowledged",
 * "lost":0,"duplicated":0,"refused":{...},"backMs"}: refusals by code and reason, and how long after the end of the trouble an
 * upload of each company was acknowledged. Exit codes: 0, 1, 2 (usage), 3 (this machine cannot have that trouble).
 */

import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { Effect, Exit, Scope } from "effect";
import { ownMounts } from "../kit/mounts.ts";
import { startPostgres, type TestPostgres } from "../kit/postgres.ts";
import { COMPANIES } from "./calls.ts";
import { faultsIn, goesOn, keptOf, sleep, storeOf } from "./check.ts";
import { openWorld, type World } from "./world.ts";

const TROUBLES = ["clock", "postgres-away", "wal-full", "disk-full"] as const;
type Trouble = (typeof TROUBLES)[number];
const FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
const EVERY_MS = 100;
const BEFORE_MS = 2_000;
const HOUR_S = 3_600;
const SMALL_MIB = { b: 64, wal: 48 } as const;
const IN_NAMESPACE = "VIPR_TROUBLE_MOUNTS";

const stop = (code: number, why: string): never => {
  console.error(`trouble: ${why}`);
  process.exit(code);
};
const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: { seconds: { type: "string", default: "30" }, store: { type: "string", default: "sqlite" } },
});
const trouble = TROUBLES.find((one) => one === positionals[0]) as Trouble;
const seconds = Number(values.seconds);
if (trouble === undefined || !(seconds > 0)) stop(2, `wants one of ${TROUBLES.join(", ")}, and --seconds N`);
const isPostgres = trouble === "postgres-away" || trouble === "wal-full" || values.store === "postgres";
if (trouble === "clock" && !existsSync(FAKETIME)) stop(3, "faketime is not installed: .ci/setup");

/** Its disks go with this process: in a mount namespace of its own. */
const needsDisk = trouble === "wal-full" || trouble === "disk-full";
if (needsDisk && process.env[IN_NAMESPACE] === undefined) {
  const own = "Deno" in globalThis ? ["run", "-A"] : [];
  const [program, ...words] = [...ownMounts, process.execPath, ...own, new URL(import.meta.url).pathname];
  const env = { ...process.env, [IN_NAMESPACE]: "1" };
  const { status } = spawnSync(program!, [...words, ...process.argv.slice(2)], { stdio: "inherit", env });
  process.exit(status ?? 1);
}
const smallDisk = (folder: string, mib: number, mode = "0700"): void => {
  mkdirSync(folder, { mode: 0o700 });
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mib}m,mode=${mode}`, "tmpfs", folder]);
};

/** To the last byte; gives what makes room again. */
const fill = (folder: string): (() => void) => {
  const ballast = join(folder, "ballast");
  try {
    for (const chunk = new Uint8Array(4_096); ; ) appendFileSync(ballast, chunk);
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOSPC") throw error;
  }
  return () => rmSync(ballast);
};

interface Scene {
  readonly root: string;
  readonly world: World;
  readonly pg: TestPostgres | undefined;
  readonly clock: string;
}

const troubles: Readonly<Record<Trouble, (scene: Scene) => Promise<void>>> = {
  clock: async ({ clock, world }) => {
    for (const offset of [HOUR_S, 0, -HOUR_S, 0]) {
      writeFileSync(clock, `${offset < 0 ? "" : "+"}${offset}\n`);
      await sleep((seconds * 1_000) / 4);
      console.log(`clock ${offset} s: goes on within ${await goesOn(world)} ms`);
    }
  },
  "postgres-away": async ({ pg }) => {
    await pg!.kill("SIGKILL");
    await sleep(seconds * 1_000);
    await pg!.start();
  },
  "wal-full": async ({ pg, root }) => {
    const free = fill(join(root, "wal"));
    const from = performance.now();
    try {
      for (let i = 0; i < 16; i++) pg!.sql(pg!.url, "SELECT pg_switch_wal(), pg_logical_emit_message(false, '', 'x')");
      stop(1, "PostgreSQL has room for its log on a full disk");
    } catch {
      console.log("PostgreSQL has ended for want of room");
    }
    await sleep(Math.max(0, seconds * 1_000 - (performance.now() - from)));
    free();
    await pg!.start(); // as a service manager would
  },
  "disk-full": async ({ world }) => {
    const free = fill(world.data("b"));
    await sleep(seconds * 1_000);
    free();
  },
};

const root = mkdtempSync(join(tmpdir(), "vipr-trouble-"));
const scope = await Effect.runPromise(Scope.make());
let code = 1;
try {
  const clock = join(root, "clock");
  writeFileSync(clock, "+0\n");
  if (trouble === "disk-full") smallDisk(join(root, "b"), SMALL_MIB.b);
  const wal = join(root, "wal");
  if (trouble === "wal-full") {
    chmodSync(root, 0o755); // PostgreSQL is another user
    smallDisk(wal, SMALL_MIB.wal, "0755");
    mkdirSync(join(wal, "pg"));
  }
  const pg = isPostgres
    ? await Effect.runPromise(
        Scope.provide(startPostgres(trouble === "wal-full" ? { wal: join(wal, "pg") } : {}), scope),
      )
    : undefined;
  const env =
    trouble === "clock"
      ? {
          LD_PRELOAD: FAKETIME,
          FAKETIME_TIMESTAMP_FILE: clock,
          FAKETIME_CACHE_DURATION: "1",
          FAKETIME_DONT_FAKE_MONOTONIC: "1",
        }
      : {};
  const world = await openWorld(root, pg, EVERY_MS, env);
  try {
    await goesOn(world);
    await sleep(BEFORE_MS);
    const all = () => COMPANIES.reduce((sum, company) => sum + world.agents[company].acknowledged.size, 0);
    const before = all();
    await troubles[trouble]({ root, world, pg, clock });
    const meanwhile = all() - before;
    const backMs = await goesOn(world);
    await sleep(BEFORE_MS);
    const kept = COMPANIES.map((company) => keptOf(world, company));
    const refused = COMPANIES.flatMap((company) => [...world.agents[company].refused]);
    const acknowledged = all();
    await Promise.all(COMPANIES.map(world.killServer));
    const faults = COMPANIES.map((company, i) => faultsIn(kept[i]!, storeOf(world, pg, company)));
    const lost = faults.reduce((sum, { lost }) => sum + lost.length, 0);
    const duplicated = faults.reduce((sum, { doubled }) => sum + doubled.length, 0);
    const counted: Record<string, number> = {};
    for (const [why, count] of refused) counted[why] = (counted[why] ?? 0) + count;
    console.log(
      JSON.stringify({ trouble, seconds, acknowledged, meanwhile, lost, duplicated, refused: counted, backMs }),
    );
    code = lost + duplicated === 0 ? 0 : 1;
  } finally {
    await world.end();
  }
} catch (error) {
  console.error(`trouble: ${(error as Error).stack}`);
} finally {
  await Effect.runPromise(Scope.close(scope, Exit.void));
  for (const disk of needsDisk ? [join(root, "b"), join(root, "wal")] : [])
    if (existsSync(disk)) spawnSync("umount", [disk], { stdio: "ignore" });
  rmSync(root, { recursive: true, force: true });
}
process.exit(code);
