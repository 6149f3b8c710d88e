/**
 * The Connection Table: the open links of this node, by Node-ID. RFC 6940 §3.1.
 *
 * Two nodes that dial each other may both succeed, so that a node may have several links. The newest is the one used; the
 * first makes the node a neighbour, and the loss of the last ends that.
 */
import { Effect } from "effect";
import type { Endpoint, NodeId } from "../../codecs/reload/mod.ts";
import type { Link } from "./link.ts";
import type { Peer } from "./peer.ts";

/** Links to one node at once. */
export const LINKS_PER_NODE_MAX = 3;

export interface ConnectionTable {
  readonly has: (node: NodeId) => boolean;
  readonly isFull: (node: NodeId) => boolean;
  readonly add: (link: Link) => Effect.Effect<void>;
  readonly remove: (link: Link, why: string) => Effect.Effect<void>;
  /** A link that we dialled: where its node listens, and whether the peer asked for an address and not for a node. */
  readonly dialled: (link: Link, endpoint: Endpoint, isVisit: boolean) => void;
  /** Closes the link that a dial to an address brought; other links to that node stay. */
  readonly endVisit: (node: NodeId) => Effect.Effect<void>;
  /** Where linked nodes listen: as their Attaches say, or as we dialled them. */
  readonly reached: () => ReadonlyMap<NodeId, Endpoint>;
}

/** `links`: the sender's, which sends over them. */
export const makeConnectionTable = (
  links: Map<NodeId, Array<Link>>,
  peer: Pick<Peer, "linked" | "unlinked" | "addresses">,
): ConnectionTable => {
  /** Links that a dial to an address brought: those to bootstrap nodes. */
  const visits = new Map<NodeId, Link>();
  const dialledAt = new Map<NodeId, Endpoint>();
  return {
    has: (node) => links.has(node),
    isFull: (node) => (links.get(node) ?? []).length >= LINKS_PER_NODE_MAX,
    add: (link) =>
      Effect.suspend(() => {
        const others = (links.get(link.node) ?? []).filter((other) => other !== link);
        links.set(link.node, [...others, link]);
        return others.length === 0 ? peer.linked(link.node) : Effect.void;
      }),
    remove: (link, why) =>
      Effect.suspend(() => {
        const before = links.get(link.node) ?? [];
        const left = before.filter((other) => other !== link);
        if (left.length > 0) links.set(link.node, left);
        else links.delete(link.node);
        if (left.length === 0) dialledAt.delete(link.node);
        if (visits.get(link.node) === link) visits.delete(link.node);
        return left.length === 0 && before.length > 0 ? peer.unlinked(link.node, why) : Effect.void;
      }),
    dialled: (link, endpoint, isVisit) => {
      if (isVisit) visits.set(link.node, link);
      dialledAt.set(link.node, endpoint);
    },
    endVisit: (node) => Effect.suspend(() => visits.get(node)?.close("needed no more") ?? Effect.void),
    reached: () => {
      const attached = [...peer.addresses].filter(([node]) => links.has(node));
      return new Map([...attached, ...dialledAt]);
    },
  };
};
