/** The state of a node as its operator sees it. */
import { Effect } from "effect";
import type { Endpoint, NodeId } from "../../codecs/reload/mod.ts";
import { ownedFraction, type PeerState } from "../../machines/reload/mod.ts";
import type { ConfigurationState } from "./configuration-state.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Links } from "./links.ts";
import type { Sender } from "./sender.ts";
import type { ValueStorage, ValueStorageStatus } from "./storage.ts";
import type { Usage } from "./usage.ts";

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
}

export interface StatusParts {
  readonly configuration: Pick<ConfigurationState, "now">;
  readonly lifecycle: Lifecycle;
  readonly sender: Pick<Sender, "view" | "links">;
  readonly storage: Pick<ValueStorage, "status">;
  readonly links: Links;
  readonly usage: Pick<Usage, "used">;
}

export const statusOf = ({ configuration, lifecycle, sender, storage, links, usage }: StatusParts) =>
  Effect.gen(function* (): Effect.fn.Return<NodeStatus> {
    const view = sender.view();
    const { successors, predecessors, fingers, linked } = view;
    const stored = yield* storage.status;
    const quotaUsed = yield* usage.used;
    const remote = [...sender.links].flatMap(([node, [link]]) =>
      link === undefined ? [] : [[node, link.at] as const],
    );
    const reached = links.reached();
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
    };
  });
