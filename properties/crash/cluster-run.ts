/**
 * The crash run with several machines: servers of company a's cluster are killed, frozen and cut off from each other and from
 * PostgreSQL under load, and PostgreSQL tells afterwards what has become of each record, by triggers of this run's own.
 *
 *   sent ------> vcrSent --removed--> vcrAsked    each at most once for a call: nobody is asked about a call twice; a row that is
 *                             |                   removed again is an asking that reached nobody
 *                             '-----> neither     dropped: its look-up failed, or too many calls of its relation waited
 *   received --> vcrReceived
 */
import process from "node:process";
import { chanceOf } from "../../runtime/memory.ts";
import type { TestPostgres } from "../kit/postgres.ts";
import { inPostgres } from "./check.ts";
import { agentOf, clusterRecord, isFromA } from "./cluster-calls.ts";
import { type ClusterAgent, type ClusterWorld, type Machine, openClusterWorld, SCHEMA_A } from "./cluster-world.ts";

const LOAD_MS = [500, 3_000] as const;
const DOWN_MS_MAX = 2_000;
/** Servers start slowly where more than the processors can do is wanted of them. */
const WAIT_MS_MAX = 240_000;
/** Longer than members may be without a beat: the others take the server for dead. */
const FROZEN_MS = [9_000, 12_000] as const;
const CUT_MS = [300, 12_000] as const;
/** Until who holds a part has read what was written by the others. */
const SETTLE_MS = 4_000;
const SETTLE_MS_MAX = 60_000;
const SHARDS = 64;

