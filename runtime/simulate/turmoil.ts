/** Churn: nodes go and others join, at an even rate. Half of those that go crash, half leave with a Leave request. */
import type { SimNode } from "./node.ts";
import { isStored, type Value } from "./values.ts";
import type { Simulated } from "./world.ts";

export interface Turmoil {
  readonly counts: { joined: number; left: number };
  readonly end: () => void;
  readonly isOver: () => boolean;
  /** Whether the last copy of the value went with a node that crashed. */
  readonly tookAll: (value: Value) => boolean;
}

/** `perMs`: nodes that go, and as many that join, each millisecond. */
export const startChurn = (world: Simulated, perMs: number): Turmoil => {
  const { agenda, chance, nodes, bootstrap } = world;
  const counts = { joined: 0, left: 0 };
  const crashed: Array<SimNode> = [];
  let isOver = perMs === 0;

  const change = () => {
    if (isOver) return;
    agenda.after(next(), change);
    const leaver = world.anyOf((node) => !bootstrap.has(node));
    if (leaver !== undefined) {
      counts.left++;
      if (chance.next() < 0.5) leaver.leave();
      else {
        crashed.push(leaver);
        leaver.crash();
      }
    }
    counts.joined++;
    world.add().join();
  };
  const next = () => Math.max(1, Math.round((2 * chance.next()) / perMs));
  if (!isOver) agenda.after(next(), change);
  return {
    counts,
    end: () => {
      isOver = true;
    },
    isOver: () => isOver,
    tookAll: (value) =>
      crashed.some((node) => isStored(node, value)) && !nodes.some((node) => node.alive && isStored(node, value)),
  };
};
