/** The stages of a simulation: time passes, the ring is set up or joined, numbers are stored, nodes die or are cut off. */
import { performance } from "node:perf_hooks";
import { askFor } from "./lookups.ts";
import { isWhole } from "./measure.ts";
import type { SimNode } from "./node.ts";
import type { SimulateOptions } from "./options.ts";
import { startChurn, type Turmoil } from "./turmoil.ts";
import { isStored, registrationOf, storeOf, type Value } from "./values.ts";
import { type Simulated, secondsAt, settleAll } from "./world.ts";

export interface Hooks {
  readonly report: (what: string) => void;
  /** Within a stage, often: whoever shows it takes few. */
  readonly passing?: (text: () => string) => void;
  readonly isStopped: () => boolean;
}

export class Stopped extends Error {}

export const STORE_MS = 10_000;
export const REPAIR_MS_MAX = 900_000;
const CUT_MS = 120_000;
const JOIN_EVERY_MS = 250;
/** How often the ring is examined while it repairs itself. */
export const LOOK_MS = 100;
/** Real time between two yields to the event loop, and between two reports of progress. */
const TURN_MS = 50;
const REPORT_MS = 10_000;

export type Run = (ms: number, isDone?: () => boolean) => Promise<void>;

/** Lets at most `ms` of virtual time pass, yielding to the event loop now and then. */
export const runner =
  (world: Simulated, { isStopped, report }: Hooks): Run =>
  async (ms, isDone = () => false) => {
    const { agenda } = world;
    const untilMs = agenda.nowMs + ms;
    let turn = performance.now();
    let reportedAt = turn;
    while (agenda.nowMs < untilMs && !isDone()) {
      const sliceMs = Math.min(untilMs, agenda.nowMs + LOOK_MS);
      while (agenda.next(sliceMs)) {
        if ((agenda.done & 255) !== 0 || performance.now() - turn < TURN_MS) continue;
        await new Promise<void>((next) => setImmediate(next));
        if (isStopped()) throw new Stopped();
        turn = performance.now();
        if (turn - reportedAt < REPORT_MS) continue;
        reportedAt = turn;
        report(`virtual time ${secondsAt(world).toFixed(1)} s, ${agenda.done} events`);
      }
    }
  };

export const isLiving = ({ alive }: SimNode): boolean => alive;
export const holder = (nodes: Iterable<SimNode>, value: Value): boolean => {
  for (const node of nodes) if (node.alive && isStored(node, value)) return true;
  return false;
};

export const settled = async (world: Simulated, options: SimulateOptions, { report }: Hooks): Promise<void> => {
  report(`${options.nodes} nodes take their places`);
  settleAll(world, options);
};

export const joinAll = async (world: Simulated, run: Run, { report }: Hooks): Promise<void> => {
  report(`${world.nodes.length} nodes join, one each ${JOIN_EVERY_MS} ms`);
  for (const node of world.nodes) {
    node.join();
    await run(JOIN_EVERY_MS);
  }
  await run(REPAIR_MS_MAX, () => isWhole(world.nodes, 3));
  report(`one ring after ${secondsAt(world)} s`);
};

/** Each number is stored through the overlay by the node that claims it; the responsible peer makes the replicas. */
export const storeAll = async (world: Simulated, { values: count }: SimulateOptions, run: Run, { report }: Hooks) => {
  const { agenda } = world;
  const values: Array<Value> = [];
  report(`${count} numbers are stored`);
  for (let i = 0; i < count; i++) {
    const publisher = world.anyOf()!;
    const value = registrationOf(i, publisher.id);
    agenda.after(Math.floor((i * STORE_MS) / count), () =>
      askFor(agenda, publisher, value.resource, storeOf(value, publisher, agenda.nowMs), ({ outcome }) => {
        if (outcome.type === "answer") values.push(value);
      }),
    );
  }
  await run(2 * STORE_MS);
  if (values.length < count) report(`${count - values.length} numbers were not stored`);
  return values.sort((a, b) => a.index - b.index);
};

export const cutInTwo = async (world: Simulated, run: Run, { report }: Hooks): Promise<void> => {
  report(`the network is cut in two for ${CUT_MS / 1_000} s`);
  world.network.cut(world.nodes);
  await run(CUT_MS);
  world.network.mend();
};

/** Nodes that die at once, and churn while the look-ups run. */
export const unrest = (
  world: Simulated,
  { kill, churn, nodes: count }: SimulateOptions,
  { report }: Hooks,
): Turmoil => {
  const dying = Math.floor(kill * count);
  if (dying > 0) {
    report(`${dying} nodes die`);
    const living = world.nodes.filter(isLiving);
    for (let i = 0; i < dying; i++) {
      const at = world.chance.between(i, living.length - 1);
      [living[i], living[at]] = [living[at]!, living[i]!];
      living[i]!.crash();
    }
  }
  return startChurn(world, (churn * count) / 60_000);
};
