/**
 * A node that has had its place for long: the machine of peer.ts in its settled state, with a table that is given instead of
 * gathered. For a simulation of ten thousand nodes, which need not join one after the other. Functions only.
 * DECISIONS.md D-071.
 */
import type { NodeId } from "../../codecs/reload/mod.ts";
import type { Snapshot } from "../kit/mod.ts";
import { contextOf, settle } from "./joining.ts";
import { reloadPeer } from "./peer.ts";
import type { PeerAction, PeerContext, PeerSettings } from "./peer-types.ts";
import type { RingView } from "./ring.ts";
import { emptyTable, viewOf, withJoined, withPeers } from "./table.ts";

/** Rounds of Updates behind it: the next one comes after the longest interval. */
const CALM = 20;
/** The orders of settling that are still needed: the ring for the storage, the timers, the report. Updates and searches are not. */
const ORDERED: ReadonlySet<PeerAction["type"]> = new Set(["ring", "startTimer", "report"]);

/** `peers`: every node it has a link with, all of them peers; in any order. */
export const settledPeer = (
  settings: PeerSettings,
  peers: ReadonlyArray<NodeId>,
  atMs: number,
): { readonly snapshot: Snapshot<PeerContext>; readonly actions: ReadonlyArray<PeerAction> } => {
  const context = contextOf(settings);
  const made = settle({ ...context, calm: CALM, table: withPeers(context.table, peers) }, atMs);
  return {
    snapshot: reloadPeer.resume("settled", { ...context, ...made.context, searching: [] }), // no finger is looked for
    actions: (made.actions ?? []).filter(({ type }) => ORDERED.has(type)),
  };
};

/** What such a node knows of the ring. */
export const viewWith = (self: NodeId, peers: ReadonlyArray<NodeId>, neighbours: number, fingers: number): RingView =>
  viewOf(withJoined(withPeers(emptyTable(self, neighbours, fingers), peers)));
