/** The state of a node as its operator sees it. */
import { Effect } from "effect";
import type { Endpoint, NodeId } from "../../codecs/reload/mod.ts";
import { type Core, type LookUp, reached as reachedIn } from "../../machines/node/mod.ts";
import { ownedFraction, type PeerState } from "../../machines/reload/mod.ts";
import type { ConfigurationState } from "./configuration-state.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Usage } from "./usage.ts";

/** What is stored here, as the machine reports it. */
export interface ValueStorageStatus {
  /** Resources, replicas included. */
  readonly stored: number;
  /** Entries by the Node-ID (hex) that signed them: those this node answers for, and replicas. */
  readonly primaries: Readonly<Record<string, number>>;
  readonly replicas: Readonly<Record<string, number>>;
}

/** What a node knows of its ring and of itself, now. */
export interface NodeStatus extends ValueStorageStatus {
  readonly state: PeerState;
  /** Nearest first. */
  readonly successors: ReadonlyArray<NodeId>;
  readonly predecessors: ReadonlyArray<NodeId>;
  readonly fingers: ReadonlyArray<NodeId>;
  /** Every node with an open link. */
  readonly linked: ReadonlyArray<NodeId>;
  /** The remote addresses of links; where the node listens, if it was dialled from here. */
  readonly addresses: ReadonlyMap<NodeId, Endpoint>;
  /** Where linked nodes listen, as far as this node has dialled them: its `known` when it starts again. */
  readonly reached: ReadonlyArray<Endpoint>;
  /** The part of the ring that this node is responsible for, 0 to 1. */
  readonly share: number;
  /** Entries that this node may store in the overlay, and how many of its own are stored there. */
  readonly quota: number;
  readonly quotaUsed: number;
  /** Our own that have ended, the newest last. */
  readonly lookUps: ReadonlyArray<LookUp>;
}

export interface StatusParts {
  readonly configuration: Pick<ConfigurationState, "now">;
  readonly lifecycle: Lifecycle;
  readonly core: Pick<Core, "view" | "table" | "storage" | "lookUps">;
  readonly usage: Pick<Usage, "used">;
}

export const statusOf = ({ configuration, lifecycle, core, usage }: StatusParts) =>
  Effect.gen(function* (): Effect.fn.Return<NodeStatus> {
    const { view, table } = core;
    const { successors, predecessors, fingers, linked } = view;
    const values = core.storage?.snapshot.context;
    const stored = {
      stored: values?.valueTable.resources ?? 0,
      primaries: values?.primaries ?? {},
      replicas: values?.replicas ?? {},
    };
    const quotaUsed = yield* usage.used;
    const remote = [...table.byNode].flatMap(([node, [link]]) =>
      link?.stream === undefined ? [] : [[node, { host: link.stream.host, port: link.stream.port }] as const],
    );
    const reached = reachedIn(table);
    return {
      ...stored,
      state: lifecycle.state(),
      successors,
      predecessors,
      fingers,
      linked,
      addresses: new Map<NodeId, Endpoint>([...remote, ...reached]),
      reached: [...reached.values()],
      share: ownedFraction(view),
      quota: configuration.now().quota,
      quotaUsed,
      lookUps: [...core.lookUps],
    };
  });
