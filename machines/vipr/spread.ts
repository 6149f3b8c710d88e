/**
 * Which of a server's nodes publishes a number. Each number prefers the nodes in an order of its own, the same after every
 * restart; a node that is full is passed over, so that a domain with more numbers than one quota publishes them all.
 * Rendezvous hashing; functions only. DECISIONS.md D-067.
 */
import type { E164 } from "../../codecs/shared/mod.ts";

/** Indices into the server's list of nodes, the preferred node first. */
export const nodeOrder = (number: E164, nodes: number): ReadonlyArray<number> =>
  Array.from({ length: nodes }, (_, node) => ({ node, weight: hashOf(`${node}/${number}`) }))
    .sort((a, b) => b.weight - a.weight || a.node - b.node)
    .map(({ node }) => node);

/** FNV-1a of the text with a final mix, so that the last digit changes every bit. For speed, not for secrecy. */
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
};

/** One node's entries in the overlay, its quota, and whether the number is among them. */
export interface NodeRoom {
  readonly used: number;
  readonly quota: number;
  readonly holds: boolean;
}

/** The nodes to try for a number, in this order: the one that has it already, or else those with room. Empty: none has room. */
export const nodesToTry = (number: E164, rooms: ReadonlyArray<NodeRoom>): ReadonlyArray<number> => {
  const order = nodeOrder(number, rooms.length);
  const holder = order.find((node) => rooms[node]!.holds);
  return holder === undefined ? order.filter((node) => rooms[node]!.used < rooms[node]!.quota) : [holder];
};
