/**
 * The nodes that Updates have named and that are not linked: candidates for the place of a neighbour that is lost. RFC 6940
 * §10.7.3. Functions only.
 */
import type { NodeId } from "../../codecs/reload/mod.ts";
import type { PeerContext, PeerDecision } from "./peer-types.ts";
import { distance } from "./ring.ts";
import type { Table } from "./table.ts";

/** Nodes remembered from Updates, beside those linked; the nearest ones. */
const CANDIDATES_MAX = 64;
/** Nodes looked at in one Update: room for any table of ours, and not for the thousands that fit into a message. */
export const HEARD_MAX = 512;

/** What an Update adds to those we know of. Our peers need no remembering. A list that is full is sorted, nearest first. */
export const withCandidates = (
  table: Table,
  candidates: ReadonlyArray<NodeId>,
  heard: ReadonlyArray<NodeId>,
): ReadonlyArray<NodeId> => {
  const far = (node: NodeId) => {
    const after = distance(table.self, node);
    const before = distance(node, table.self);
    return after < before ? after : before;
  };
  const reach = candidates.length < CANDIDATES_MAX ? undefined : far(candidates[CANDIDATES_MAX - 1]!);
  const looked = heard.slice(0, HEARD_MAX);
  const near = reach === undefined ? looked : looked.filter((node) => far(node) < reach);
  if (near.length === 0) return candidates; // as of most Updates from fingers
  const old = new Set([table.self, ...table.peers, ...candidates]);
  const fresh = [...new Set(near)].filter((node) => !old.has(node));
  if (fresh.length === 0) return candidates;
  const all = [...candidates, ...fresh];
  if (all.length < CANDIDATES_MAX) return all;
  const ranked = all.map((node) => ({ node, far: far(node) })).sort((a, b) => (a.far < b.far ? -1 : 1));
  return ranked.slice(0, CANDIDATES_MAX).map(({ node }) => node);
};

/** A node is no candidate any more. */
export const notCandidate =
  (node: NodeId) =>
  ({ candidates }: PeerContext): PeerDecision<never> =>
    candidates.includes(node) ? { context: { candidates: candidates.filter((other) => other !== node) } } : {};
