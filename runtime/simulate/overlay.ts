/**
 * One simulation, from the first node to the line of results.
 *
 *   ring given, or joined --> numbers stored --> kill, churn, cut --> look-ups, and the ring's repair --> every number again
 *                                                    t = 0              messages, bytes, hops            lost values
 */
import { performance } from "node:perf_hooks";
import process from "node:process";
import type { Signatures } from "./keys.ts";
import { type LookedUp, lookUp } from "./lookups.ts";
import { hopsOf, isWhole, type Line, rounded } from "./measure.ts";
import type { SimNode } from "./node.ts";
import type { SimulateOptions } from "./options.ts";
import {
  cutInTwo,
  type Hooks,
  holder,
  isLiving,
  joinAll,
  LOOK_MS,
  REPAIR_MS_MAX,
  type Run,
  runner,
  STORE_MS,
  settled,
  storeAll,
  unrest,
} from "./stages.ts";
import type { Value } from "./values.ts";
import { makeWorld, type Simulated, secondsAt } from "./world.ts";

/** Further results, beside those of the line. */
export interface Detail {
  readonly failures: Readonly<Record<string, number>>;
  /** Look-ups whose node went before its answer came; another node repeated them. */
  readonly voided: number;
  /** Values of which no copy survived. */
  readonly goneValues: number;
  /** Until the nearest three successors and predecessors were right. */
  readonly repairSeconds3: number | null;
  readonly joined: number;
  readonly left: number;
  readonly lostFrames: number;
  readonly linksPerNode: number;
  readonly virtualSeconds: number;
  /** How messages and values were signed; and how many steps the machines made. */
  readonly signatures: Signatures;
  readonly steps: {
    readonly peer: number;
    readonly storage: number;
    readonly transaction: number;
    readonly link: number;
  };
  /** Of all threads, garbage collection included; and per step. */
  readonly cpuSeconds: number;
  readonly usPerStep: number;
  /** Of the whole process: it includes what the runtime itself needs. */
  readonly memoryBytesPerNode: number;
}
export interface Simulation {
  readonly line: Line;
  readonly detail: Detail;
}
/** Other nodes that are asked for a value which was not found at the end. */
const ASKED_MAX = 3;

export const simulate = async (options: SimulateOptions, hooks: Hooks): Promise<Simulation> => {
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  const world = makeWorld(options);
  const run = runner(world, hooks);
  await (options.join ? joinAll(world, run, hooks) : settled(world, options, hooks));
  const values = await storeAll(world, options, run, hooks);

  if (options.partition) await cutInTwo(world, run, hooks);
  const { network, nodes } = world;
  const [messages, bytes] = [network.messages, network.bytes];
  const fromS = secondsAt(world);
  const living = nodes.filter(isLiving).length;
  const turmoil = unrest(world, options, hooks);
  const gone = new Set(options.kill > 0 ? values.filter((value) => !holder(nodes, value)) : []);
  const repair = watchRepair(world, turmoil, options);
  hooks.report(`${options.lookups} look-ups over ${options.spanS} s`);
  const found = await lookAll(world, options, run, values);
  const lastS = secondsAt(world);
  const perNode = (living + nodes.filter(isLiving).length) / 2;
  const sent = { messages: network.messages - messages, bytes: network.bytes - bytes };
  turmoil.end();
  hooks.report("waiting for the ring to heal");
  await run(REPAIR_MS_MAX, () => repair.isDone());
  hooks.report(`looking for all ${values.length} values again`);
  const lost = await lostAmong(world, run, values, (value) => gone.has(value) || turmoil.tookAll(value));

  const seconds = (performance.now() - startedMs) / 1_000;
  const good = found.looked.filter(({ isGood }) => isGood);
  const line: Line = {
    nodes: options.nodes,
    lookups: options.lookups,
    success: good.length / options.lookups,
    hops: hopsOf(good.map(({ hops }) => hops)),
    log2n: rounded(Math.log2(options.nodes), 3),
    lostValues: lost.lost,
    repairSeconds: repair.seconds(1),
    messagesPerNodeSecond: rounded(sent.messages / perNode / (lastS - fromS), 3),
    bytesPerNode: Math.round(sent.bytes / perNode),
    seconds: rounded(seconds, 2),
  };
  const { failures, voided } = found;
  const counts = { failures, voided, goneValues: lost.gone, repairSeconds3: repair.seconds(3), ...turmoil.counts };
  return { line, detail: { ...counts, ...pricesOf(world, options, process.cpuUsage(cpu).user) } };
};

