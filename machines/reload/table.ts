/**
 * A node's tables, all derived from two sets: who has an open link (the Connection Table) and who has said by an Update
 * that it is a peer. Neighbours and fingers are the best of those in both, so a lost node is replaced "with the best
 * match it has from the other peers in its Routing Table" by merely leaving the sets. RFC 6940 §10.7. Functions only.
 */
import type { ChordUpdate } from "../../codecs/reload/mod.ts";
import { fingersOf, predecessorsOf, type RingView, successorsOf } from "./ring.ts";

export interface Table {
  readonly self: bigint;
  readonly joined: boolean;
  /** Oldest link first. */
  readonly linked: ReadonlyArray<bigint>;
  /** Those who have sent an Update. A ready node without a link is kept: the link may come back. */
  readonly ready: ReadonlyArray<bigint>;
  /** How many successors, and how many predecessors. */
  readonly neighbours: number;
  /** Entries of the Finger Table. */
  readonly fingers: number;
}

/** "it MUST NOT route messages through B to other peers" until an Update has come from B, §6.5.1. */
export const peersOf = (table: Table): ReadonlyArray<bigint> =>
  table.linked.filter((node) => table.ready.includes(node));

export const viewOf = (table: Table): RingView => {
  const peers = peersOf(table);
  return {
    self: table.self,
    joined: table.joined,
    predecessors: predecessorsOf(table.self, peers, table.neighbours),
    successors: successorsOf(table.self, peers, table.neighbours),
    fingers: [...new Set(fingersOf(table.self, peers, table.fingers))].filter((peer) => peer !== undefined),
    linked: table.linked,
  };
};

const including = (set: ReadonlyArray<bigint>, node: bigint): ReadonlyArray<bigint> =>
  set.includes(node) ? set : [...set, node];
const without = (set: ReadonlyArray<bigint>, node: bigint): ReadonlyArray<bigint> =>
  set.includes(node) ? set.filter((other) => other !== node) : set;

export const withLink = (table: Table, node: bigint): Table => ({ ...table, linked: including(table.linked, node) });
export const withReady = (table: Table, node: bigint): Table => ({ ...table, ready: including(table.ready, node) });
/** The link is down; should it come back, an Update tells whether the node is still a peer. */
export const withoutNode = (table: Table, node: bigint): Table => ({
  ...table,
  linked: without(table.linked, node),
  ready: without(table.ready, node),
});
/** A node that leaves is no peer any more, though its link may stay open a while. */
export const withoutPeer = (table: Table, node: bigint): Table => ({ ...table, ready: without(table.ready, node) });

const sameList = (a: ReadonlyArray<bigint>, b: ReadonlyArray<bigint>): boolean =>
  a.length === b.length && a.every((node, i) => node === b[i]);
export const sameNeighbours = (a: RingView, b: RingView): boolean =>
  sameList(a.predecessors, b.predecessors) && sameList(a.successors, b.successors);
export const sameView = (a: RingView, b: RingView): boolean =>
  a.joined === b.joined && sameNeighbours(a, b) && sameList(a.fingers, b.fingers) && sameList(a.linked, b.linked);

/** The nodes an Update speaks of. */
export const nodesIn = (update: ChordUpdate): ReadonlyArray<bigint> => {
  switch (update.type) {
    case "peerReady":
      return [];
    case "neighbors":
      return [...update.tables.predecessors, ...update.tables.successors];
    case "full":
      return [...update.tables.predecessors, ...update.tables.successors, ...update.tables.fingers];
  }
};

/** Update for neighbours; `full` (with fingers "in numerically ascending order") for who has asked. §10.7. */
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
