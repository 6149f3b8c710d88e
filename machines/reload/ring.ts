/**
 * The ring: which identifiers lie between two others, which peer is responsible for one, and the next hop towards it.
 * RFC 6940 §10.1, §10.3.
 * Functions only; identifiers are 128-bit integers, and all arithmetic is modulo 2^128.
 * Requirements: RFC 6940 §6.1.2, §6.2.1, §10.7.4.3; ViPR overview §5.1.
 */
import { type NodeId, nodeIdFrom } from "../../codecs/reload/mod.ts";

export const RING_BITS = 128;
export const RING_SIZE: bigint = 1n << 128n;
/** The wildcard Node-ID, all ones: every peer answers for it. §6.1. */
export const WILDCARD: NodeId = nodeIdFrom(RING_SIZE - 1n);

/** What a node knows of the ring at this moment: enough to route, and to say what it answers for. */
export interface RingView {
  readonly self: NodeId;
  /** A node that has not joined answers for nothing but itself. */
  readonly joined: boolean;
  /** Nearest first. */
  readonly predecessors: ReadonlyArray<NodeId>;
  /** Nearest first. */
  readonly successors: ReadonlyArray<NodeId>;
  /** Distinct, in no order that matters. */
  readonly fingers: ReadonlyArray<NodeId>;
  /** Every node with an open link, peers or not. */
  readonly linked: ReadonlyArray<NodeId>;
  /** All peers among them, clockwise from self; absent: the neighbours and fingers alone. */
  readonly peers?: ReadonlyArray<NodeId>;
}

export const wrap = (id: bigint): bigint => ((id % RING_SIZE) + RING_SIZE) % RING_SIZE;

/** Clockwise steps from one identifier to another: 0 when they are the same. */
export const distance = (from: bigint, to: bigint): bigint => (to >= from ? to - from : to - from + RING_SIZE);

/** Whether this position is that of one of the nodes. */
export const isOneOf = (nodes: ReadonlyArray<bigint>, id: bigint): boolean => nodes.includes(id);

/** Whether `id` lies in (from, to], walking clockwise. With from = to the interval is the whole ring. */
export const isBetween = (from: bigint, id: bigint, to: bigint): boolean =>
  from === to || (id !== from && distance(from, id) <= distance(from, to));

/** "responsible for a particular Resource-ID, k, if k is less than or equal to x and k is greater than p", §10.1. */
export const isResponsible = (view: RingView, id: bigint): boolean =>
  view.joined && isBetween(view.predecessors[0] ?? view.self, id, view.self);

/** The part of the ring this node answers for, 0 to 1. */
export const ownedFraction = (view: RingView): number => fractionSince(view, 0);

/** The part of the ring whose replicas this node stores: it begins at the predecessor `copies` further back. */
export const replicatedFraction = (view: RingView, copies: number): number => fractionSince(view, copies);

const fractionSince = (view: RingView, further: number): number => {
  if (!view.joined) return 0;
  const from = view.predecessors[further];
  return from === undefined ? 1 : Number(distance(from, view.self)) / Number(RING_SIZE);
};

/**
 * The Routing Table, clockwise from self: "conceptually the union of the Neighbor Table and the Finger Table", §10.3. Every
 * peer with a link is in it: "A peer MAY choose to keep connections to multiple peers that can act for a given Finger Table
 * entry", §10.7.4.2, and a node whose finger we are lies in the range of an entry of ours.
 */
const routesOf = (view: RingView): ReadonlyArray<NodeId> =>
  view.peers ?? clockwise(view.self, [...view.successors, ...view.predecessors, ...view.fingers]);
const clockwise = (self: NodeId, nodes: ReadonlyArray<NodeId>): ReadonlyArray<NodeId> =>
  [...new Set(nodes)]
    .map((node) => ({ node, steps: distance(self, node) }))
    .sort((a, b) => (a.steps < b.steps ? -1 : 1))
    .map(({ node }) => node);

/** Of the first `end` peers, sorted clockwise from self, how many are fewer than so many steps away. */
export const countBefore = (
  self: NodeId,
  peers: ReadonlyArray<NodeId>,
  steps: bigint,
  end: number = peers.length,
): number => {
  let low = 0;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (distance(self, peers[middle]!) < steps) low = middle + 1;
    else high = middle;
  }
  return low;
};

