/**
 * A node's tables, all derived from two sets: the nodes with an open link (the Connection Table), and those that have shown by an Update
 * that it is a peer. Neighbours and fingers are the best of those in both, so a lost node is replaced "with the best
 * match it has from the other peers in its Routing Table" by merely leaving the sets. RFC 6940 §10.7. Functions only.
 *
 *   linked  ready          sets, changed by the functions below and by nothing else
 *      \    /
 *      peers               in both, clockwise from self: kept sorted, as thousands of Updates ask for the order
 *        |
 *      view                successors, predecessors, fingers: slices of it
 * Requirements: RFC 6940 §10.7.1, §10.7.2, §10.7.3.
 */
import type { ChordUpdate, NodeId } from "../../codecs/reload/mod.ts";
import { countBefore, distance, fingersAmong, type RingView } from "./ring.ts";

export interface Table {
  readonly self: NodeId;
  readonly joined: boolean;
  /** Oldest link first. */
  readonly linked: ReadonlyArray<NodeId>;
  /** Nodes that have sent an Update. A ready node without a link stays in it: the link may come back. */
  readonly ready: ReadonlyArray<NodeId>;
  /** How many successors, and how many predecessors. */
  readonly neighbours: number;
  /** Entries of the Finger Table. */
  readonly fingers: number;
  /** Linked and ready, clockwise from self. */
  readonly peers: ReadonlyArray<NodeId>;
  readonly view: RingView;
}

export const emptyTable = (self: NodeId, neighbours: number, fingers: number): Table => {
  const view = { self, joined: false, predecessors: [], successors: [], fingers: [], linked: [] };
  return { self, joined: false, linked: [], ready: [], neighbours, fingers, peers: [], view };
};

/** "it MUST NOT route messages through B to other peers" until an Update has come from B, §6.5.1. */
export const peersOf = (table: Table): ReadonlyArray<NodeId> => table.peers;
export const viewOf = (table: Table): RingView => table.view;

const tableOf = (table: Omit<Table, "view">): Table => {
  const { self, joined, linked, peers, neighbours, fingers } = table;
  const view: RingView = {
    self,
    joined,
    predecessors: peers.slice(-neighbours).reverse(),
    successors: peers.slice(0, neighbours),
    fingers: fingersAmong(self, peers, fingers),
    linked,
    peers,
  };
  return { ...table, view };
};

/** The index of a node among peers that are sorted clockwise from self, or the index at which it would be inserted. */
const placeOf = (self: NodeId, peers: ReadonlyArray<NodeId>, node: NodeId): number =>
  countBefore(self, peers, distance(self, node));

export const isPeer = ({ self, peers }: Table, node: NodeId): boolean => peers[placeOf(self, peers, node)] === node;

/** Asked of many nodes: whether each would be a neighbour of ours if it were a peer. */
export const wouldBeNeighbour = ({ self, peers, neighbours }: Table): ((node: NodeId) => boolean) => {
  if (peers.length < neighbours) return (node) => node !== self;
  const after = distance(self, peers[neighbours - 1]!);
  const before = distance(self, peers[peers.length - neighbours]!);
  return (node) => {
    const steps = distance(self, node);
    return node !== self && (steps <= after || steps > before);
  };
};

/** Which of these nodes, none of them a peer yet, would be neighbours of ours if all were peers. */
export const neighboursAmong = (table: Table, nodes: ReadonlyArray<NodeId>): ReadonlyArray<NodeId> => {
  const { self, peers, neighbours } = table;
  const near = nodes
    .filter(wouldBeNeighbour(table))
    .map((node) => ({ node, steps: distance(self, node), at: placeOf(self, peers, node) }))
    .sort((a, b) => (a.steps < b.steps ? -1 : 1));
  return near
    .filter(({ at }, i) => at + i < neighbours || peers.length - at + (near.length - 1 - i) < neighbours)
    .map(({ node }) => node);
};

