/**
 * Kills the processes of two companies at random moments under load, and looks afterwards into their stores from outside:
 * each call record whose upload was acknowledged is there, once. DECISIONS.md D-202. The tickets that were told: tickets.ts.
 *
 *   npm run crash -- [--rounds N] [--seed S] [--store sqlite|postgres] [--kill-postgres | --disk-full] [--json]
 *   npm run crash -- --machines 3 --store postgres ...                                 cluster-run.ts
 *
 * A round: some time under load, then one to three of the processes die by SIGKILL, the stores of dead servers are read, all
 * is started again, and every agent has an upload acknowledged. The last line is
 * {"rounds":N,"acknowledged":n,"lost":0,"duplicated":0,"tickets":0,"seconds":x}, `tickets` what was wrong with them.
 * Exit codes: 0, 1 (something is lost, doubled or wrong), 2 (usage). SIGINT ends it after the round that is played, with that line.
 */
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { Effect, Exit, Scope } from "effect";
import { chanceOf } from "../../runtime/memory.ts";
import { startPostgres, type TestPostgres } from "../kit/postgres.ts";
import { COMPANIES, type Company } from "./calls.ts";
import { type Found, faultsIn, goesOn, keptOf, sleep, storeOf } from "./check.ts";
import { runCluster } from "./cluster-run.ts";
import { openTickets } from "./tickets.ts";
import { openWorld } from "./world.ts";

const HELP = `usage: npm run crash -- [options]

  --rounds N               default 20
  --seed S                 of what is killed, and when
  --store sqlite|postgres  of both servers; postgres starts one of its own
  --machines N             of company a, 1 to 5; more than one are a cluster, which needs --store postgres
  --kill-postgres          PostgreSQL is among those that are killed, and started again after up to 2 s
  --disk-full              b's directory is a small file system in memory, which is full now and then (sqlite, as root)
  --every MS               between two uploads of each of the 8 that an agent has under way (default 100)
  --json                   the last line alone`;

const OPTIONS = {
  rounds: { type: "string", default: "20" },
  seed: { type: "string", default: "1" },
  store: { type: "string", default: "sqlite" },
  machines: { type: "string", default: "1" },
  every: { type: "string", default: "100" },
  "kill-postgres": { type: "boolean", default: false },
  "disk-full": { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

const usage = (why: string): never => {
  console.error(`crash: ${why}`);
  process.exit(2);
};
const read = () => {
  try {
    return parseArgs({ args: process.argv.slice(2), options: OPTIONS }).values;
  } catch (error) {
    return usage((error as Error).message);
  }
};
const values = read();
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const whole = (name: "rounds" | "seed" | "every" | "machines"): number => {
  const number = Number(values[name]);
  return Number.isInteger(number) && number >= 0 ? number : usage(`--${name} wants a whole number`);
};
const MACHINES_MAX = 5;
const [rounds, seed, everyMs, machines] = [whole("rounds"), whole("seed"), whole("every"), whole("machines")];
if (machines < 1 || machines > MACHINES_MAX) usage(`--machines wants 1 to ${MACHINES_MAX}`);
if (machines > 1 && values.store !== "postgres")
  usage("--machines wants --store postgres: a file belongs to one server");
if (values.store !== "sqlite" && values.store !== "postgres") usage(`--store wants sqlite or postgres`);
if (values["kill-postgres"] && values.store !== "postgres") usage("--kill-postgres wants --store postgres");
if (values["disk-full"] && (values.store !== "sqlite" || process.getuid?.() !== 0))
  usage("--disk-full wants --store sqlite and root, who may mount");

const LOAD_MS = [200, 1_200] as const;
const DEAD_MS_MAX = 300;
const AWAY_MS_MAX = 2_000;
const tell = (line: string) => values.json || console.log(line);

let isInterrupted = false;
process.once("SIGINT", () => {
  isInterrupted = true;
  console.error("crash: ends after this round; a second signal ends it at once");
});

let played = 0;
const lost = new Set<string>();
const doubled = new Set<string>();
let wrongTickets: ReadonlySet<string> = new Set();

const compare = (company: Company, kept: ReadonlySet<number>, found: Found): void => {
  const faults = faultsIn(kept, found);
  for (const n of faults.lost) lost.add(`${company} ${n}`);
  for (const n of faults.doubled) doubled.add(`${company} ${n}`);
};

const SMALL_MIB = 64;
const FULL_MS = [300, 2_000] as const;

const withSmallDisk = async <A>(folder: string, use: () => Promise<A>): Promise<A> => {
  if (!values["disk-full"]) return use();
  mkdirSync(folder, { mode: 0o700 });
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${SMALL_MIB}m,mode=0700`, "tmpfs", folder]);
  try {
    return await use();
  } finally {
    execFileSync("umount", [folder]);
  }
};

/** To the last byte; gives what makes room again. */
const fill = (folder: string): (() => void) => {
  const ballast = join(folder, "ballast");
  try {
    for (const chunk = new Uint8Array(65_536); ; ) appendFileSync(ballast, chunk);
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOSPC") throw error;
  }
  return () => rmSync(ballast);
};

const run = async (root: string, pg: TestPostgres | undefined): Promise<number> => {
  const chance = chanceOf(seed);
  const isSo = (probability: number) => chance.next() < probability;
  const world = await openWorld(root, pg, everyMs);
  // Chance of its own: what is killed and when stays as the seed had it.
  const ofTickets = chanceOf(seed + 1);
  const tickets = await openTickets(root, world.data("a"), (probability) => ofTickets.next() < probability);
  wrongTickets = tickets.faults;
  try {
    await goesOn(world);
    for (let round = 1; round <= rounds && !isInterrupted; round++) {
      played = round;
      if (values["disk-full"] && isSo(0.4)) {
        const free = fill(world.data("b"));
        await sleep(chance.between(...FULL_MS));
        free();
        tell(`round ${round}: b's disk was full`);
      }
      await sleep(chance.between(...LOAD_MS));
      const servers = COMPANIES.filter(() => isSo(0.5));
      const agents = COMPANIES.filter(() => isSo(0.3));
      const [isAuthority, isPostgres] = [isSo(0.1), values["kill-postgres"] && isSo(0.3)];
      if (servers.length + agents.length === 0) servers.push(COMPANIES[chance.between(0, 1)]!);
      if (isPostgres) await pg!.kill("SIGKILL");
      await Promise.all([
        ...servers.map(world.killServer),
        ...agents.map((company) => world.agents[company].kill()),
        ...(isAuthority ? [world.restartAuthority()] : []),
      ]);
      if (isPostgres) {
        await sleep(chance.between(0, AWAY_MS_MAX));
        await pg!.start();
      }
      for (const company of servers) compare(company, keptOf(world, company), storeOf(world, pg, company));
      await sleep(chance.between(0, DEAD_MS_MAX));
      await Promise.all(servers.map(world.startServer));
      for (const company of agents) world.agents[company].start();
      await goesOn(world);
      const all = COMPANIES.reduce((sum, company) => sum + world.agents[company].acknowledged.size, 0);
      const killed = [
        ...servers.map((company) => `server ${company}`),
        ...agents.map((company) => `agent ${company}`),
        ...(isAuthority ? ["authority"] : []),
        ...(isPostgres ? ["PostgreSQL"] : []),
        ...(await tickets.round(world.agents.b.learned)),
      ];
      tell(`round ${round}: ${killed.join(", ")}; ${all} acknowledged, ${lost.size} lost, ${doubled.size} doubled`);
      if (lost.size + doubled.size + wrongTickets.size > 0) break;
    }
    const before = COMPANIES.map((company) => keptOf(world, company));
    await world.end();
    COMPANIES.forEach((company, i) => compare(company, before[i]!, storeOf(world, pg, company)));
    tell(
      `routes told: ${COMPANIES.map((company) => `${company} ${toldOf(world.agents[company].learned)}`).join("; ")}`,
    );
    return COMPANIES.reduce((sum, company) => sum + world.agents[company].acknowledged.size, 0);
  } finally {
    await tickets.end();
    await world.end();
  }
};