/**
 * The peer to hand a message to, §10.3: the one directly connected, else "the peer in the Routing Table that has the
 * largest Node-ID that is in the interval between the peer and k", else "the smallest Node-ID that is greater than k".
 * A message goes back to where it came from, `notTo`, only when there is no other peer.
 */
export const nextHop = (view: RingView, id: bigint, notTo?: NodeId): NodeId | undefined => {
  if (isOneOf(view.linked, id)) return nodeIdFrom(id);
  const peers = routesOf(view);
  const low = countBefore(view.self, peers, distance(view.self, id) + 1n);
  // Those before `low` lie between us and k, nearest to k last.
  const nearest = peers[low - 1];
  if (nearest !== undefined && nearest !== notTo) return nearest;
  const others = [peers[low], peers[low - 2], peers[0]];
  return others.find((peer) => peer !== undefined && peer !== notTo) ?? peers[0];
};

/** The nearest `count` of `peers` after `self`, clockwise, nearest first; `self` never among them. */
export const successorsOf = (self: NodeId, peers: Iterable<NodeId>, count: number): ReadonlyArray<NodeId> =>
  nearest(peers, self, count, (peer) => distance(self, peer));

/** The nearest `count` of `peers` before `self`, nearest first. */
export const predecessorsOf = (self: NodeId, peers: Iterable<NodeId>, count: number): ReadonlyArray<NodeId> =>
  nearest(peers, self, count, (peer) => distance(peer, self));

const nearest = (peers: Iterable<NodeId>, self: NodeId, count: number, far: (peer: bigint) => bigint) =>
  [...new Set(peers)]
    .filter((peer) => peer !== self)
    .sort((a, b) => (far(a) < far(b) ? -1 : 1))
    .slice(0, count);

/** The peer that answers for `id` among those known, the view's own node included, and the ones after it. */
export const ownersOf = (view: RingView, id: bigint, count: number): ReadonlyArray<NodeId> => ownersIn(view)(id, count);

const ZERO = nodeIdFrom(0n);

/** The same for many identifiers: the peers are sorted once. */
export const ownersIn = (view: RingView): ((id: bigint, count: number) => ReadonlyArray<NodeId>) => {
  const peers = clockwise(ZERO, [...(view.joined ? [view.self] : []), ...view.successors, ...view.predecessors]);
  return (id, count) => {
    const first = countBefore(ZERO, peers, id);
    return [...peers.slice(first), ...peers.slice(0, first)].slice(0, count);
  };
};

/** Entry i of the Finger Table, 1-based, is valid in [x + 2^(128-i), x + 2^(128-(i-1)) - 1]. §10.7.4.2. */
export const fingerRange = (self: NodeId, i: number): { readonly from: bigint; readonly size: bigint } => ({
  from: wrap(self + (1n << BigInt(RING_BITS - i))),
  size: 1n << BigInt(RING_BITS - i),
});

/** For each entry, the first peer in its range: an empty entry is `undefined`. */
export const fingersOf = (
  self: NodeId,
  peers: Iterable<NodeId>,
  entries: number,
): ReadonlyArray<NodeId | undefined> => {
  const table: Array<NodeId | undefined> = Array.from({ length: entries }, () => undefined);
  for (const peer of peers) {
    const steps = distance(self, peer);
    if (steps === 0n) continue;
    const i = entryOf(steps);
    const held = table[i - 1];
    if (i <= entries && (held === undefined || steps < distance(self, held))) table[i - 1] = peer;
  }
  return table;
};

/** The entry whose range holds a peer so many steps away: steps in [2^(128-i), 2^(129-i)). */
export const entryOf = (steps: bigint): number => RING_BITS - (steps.toString(2).length - 1);

/** The same for peers sorted clockwise from self, without the empty entries. */
export const fingersAmong = (self: NodeId, peers: ReadonlyArray<NodeId>, entries: number): ReadonlyArray<NodeId> => {
  const fingers: Array<NodeId> = [];
  let end = peers.length; // peers from here on lie beyond the entry's range
  for (let i = 1; i <= entries && end > 0; i++) {
    const first = countBefore(self, peers, 1n << BigInt(RING_BITS - i), end);
    if (first < end) fingers.push(peers[first]!);
    end = first;
  }
  return fingers;
};
