/**
 * The links of a node: those whose other end is not known yet, and the Connection Table: the open ones, by Node-ID. RFC 6940 §3.1.
 *
 * Two nodes that dial each other may both succeed, so that a node may have several links. The newest is the one used; the
 * first makes the node a neighbour, and the loss of the last ends that.
 */
import type { Endpoint, FramedMessage, NodeId } from "../../codecs/reload/mod.ts";
import { keepNewest } from "../../codecs/shared/mod.ts";
import type { Remainder } from "../../codecs/wire/mod.ts";
import type { reloadLink } from "../reload/mod.ts";
import type { NodeStream } from "./types.ts";

/** Links to one node at once. */
export const LINKS_PER_NODE_MAX = 3;
/** Nodes whose addresses are remembered; the one learned first is dropped first. */
const ADDRESSES_MAX = 1_024;

export interface Link {
  readonly id: number;
  /** As it was dialled: where to, and for which node; undefined for a link that another node has dialled. */
  readonly dialled: { readonly endpoint: Endpoint; readonly expected: NodeId | undefined } | undefined;
  /** Undefined while it is being dialled. */
  stream: NodeStream | undefined;
  /** The Node-IDs of the certificate at the other end, once its chain is checked. */
  names: ReadonlyArray<NodeId>;
  /** Which of them it is, once that is known. */
  node: NodeId | undefined;
  /** It has been in the Connection Table. */
  isEntered: boolean;
  snapshot: ReturnType<typeof reloadLink.start>["snapshot"] | undefined;
  remainder: Remainder;
  /** Read, and waiting for their turn. */
  readonly frames: Array<FramedMessage>;
  /** Messages that came before its other end was identified, and go before the frames. */
  readonly early: Array<Uint8Array>;
  /** Its message is being verified. */
  isBusy: boolean;
  /** A message that waits until the neighbour's rate allows it. */
  held: Uint8Array | undefined;
  /** The host has been told to read no more. */
  isPaused: boolean;
  /** The stream is no RELOAD from here on: why, and what is there of a message that may be too long. */
  fault: { readonly why: string; readonly start: Uint8Array } | undefined;
  /** A fault has been dealt with, and a moment is left for the answer to it. */
  isEnding: boolean;
  /** It shows our own Node-ID, and is given time to look at our certificate. */
  isShowing: boolean;
  /** The other end is asked which of its names it is: that transaction, and what it sent meanwhile. */
  greeting: { readonly transactionId: bigint; readonly buffered: Array<Uint8Array> } | undefined;
  /** It may send more than Pings and Attaches. */
  isAttached: boolean;
}

export interface LinkTable {
  readonly links: Map<number, Link>;
  /** The open ones by Node-ID, the newest last. */
  readonly byNode: Map<NodeId, Array<Link>>;
  /** Links that a dial to an address brought: those to bootstrap nodes. */
  readonly visits: Map<NodeId, Link>;
  readonly dialledAt: Map<NodeId, Endpoint>;
  /** Where nodes listen, as their Attaches say. */
  readonly addresses: Map<NodeId, Endpoint>;
  /** Of the last link that was dialled. */
  lastId: number;
}

export const makeLinkTable = (): LinkTable => ({
  links: new Map(),
  byNode: new Map(),
  visits: new Map(),
  dialledAt: new Map(),
  addresses: new Map(),
  lastId: 0,
});

export const newestLink = ({ byNode }: LinkTable, node: NodeId): Link | undefined => byNode.get(node)?.at(-1);

export const isFull = ({ byNode }: LinkTable, node: NodeId): boolean =>
  (byNode.get(node) ?? []).length >= LINKS_PER_NODE_MAX;

export const learnAddress = ({ addresses }: LinkTable, node: NodeId, endpoint: Endpoint): void =>
  keepNewest(addresses, ADDRESSES_MAX, node, endpoint);

/** True when this makes the node a neighbour. */
export const enter = (table: LinkTable, link: Link, node: NodeId): boolean => {
  const others = (table.byNode.get(node) ?? []).filter((other) => other !== link);
  table.byNode.set(node, [...others, link]);
  if (link.dialled !== undefined) {
    if (link.dialled.expected === undefined) table.visits.set(node, link);
    table.dialledAt.set(node, link.dialled.endpoint);
  }
  return others.length === 0;
};

/** True when the node is no neighbour any more. */
export const remove = (table: LinkTable, link: Link, node: NodeId): boolean => {
  const before = table.byNode.get(node) ?? [];
  const left = before.filter((other) => other !== link);
  if (left.length > 0) table.byNode.set(node, left);
  else {
    table.byNode.delete(node);
    table.dialledAt.delete(node);
  }
  if (table.visits.get(node) === link) table.visits.delete(node);
  return left.length === 0 && before.length > 0;
};

/** Where linked nodes listen: as their Attaches say, or as we dialled them. */
export const reached = ({ byNode, addresses, dialledAt }: LinkTable): ReadonlyMap<NodeId, Endpoint> => {
  const attached = [...addresses].filter(([node]) => byNode.has(node));
  return new Map([...attached, ...dialledAt]);
};