const cluster = async (root: string, pg: TestPostgres) => {
  const killsPostgres = values["kill-postgres"];
  const isStopped = () => isInterrupted;
  const found = await runCluster(root, pg, { machines, rounds, seed, everyMs, killsPostgres, tell, isStopped });
  played = found.rounds;
  for (const one of found.lost) lost.add(one);
  for (const one of found.doubled) doubled.add(one);
  const { acknowledged, asked, askedTwice, dropped } = found;
  if (askedTwice > 0) doubled.add(`${askedTwice} calls that claimants were asked about twice`);
  const takeoverSeconds = Math.round(found.takeoverMsMax / 100) / 10;
  return { acknowledged, asked, askedTwice, dropped, takeoverSeconds };
};

const toldOf = (learned: ReadonlyArray<string>): string => {
  const numbers = new Set(learned.map((one) => one.split(" ")[0]));
  return `${learned.length} of ${numbers.size} numbers, ${new Set(learned).size} tickets`;
};

const root = mkdtempSync(join(tmpdir(), "vipr-crash-"));
const scope = await Effect.runPromise(Scope.make());
const from = performance.now();
let code = 1;
try {
  const pg = values.store === "postgres" ? await Effect.runPromise(Scope.provide(startPostgres(), scope)) : undefined;
  const { acknowledged, ...more } =
    machines === 1
      ? { acknowledged: await withSmallDisk(join(root, "b"), () => run(root, pg)) }
      : await cluster(root, pg!);
  for (const [what, those] of [
    ["lost", lost],
    ["doubled", doubled],
    ["wrong tickets", wrongTickets],
  ] as const)
    if (those.size > 0) console.error(`crash: ${what}: ${[...those].slice(0, 20).join(", ")}; seed ${seed}`);
  const seconds = Math.round((performance.now() - from) / 100) / 10;
  const [duplicated, wrong] = [doubled.size, wrongTickets.size];
  const counted = { rounds: played, acknowledged, lost: lost.size, duplicated, tickets: wrong, seconds };
  console.log(JSON.stringify({ ...counted, ...more }));
  code = lost.size + duplicated + wrong === 0 ? 0 : 1;
} catch (error) {
  console.error(`crash: ${(error as Error).stack}`);
} finally {
  await Effect.runPromise(Scope.close(scope, Exit.void));
  rmSync(root, { recursive: true, force: true });
}
process.exit(code);
