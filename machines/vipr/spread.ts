/**
 * Which of a server's nodes publishes a number. Each number prefers the nodes in an order of its own, the same after every
 * restart; a node that is full is passed over, so that a domain with more numbers than one quota publishes them all.
 * Rendezvous hashing; functions only. DECISIONS.md D-067.
 */
import type { E164 } from "../../codecs/shared/mod.ts";

/** The nodes by their places in the server's list, the preferred one first. */
export const nodeOrder = (number: E164, nodes: number): ReadonlyArray<number> =>
  Array.from({ length: nodes }, (_, node) => ({ node, weight: mixed(`${node}/${number}`) }))
    .sort((a, b) => b.weight - a.weight || a.node - b.node)
    .map(({ node }) => node);

/** FNV-1a over the text, stirred once more so that the last digit reaches every bit. Speed, not secrecy. */
const mixed = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
};

/** What is known of one node: entries it has in the overlay of how many it may have, and whether this number is one of them. */
export interface NodeRoom {
  readonly used: number;
  readonly quota: number;
  readonly holds: boolean;
}

/** The nodes to try for a number, in turn: the one that has it already, else those with room. Empty: no room anywhere. */
export const nodesToTry = (number: E164, rooms: ReadonlyArray<NodeRoom>): ReadonlyArray<number> => {
  const order = nodeOrder(number, rooms.length);
  const holder = order.find((node) => rooms[node]!.holds);
  return holder === undefined ? order.filter((node) => rooms[node]!.used < rooms[node]!.quota) : [holder];
};