/** What the simulation itself cost to run. */
const pricesOf = (world: Simulated, options: SimulateOptions, cpuUs: number) => {
  const { reloadPeer: peer, reloadStorage: storage, reloadTransaction: transaction, reloadLink: link } = world.steps;
  return {
    lostFrames: world.network.lost,
    linksPerNode: rounded(linksPerNode(world.nodes), 1),
    virtualSeconds: rounded(secondsAt(world), 1),
    signatures: options.signatures,
    steps: { peer, storage, transaction, link },
    cpuSeconds: rounded(cpuUs / 1e6, 1),
    usPerStep: rounded(cpuUs / (peer + storage + transaction + link), 1),
    memoryBytesPerNode: Math.round(process.memoryUsage().rss / options.nodes),
  };
};

const linksPerNode = (nodes: ReadonlyArray<SimNode>): number => {
  const living = nodes.filter(isLiving);
  return living.reduce((sum, { core }) => sum + core.table.byNode.size, 0) / living.length;
};
/** Looks at the ring until every node's nearest neighbours are right: one each way, and three each way. */
const watchRepair = (world: Simulated, turmoil: { readonly isOver: () => boolean }, options: SimulateOptions) => {
  const { agenda, nodes } = world;
  const isCalm = options.kill === 0 && options.churn === 0 && !options.partition;
  const whole = new Map<number, number>();
  let fromMs = agenda.nowMs;
  const look = () => {
    if (!turmoil.isOver()) fromMs = agenda.nowMs;
    else for (const depth of [1, 3]) if (!whole.has(depth) && isWhole(nodes, depth)) whole.set(depth, agenda.nowMs);
    if (whole.size < 2) agenda.after(LOOK_MS, look);
  };
  look();
  return {
    isDone: () => whole.size === 2 || isCalm,
    seconds: (depth: number): number | null => {
      const at = whole.get(depth);
      return at === undefined ? (isCalm ? 0 : null) : rounded((at - fromMs) / 1_000, 1);
    },
  };
};

type Looked = LookedUp & { readonly isGood: boolean };

/** Random numbers, looked up by random nodes, spread evenly. A node that dies before its answer is replaced by another. */
const lookAll = async (world: Simulated, options: SimulateOptions, run: Run, values: ReadonlyArray<Value>) => {
  const { agenda, chance, nodes } = world;
  const looked: Array<Looked> = [];
  const failures: Record<string, number> = {};
  const asking = new Map<number, SimNode>();
  let voided = 0;
  const ask = (i: number) => {
    const node = world.anyOf();
    if (node === undefined) return;
    const value = values[chance.between(0, values.length - 1)]!;
    asking.set(i, node);
    lookUp(agenda, node, value, (found) => {
      asking.delete(i);
      // An empty answer is a right one when nobody alive has the value.
      const isGood = found.has || (found.isAnswered && !holder(nodes, value));
      const why = found.isAnswered ? "value missing" : found.why;
      if (!isGood) failures[why] = (failures[why] ?? 0) + 1;
      looked.push({ ...found, isGood });
    });
  };
  for (let i = 0; i < options.lookups; i++)
    agenda.after(Math.floor((i * options.spanS * 1_000) / options.lookups), () => ask(i));
  const replace = () => {
    for (const [i, node] of [...asking])
      if (!node.alive) {
        voided++;
        ask(i);
      }
    return looked.length >= options.lookups;
  };
  await run(options.spanS * 1_000 + REPAIR_MS_MAX, replace);
  return { looked, failures, voided };
};

/** Looks up every value once more, in a ring at rest: a value that a living node stores must be found. */
const lostAmong = async (
  world: Simulated,
  run: Run,
  values: ReadonlyArray<Value>,
  isGone: (value: Value) => boolean,
): Promise<{ readonly lost: number; readonly gone: number }> => {
  const { agenda, nodes } = world;
  const count = { lost: 0, gone: 0 };
  let open = values.length;
  const ask = (value: Value, left: number) =>
    lookUp(agenda, world.anyOf()!, value, ({ has }) => {
      if (!has && left > 1) return ask(value, left - 1);
      open--;
      if (has) return;
      if (isGone(value) && !holder(nodes, value)) count.gone++;
      else count.lost++;
    });
  for (const [i, value] of values.entries())
    agenda.after(Math.floor((i * STORE_MS) / values.length), () => ask(value, ASKED_MAX));
  await run(REPAIR_MS_MAX, () => open === 0);
  return { ...count, lost: count.lost + open };
};
