/**
 * The ring: who is between whom, who answers for an identifier, whom to ask next. RFC 6940 §10.1, §10.3.
 * Functions only; identifiers are 128-bit integers, and all arithmetic is modulo 2^128.
 */

export const RING_BITS = 128;
export const RING_SIZE: bigint = 1n << 128n;
/** The wildcard Node-ID, all ones: every peer answers for it. §6.1. */
export const WILDCARD: bigint = RING_SIZE - 1n;

/** What a node knows of the ring at this moment: enough to route, and to say what it answers for. */
export interface RingView {
  readonly self: bigint;
  /** A node that has not joined answers for nothing but itself. */
  readonly joined: boolean;
  /** Nearest first. */
  readonly predecessors: ReadonlyArray<bigint>;
  /** Nearest first. */
  readonly successors: ReadonlyArray<bigint>;
  /** Distinct, in no order that matters. */
  readonly fingers: ReadonlyArray<bigint>;
  /** Every node with an open link, peers or not. */
  readonly linked: ReadonlyArray<bigint>;
}

export const wrap = (id: bigint): bigint => ((id % RING_SIZE) + RING_SIZE) % RING_SIZE;

/** Clockwise steps from one identifier to another: 0 when they are the same. */
export const distance = (from: bigint, to: bigint): bigint => (to >= from ? to - from : to - from + RING_SIZE);

/** Whether `id` lies in (from, to], walking clockwise. With from = to the interval is the whole ring. */
export const isBetween = (from: bigint, id: bigint, to: bigint): boolean =>
  from === to || (id !== from && distance(from, id) <= distance(from, to));

/** "responsible for a particular Resource-ID, k, if k is less than or equal to x and k is greater than p", §10.1. */
export const isResponsible = (view: RingView, id: bigint): boolean =>
  view.joined && isBetween(view.predecessors[0] ?? view.self, id, view.self);

/** The part of the ring this node answers for, 0 to 1. */
export const ownedFraction = (view: RingView): number => fractionSince(view, 0);

/** The part whose replicas belong here: from the predecessor `copies` further back. */
export const replicatedFraction = (view: RingView, copies: number): number => fractionSince(view, copies);

const fractionSince = (view: RingView, further: number): number => {
  if (!view.joined) return 0;
  const from = view.predecessors[further];
  return from === undefined ? 1 : Number(distance(from, view.self)) / Number(RING_SIZE);
};

/** Distinct peers of the Routing Table: "conceptually the union of the Neighbor Table and the Finger Table", §10.3. */
export const routingTable = (view: RingView): ReadonlyArray<bigint> => [
  ...new Set([...view.successors, ...view.predecessors, ...view.fingers]),
];

/**
 * The peer to hand a message to, §10.3: the one directly connected, else "the peer in the Routing Table that has the
 * largest Node-ID that is in the interval between the peer and k", else "the smallest Node-ID that is greater than k".
 */
export const nextHop = (view: RingView, id: bigint): bigint | undefined => {
  if (view.linked.includes(id)) return id;
  let best: bigint | undefined;
  let first: bigint | undefined;
  const reach = distance(view.self, id);
  for (const peer of routingTable(view)) {
    const step = distance(view.self, peer);
    if (step <= reach && (best === undefined || step > distance(view.self, best))) best = peer;
    if (first === undefined || distance(id, peer) < distance(id, first)) first = peer;
  }
  return best ?? first;
};

/** The nearest `count` of `peers` after `self`, clockwise, nearest first; `self` never among them. */
export const successorsOf = (self: bigint, peers: Iterable<bigint>, count: number): ReadonlyArray<bigint> =>
  nearest(peers, self, count, (peer) => distance(self, peer));

/** The nearest `count` of `peers` before `self`, nearest first. */
export const predecessorsOf = (self: bigint, peers: Iterable<bigint>, count: number): ReadonlyArray<bigint> =>
  nearest(peers, self, count, (peer) => distance(peer, self));

const nearest = (peers: Iterable<bigint>, self: bigint, count: number, far: (peer: bigint) => bigint) =>
  [...new Set(peers)]
    .filter((peer) => peer !== self)
    .sort((a, b) => (far(a) < far(b) ? -1 : 1))
    .slice(0, count);

/** The peer that answers for `id` among those known, the view's own node included, and the ones after it. */
export const ownersOf = (view: RingView, id: bigint, count: number): ReadonlyArray<bigint> =>
  [...new Set([...(view.joined ? [view.self] : []), ...view.successors, ...view.predecessors])]
    .sort((a, b) => (distance(id, a) < distance(id, b) ? -1 : 1))
    .slice(0, count);

/** Entry i of the Finger Table, 1-based, is valid in [x + 2^(128-i), x + 2^(128-(i-1)) - 1]. §10.7.4.2. */
export const fingerRange = (self: bigint, i: number): { readonly from: bigint; readonly size: bigint } => ({
  from: wrap(self + (1n << BigInt(RING_BITS - i))),
  size: 1n << BigInt(RING_BITS - i),
});

/** For each entry, the first peer in its range: an empty entry is `undefined`. */
export const fingersOf = (
  self: bigint,
  peers: Iterable<bigint>,
  entries: number,
): ReadonlyArray<bigint | undefined> => {
  const table: Array<bigint | undefined> = Array.from({ length: entries }, () => undefined);
  for (const peer of peers) {
    const steps = distance(self, peer);
    if (steps === 0n) continue;
    const i = RING_BITS - (steps.toString(2).length - 1); // steps in [2^(128-i), 2^(129-i))
    const held = table[i - 1];
    if (i <= entries && (held === undefined || steps < distance(self, held))) table[i - 1] = peer;
  }
  return table;
};