const withPeer = (table: Table, node: NodeId): ReadonlyArray<NodeId> => {
  const { self, peers } = table;
  const at = placeOf(self, peers, node);
  return peers[at] === node || node === self ? peers : [...peers.slice(0, at), node, ...peers.slice(at)];
};
const without = (set: ReadonlyArray<NodeId>, node: NodeId): ReadonlyArray<NodeId> =>
  set.includes(node) ? set.filter((other) => other !== node) : set;

export const withLink = (table: Table, node: NodeId): Table => {
  if (table.linked.includes(node)) return table;
  const linked = [...table.linked, node];
  return tableOf({ ...table, linked, peers: table.ready.includes(node) ? withPeer(table, node) : table.peers });
};
export const withReady = (table: Table, node: NodeId): Table => {
  if (table.ready.includes(node)) return table;
  const ready = [...table.ready, node];
  return tableOf({ ...table, ready, peers: table.linked.includes(node) ? withPeer(table, node) : table.peers });
};
/** The link is down. If it comes back, an Update shows whether the node is still a peer. */
export const withoutNode = (table: Table, node: NodeId): Table => {
  const linked = without(table.linked, node);
  const ready = without(table.ready, node);
  if (linked === table.linked && ready === table.ready) return table;
  return tableOf({ ...table, linked, ready, peers: without(table.peers, node) });
};
/** A node that leaves is no peer any more, though its link may stay open a while. */
export const withoutPeer = (table: Table, node: NodeId): Table =>
  table.ready.includes(node)
    ? tableOf({ ...table, ready: without(table.ready, node), peers: without(table.peers, node) })
    : table;
export const withJoined = (table: Table): Table => tableOf({ ...table, joined: true });

/** All of them linked and ready at once: a place in the ring that need not be come by link by link. */
export const withPeers = (table: Table, nodes: ReadonlyArray<NodeId>): Table => {
  const all = [...new Set(nodes)].filter((node) => node !== table.self);
  const far = new Map(all.map((node) => [node, distance(table.self, node)]));
  const peers = all.toSorted((a, b) => (far.get(a)! < far.get(b)! ? -1 : 1));
  return tableOf({ ...table, linked: all, ready: all, peers });
};

const sameList = (a: ReadonlyArray<NodeId>, b: ReadonlyArray<NodeId>): boolean =>
  a === b || (a.length === b.length && a.every((node, i) => node === b[i]));
export const sameNeighbours = (a: RingView, b: RingView): boolean =>
  sameList(a.predecessors, b.predecessors) && sameList(a.successors, b.successors);
/** Whether the nearest of them, which store each other's data, are the same. */
export const sameNearest = (a: RingView, b: RingView, count: number): boolean =>
  sameList(a.predecessors.slice(0, count), b.predecessors.slice(0, count)) &&
  sameList(a.successors.slice(0, count), b.successors.slice(0, count));
export const sameView = (a: RingView, b: RingView): boolean =>
  a === b ||
  (a.joined === b.joined &&
    sameNeighbours(a, b) &&
    sameList(a.fingers, b.fingers) &&
    sameList(a.linked, b.linked) &&
    sameList(a.peers ?? [], b.peers ?? []));

/** The nodes that an Update names. */
export const nodesIn = (update: ChordUpdate): ReadonlyArray<NodeId> => {
  switch (update.type) {
    case "peerReady":
      return [];
    case "neighbors":
      return [...update.tables.predecessors, ...update.tables.successors];
    case "full":
      return [...update.tables.predecessors, ...update.tables.successors, ...update.tables.fingers];
  }
};

/** Update for neighbours; `full` (with fingers "in numerically ascending order") for a node that has asked. §10.7. */
export const updateOf = (view: RingView, uptimeMs: number, type: "neighbors" | "full"): ChordUpdate => {
  const { predecessors, successors } = view;
  const uptime = Math.max(0, Math.min(0xffff_ffff, Math.floor(uptimeMs / 1000)));
  return type === "neighbors"
    ? { uptime, type, tables: { predecessors, successors } }
    : {
        uptime,
        type,
        tables: { predecessors, successors, fingers: view.fingers.toSorted((a, b) => (a < b ? -1 : 1)) },
      };
};
