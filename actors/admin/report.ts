/** A live overlay seen from one node, as plain values for JSON. */
import { DateTime, Effect } from "effect";
import type { Endpoint, NodeId } from "../../codecs/reload/mod.ts";
import { nodeIdText } from "../../codecs/shared/mod.ts";
import { distance, RING_SIZE } from "../../machines/reload/mod.ts";
import type { NodeStatus, OverlayNode } from "../reload/mod.ts";
import { REPORT_VERSION, type RingReport, type SeenLookUp, type SeenNode } from "./form.ts";

/** What a report needs to know of a node. */
export type Reported = Pick<
  OverlayNode,
  "nodeId" | "host" | "port" | "configuration" | "status" | "counters" | "refusals"
>;

export interface ReportedTimes {
  readonly startedMs: number;
  readonly nowMs: number;
  readonly certificateEndsMs: number;
}

export const reportOf = (node: Reported, { startedMs, nowMs, certificateEndsMs }: ReportedTimes) =>
  Effect.map(node.status, (status): RingReport => {
    const { name, sequence } = node.configuration.now();
    const seen = seenFrom(node.nodeId, status.addresses);
    const { successors, predecessors, fingers, linked } = status;
    return {
      version: REPORT_VERSION,
      overlay: name,
      configurationSequence: sequence,
      nodeId: nodeIdText(node.nodeId),
      place: partOf(node.nodeId),
      address: addressText(node),
      state: status.state,
      upSeconds: Math.max(0, Math.round((nowMs - startedMs) / 1_000)),
      certificateExpires: isoOf(certificateEndsMs),
      share: status.share,
      nodesSeen: new Set([node.nodeId, ...successors, ...predecessors, ...fingers, ...linked]).size,
      nodesEstimated: estimatedNodes(node.nodeId, successors, predecessors),
      successors: successors.map(seen),
      predecessors: predecessors.map(seen),
      fingers: fingers.map(seen),
      links: linked.map(seen),
      ...storedOf(status),
      lookUps: status.lookUps.map(seenLookUp),
      counters: { ...node.counters },
      refusals: { ...node.refusals },
    };
  });

const seenFrom =
  (self: NodeId, addresses: ReadonlyMap<NodeId, Endpoint>) =>
  (node: NodeId): SeenNode => {
    const address = addresses.get(node);
    return {
      nodeId: nodeIdText(node),
      distance: partOf(distance(self, node)),
      place: partOf(node),
      address: address === undefined ? null : addressText(address),
    };
  };

const seenLookUp = (one: NodeStatus["lookUps"][number]): SeenLookUp => ({
  at: isoOf(one.endedMs),
  milliseconds: Math.round(one.endedMs - one.begunMs),
  place: Math.floor(PLACES * partOf(one.resource)) / PLACES,
  firstHop: textOf(one.firstHop),
  lastHop: textOf(one.lastHop),
  responsible: textOf(one.responsible),
  responsiblePlace: one.responsible === undefined ? null : partOf(one.responsible),
  hops: one.hops ?? null,
  outcome: one.outcome,
});
const PLACES = 1_000;
const textOf = (node: NodeId | undefined): string | null => (node === undefined ? null : nodeIdText(node));

const storedOf = ({ stored, primaries, replicas, quota, quotaUsed }: NodeStatus) => {
  const sum = (of: Readonly<Record<string, number>>) => Object.values(of).reduce((total, count) => total + count, 0);
  const byNode = [...new Set([...Object.keys(primaries), ...Object.keys(replicas)])]
    .map((nodeId) => ({ nodeId, primaries: primaries[nodeId] ?? 0, replicas: replicas[nodeId] ?? 0 }))
    .sort((a, b) => b.primaries - a.primaries || b.replicas - a.replicas || (a.nodeId < b.nodeId ? -1 : 1));
  return {
    stored: { resources: stored, primaries: sum(primaries), replicas: sum(replicas) },
    quota: { limit: quota, used: quotaUsed, byNode },
  };
};

/**
 * Neighbours on both sides that meet are the whole ring. Otherwise the density between the farthest
 * predecessor and the farthest successor is assumed for the whole ring.
 */
export const estimatedNodes = (
  self: NodeId,
  successors: ReadonlyArray<NodeId>,
  predecessors: ReadonlyArray<NodeId>,
): number => {
  const last = successors.at(-1);
  const first = predecessors.at(-1);
  const known = new Set([self, ...successors, ...predecessors]);
  if (last === undefined || first === undefined || successors.some((node) => predecessors.includes(node)))
    return known.size;
  const stretch = partOf(distance(first, self)) + partOf(distance(self, last));
  return stretch === 0 ? known.size : Math.max(known.size, Math.round((known.size - 1) / stretch));
};

/** An identifier as a part of the whole ring, 0 to 1. */
const partOf = (id: bigint): number => Number(id) / Number(RING_SIZE);

export const addressText = ({ host, port }: Endpoint): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;

/** ISO 8601. */
export const isoOf = (ms: number): string => DateTime.formatIso(DateTime.makeUnsafe(ms));