export interface ClusterRunOptions {
  readonly machines: number;
  readonly rounds: number;
  readonly seed: number;
  readonly everyMs: number;
  readonly killsPostgres: boolean;
  readonly tell: (line: string) => void;
  /** Asked before each round: no more of them. */
  readonly isStopped: () => boolean;
}
export interface ClusterRunResult {
  readonly rounds: number;
  readonly acknowledged: number;
  readonly lost: ReadonlyArray<string>;
  readonly doubled: ReadonlyArray<string>;
  /** Calls that somebody was asked about more than once. */
  readonly askedTwice: number;
  readonly asked: number;
  readonly dropped: number;
  readonly takeoverMsMax: number;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const until = async (isSo: () => boolean, what: () => string): Promise<number> => {
  const fromMs = performance.now();
  while (!isSo()) {
    if (performance.now() - fromMs > WAIT_MS_MAX) throw new Error(`not so after ${WAIT_MS_MAX} ms: ${what()}`);
    await sleep(25);
  }
  return performance.now() - fromMs;
};

/** A witness within PostgreSQL: every row that was ever put into, or taken from, the tables of sent calls. */
const watchTables = (pg: TestPostgres): void => {
  pg.sql(
    pg.url,
    `CREATE TABLE witness (what text, record bytea, value bytea);
     CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF TG_OP = 'DELETE' THEN INSERT INTO public.witness
         VALUES (CASE OLD.name WHEN 'vcrSent' THEN 'removed' ELSE 'unasked' END, substr(OLD.key, 9), OLD.value); RETURN OLD;
       ELSE INSERT INTO public.witness VALUES (NEW.name, substr(NEW.key, 9), NEW.value); RETURN NEW; END IF; END $$;
     CREATE TRIGGER put AFTER INSERT ON ${SCHEMA_A}.rows FOR EACH ROW
       WHEN (NEW.name IN ('vcrSent', 'vcrAsked')) EXECUTE FUNCTION witness();
     CREATE TRIGGER removed AFTER DELETE ON ${SCHEMA_A}.rows FOR EACH ROW
       WHEN (OLD.name IN ('vcrSent', 'vcrAsked')) EXECUTE FUNCTION witness()`,
  );
};

const numberIn = (pg: TestPostgres, select: string): number => Number(pg.sql(pg.url, select).trim());

/** How long the others take until they hold every shard of the one that was killed. */
const takeover = async (pg: TestPostgres, dead: string): Promise<number> =>
  until(
    () =>
      numberIn(
        pg,
        `SELECT count(*) FROM ${SCHEMA_A}.shards WHERE member IN
         (SELECT id FROM ${SCHEMA_A}.members WHERE address <> '${dead}')`,
      ) === SHARDS,
    () =>
      pg.sql(
        pg.url,
        `SELECT m.id, address, beat, count(s) FROM ${SCHEMA_A}.members m
      LEFT JOIN ${SCHEMA_A}.shards s ON member = m.id GROUP BY 1, 2, 3`,
      ),
  );

/** Servers that have ended meanwhile, as one does that was taken for dead, are started again, as a service manager would. */
const goesOn = async ({ agents, machines, b }: ClusterWorld): Promise<void> => {
  const from = agents.map(({ acknowledged }) => acknowledged.size);
  const all = [...machines, b];
  const starting = new Set<Machine>();
  const restart = (one: Machine) => {
    starting.add(one);
    const over = () => void starting.delete(one);
    one.start().then(over, over);
  };
  await until(
    () => {
      for (const one of all) if (!one.isUp() && !starting.has(one)) restart(one);
      return starting.size === 0 && agents.every(({ acknowledged }, i) => acknowledged.size > from[i]!);
    },
    () =>
      [
        ...agents.map(
          ({ company, at, acknowledged }, i) => `${company} at ${at().name}: ${acknowledged.size - from[i]!}`,
        ),
        ...all.map(
          (one) =>
            `${one.name}: ${one
              .log()
              .split("\n")
              .filter((line) => !/ INFO (pvp|vipr)\./.test(line))
              .slice(-60)
              .join("\n")}`,
        ),
      ].join("\n"),
  );
};

/** Starts whatever has ended; agents of servers that are down go to one that is up. */
const mend = async (world: ClusterWorld, pick: (most: number) => number): Promise<void> => {
  // One that the others take for dead while it starts, on a machine that is busy, ends; `goesOn` starts it again, as a service's manager does.
  const over = () => undefined;
  await Promise.all([...world.machines, world.b].filter((one) => !one.isUp()).map((one) => one.start().catch(over)));
  for (const agent of world.agents) if (agent.company === "a") await moveFrom(world, agent, pick);
};
const moveFrom = async ({ machines }: ClusterWorld, agent: ClusterAgent, pick: (most: number) => number) => {
  const up = machines.filter((one) => one.isUp());
  if (agent.at().isUp() && up.length > 0 && pick(3) > 0) return;
  await agent.kill();
  if (up.length > 0) agent.start(up[pick(up.length - 1)]!);
};

type Fault = (world: ClusterWorld) => Promise<string>;

const faultsOf = (options: ClusterRunOptions, pg: TestPostgres, pick: (least: number, most: number) => number) => {
  const one = ({ machines }: ClusterWorld): Machine => machines[pick(0, machines.length - 1)]!;
  let takeoverMsMax = 0;
  const kill: Fault = async (world) => {
    const dead = one(world);
    const address = `127.0.0.1:${dead.runners.port}`;
    await dead.kill();
    for (const agent of world.agents)
      if (agent.company === "a" && agent.at() === dead) await moveFrom(world, agent, (most) => pick(0, most));
    const ms = await takeover(pg, address);
    takeoverMsMax = Math.max(takeoverMsMax, ms);
    return `server ${dead.name} killed, its parts taken over in ${(ms / 1_000).toFixed(1)} s`;
  };
  const killSome: Fault = async ({ machines }) => {
    const dead = machines.filter(() => pick(0, 1) === 1);
    await Promise.all(dead.map((server) => server.kill()));
    await sleep(pick(0, DOWN_MS_MAX));
    return `servers ${dead.map(({ name }) => name)} killed`;
  };
  const freeze: Fault = async (world) => {
    const frozen = one(world);
    const pid = frozen.process()!.pid!;
    process.kill(pid, "SIGSTOP");
    await sleep(pick(...FROZEN_MS));
    process.kill(pid, "SIGCONT");
    return `server ${frozen.name} frozen`;
  };
  const cutRunners: Fault = async ({ machines }) => {
    const cut = machines.filter(() => pick(0, 1) === 1);
    await Promise.all(cut.map(({ runners }) => runners.cut()));
    await sleep(pick(...CUT_MS));
    await Promise.all(cut.map(({ runners }) => runners.mend()));
    return `runners of ${cut.map(({ name }) => name)} cut off`;
  };
  const cutDatabase: Fault = async (world) => {
    const cut = one(world);
    await cut.database.cut();
    await sleep(pick(...CUT_MS));
    await cut.database.mend();
    return `${cut.name} cut off from PostgreSQL`;
  };
  const killPostgres: Fault = async () => {
    await pg.kill("SIGKILL");
    await sleep(pick(0, DOWN_MS_MAX));
    await pg.start();
    return "PostgreSQL killed";
  };
  const killAgent: Fault = async ({ agents }) => {
    const agent = agents[pick(0, agents.length - 1)]!;
    await agent.kill();
    agent.start(agent.at());
    return `an agent of ${agent.company} killed`;
  };
  const faults = [kill, kill, killSome, freeze, cutRunners, cutDatabase, killAgent];
  if (options.killsPostgres) faults.push(killPostgres);
  return { any: (): Fault => faults[pick(0, faults.length - 1)]!, takeoverMsMax: () => takeoverMsMax };
};

/** What the store and the witness say of what was acknowledged. */
const judge = (pg: TestPostgres, agents: ReadonlyArray<ClusterAgent>) => {
  const there = inPostgres(pg, SCHEMA_A);
  const removed = inPostgres(pg, "public", "SELECT encode(value, 'hex') FROM public.witness WHERE what = 'removed'");
  const lost: Array<string> = [];
  for (const agent of agents)
    if (agent.company === "a")
      for (const n of agent.acknowledged)
        if (!there.has(n) && !(isFromA(n) && removed.has(n)))
          lost.push(`${n} (agent ${agentOf(n)}, ${clusterRecord("a", n).direction})`);
  const doubled = [...there].flatMap(([n, times]) => (times > 1 ? [`${n} (${times} times)`] : []));
  const of = (sql: string) => numberIn(pg, sql);
  return {
    lost,
    doubled,
    askedTwice: of(
      `SELECT count(*) FROM (SELECT record FROM witness GROUP BY record
       HAVING count(*) FILTER (WHERE what = 'vcrAsked') > 1 + count(*) FILTER (WHERE what = 'unasked')) t`,
    ),
    asked: of("SELECT count(DISTINCT record) FROM witness WHERE what = 'vcrAsked'"),
    dropped: of(
      `SELECT count(*) FROM (SELECT DISTINCT value FROM witness WHERE what = 'removed') r
       WHERE NOT EXISTS (SELECT FROM witness a WHERE a.what = 'vcrAsked' AND substr(a.value, 3) = substr(r.value, 3))`,
    ),
  };
};

export const runCluster = async (
  root: string,
  pg: TestPostgres,
  options: ClusterRunOptions,
): Promise<ClusterRunResult> => {
  const chance = chanceOf(options.seed);
  const pick = (least: number, most: number) => chance.between(least, most);
  const world = await openClusterWorld(root, pg, options);
  try {
    watchTables(pg);
    await goesOn(world);
    const faults = faultsOf(options, pg, pick);
    let rounds = 0;
    while (rounds < options.rounds && !options.isStopped()) {
      rounds += 1;
      await sleep(pick(...LOAD_MS));
      const what = await faults.any()(world);
      await mend(world, (most) => pick(0, most));
      await goesOn(world);
      const all = world.agents.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0);
      options.tell(`round ${rounds}: ${what}; ${all} acknowledged`);
    }
    // The agents end, and who holds a part removes what was uploaded to two servers.
    await Promise.all(world.agents.map((agent) => agent.kill()));
    await sleep(SETTLE_MS);
    const learned = world.agents.reduce((sum, agent) => sum + agent.learned.length, 0);
    let found = judge(pg, world.agents);
    for (const fromMs = performance.now(); found.doubled.length > 0 && performance.now() - fromMs < SETTLE_MS_MAX; ) {
      await sleep(SETTLE_MS);
      found = judge(pg, world.agents);
    }
    options.tell(
      `asked about ${found.asked} calls, ${found.dropped} dropped, ${learned} routes told, taken over in ` +
        `${(faults.takeoverMsMax() / 1_000).toFixed(1)} s at most`,
    );
    const acknowledged = world.agents.reduce((sum, agent) => sum + agent.acknowledged.size, 0);
    return { rounds, acknowledged, takeoverMsMax: faults.takeoverMsMax(), ...found };
  } finally {
    await world.end();
  }
};
