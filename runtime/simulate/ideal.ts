/**
 * The ring as it is when all have found each other: for every node the links that the protocol ends with. Functions only.
 *
 * A node has links to its nearest successors and predecessors, for each entry i of its Finger Table to the first peer at or
 * after n + 2^(128-i) (RFC 6940 §10.5), and, links being symmetric, to every node whose finger it is. In a ring that has
 * stood for long the hourly searches (§10.7.4.2) have found a second peer for each entry: drawn at random there, here the
 * first at or after the middle of its range.
 */
import { type NodeId, nodeIdFrom } from "../../codecs/reload/mod.ts";
import { isBetween, RING_BITS, wrap } from "../../machines/reload/mod.ts";
import type { Chance } from "../memory/chance.ts";

export interface TableSizes {
  /** Successors, and predecessors. */
  readonly neighbours: number;
  /** Entries of the Finger Table. */
  readonly fingers: number;
  /** With the second peers. */
  readonly searched: boolean;
}

export const drawId = ({ next }: Chance): bigint => {
  let id = 0n;
  for (let i = 0; i < 4; i++) id = (id << 32n) | BigInt(Math.floor(next() * 2 ** 32));
  return id;
};

/** Distinct, in the order of the ring. */
export const drawIds = (chance: Chance, count: number): ReadonlyArray<NodeId> => {
  const ids = new Set<NodeId>();
  while (ids.size < count) ids.add(nodeIdFrom(drawId(chance)));
  return sorted([...ids]);
};
export const sorted = (ids: ReadonlyArray<NodeId>): ReadonlyArray<NodeId> =>
  ids.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));

/** How many of the sorted ids are below that one. */
const below = (ids: ReadonlyArray<NodeId>, id: bigint): number => {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** Index of the first peer at or after `id`: the one that answers for it. */
export const ownerIndex = (ids: ReadonlyArray<NodeId>, id: bigint): number => below(ids, id) % ids.length;

/** Indices of all nodes that the node at `at` has a link with, itself not among them. */
export const idealLinks = (
  ids: ReadonlyArray<NodeId>,
  at: number,
  { neighbours, fingers, searched }: TableSizes,
): ReadonlySet<number> => {
  const count = ids.length;
  const links = new Set<number>();
  for (let i = 1; i <= Math.min(neighbours, count - 1); i++) {
    links.add((at + i) % count);
    links.add((at - i + count) % count);
  }
  const self = ids[at]!;
  const before = ids[(at - 1 + count) % count]!;
  for (let i = 1; i <= fingers; i++) {
    const begin = 1n << BigInt(RING_BITS - i);
    for (const reach of searched ? [begin, begin + begin / 2n] : [begin]) {
      links.add(ownerIndex(ids, wrap(self + reach)));
      // Whose finger we are: those that lie in (predecessor - reach, self - reach].
      const [after, upTo] = [wrap(before - reach), wrap(self - reach)];
      let j = ownerIndex(ids, after + 1n);
      for (let left = count; left > 0 && isBetween(after, ids[j]!, upTo); left--, j = (j + 1) % count) links.add(j);
    }
  }
  links.delete(at);
  return links;
};
