/** Results of a simulation: look-ups and their hops, whether the ring is whole, and the line that ends the output. */
import type { SimNode } from "./node.ts";

/** The fields and their order are part of the command's contract: scripts read them. */
export interface Line {
  readonly nodes: number;
  readonly lookups: number;
  /** Look-ups answered rightly, 0 to 1. */
  readonly success: number;
  /** Transmissions from one peer to the next on the request's way, of the look-ups that succeeded. */
  readonly hops: { readonly mean: number; readonly p50: number; readonly p99: number; readonly max: number };
  readonly log2n: number;
  /** Values that a living node stores and that a look-up does not find. */
  readonly lostValues: number;
  /** Virtual time until every node's nearest neighbours are right; null: not within the time given. */
  readonly repairSeconds: number | null;
  readonly messagesPerNodeSecond: number;
  /** Sent by a node while the look-ups lasted. */
  readonly bytesPerNode: number;
  /** Real time. */
  readonly seconds: number;
}

export const hopsOf = (hops: ReadonlyArray<number>): Line["hops"] => {
  const all = hops.toSorted((a, b) => a - b);
  if (all.length === 0) return { mean: 0, p50: 0, p99: 0, max: 0 };
  const at = (part: number) => all[Math.min(all.length - 1, Math.ceil(part * all.length) - 1)]!;
  const mean = all.reduce((sum, hop) => sum + hop, 0) / all.length;
  return { mean: rounded(mean, 3), p50: at(0.5), p99: at(0.99), max: at(1) };
};

export const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

/** The living nodes by Node-ID; undefined while one of them joins or leaves. */
const ringOf = (nodes: Iterable<SimNode>): ReadonlyArray<SimNode> | undefined => {
  const ring: Array<SimNode> = [];
  for (const node of nodes) {
    if (!node.alive) continue;
    if (node.state !== "settled") return undefined;
    ring.push(node);
  }
  return ring.sort((a, b) => (a.id < b.id ? -1 : 1));
};

/** Whether all living nodes form one ring: each knows exactly its nearest `depth` successors and predecessors. */
export const isWhole = (nodes: Iterable<SimNode>, depth: number): boolean => {
  const ring = ringOf(nodes);
  if (ring === undefined) return false;
  const reach = Math.min(depth, ring.length - 1);
  return ring.every(({ core: { view } }, at) => {
    for (let i = 1; i <= reach; i++) {
      if (view.successors[i - 1] !== ring[(at + i) % ring.length]!.id) return false;
      if (view.predecessors[i - 1] !== ring[(at - i + ring.length) % ring.length]!.id) return false;
    }
    return true;
  });
};
