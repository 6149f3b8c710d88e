/**
 * Fingers: links across the ring, one in each half, quarter, eighth. Attached to when a node joins, searched for at leisure.
 * RFC 6940 §10.5, §10.7.4.2. Decisions only.
 */
import type { NodeId } from "../../codecs/reload/mod.ts";
import type { Of } from "../kit/mod.ts";
import { inTurn } from "./in-turn.ts";
import type { PeerContext, PeerDecision, PeerEvent } from "./peer-types.ts";
import { distance, fingerRange, fingersOf, isBetween, isOneOf } from "./ring.ts";
import { attachBody, attachTo, resourceAt } from "./stabilize.ts";
import { peersOf, viewOf } from "./table.ts";

/** Finger entries to search for: those whose beginning is not in a neighbour's part of the ring, farthest first. */
const openFingers = (context: PeerContext): ReadonlyArray<number> => {
  const table = fingersOf(context.table.self, peersOf(context.table), context.settings.fingers);
  return farEntries(context).filter((entry) => table[entry - 1] === undefined);
};

/** Peers that one entry of the Finger Table is searched for. */
const PEERS_OF_ENTRY = 2;
/** Entries with one peer alone, farthest first: a second one, somewhere else in the range, shortens the way. */
const thinFingers = (context: PeerContext): ReadonlyArray<number> => {
  const { self } = context.table;
  const far = peersOf(context.table).map((peer) => distance(self, peer));
  return farEntries(context).filter((entry) => {
    const { size } = fingerRange(self, entry);
    return far.filter((steps) => steps >= size && steps < 2n * size).length < PEERS_OF_ENTRY;
  });
};

const farEntries = (context: PeerContext): ReadonlyArray<number> => {
  const { self, successors, predecessors } = viewOf(context.table);
  const farthest = successors[successors.length - 1];
  const earliest = predecessors[predecessors.length - 1];
  if (farthest === undefined || earliest === undefined || isWhole(self, farthest, earliest, successors)) return [];
  return Array.from({ length: context.settings.fingers }, (_, i) => i + 1).filter((entry) => {
    const { from } = fingerRange(self, entry);
    return !(isBetween(self, from, farthest) || isBetween(earliest, from, self));
  });
};

/** Successors and predecessors overlap: the neighbours are the whole ring. */
const isWhole = (self: NodeId, farthest: bigint, earliest: bigint, successors: ReadonlyArray<NodeId>): boolean =>
  isOneOf(successors, earliest) || distance(self, earliest) <= distance(self, farthest);

/** "In order to set up its i'th Finger Table entry, JN MUST send an Attach to peer n+2^(128-i)", §10.5. */
export const attachFingers = (context: PeerContext): PeerDecision<"request"> => {
  const entries = openFingers(context).filter((entry) => !context.searching.includes(entry));
  if (entries.length === 0) return {};
  return {
    context: { searching: [...context.searching, ...entries] },
    actions: entries.map((entry) => ({
      type: "request",
      request: { type: "finger", entry },
      destinations: [resourceAt(fingerRange(context.table.self, entry).from)],
      over: undefined,
      body: { type: "attachReq", value: attachBody(context) },
    })),
  };
};

/** The Attach for an entry is over, one way or the other. */
export const fingerSought = (
  context: PeerContext,
  { request }: Of<PeerEvent, "answered" | "failed">,
): PeerDecision<never> =>
  request.type === "finger"
    ? { context: { searching: context.searching.filter((entry) => entry !== request.entry) } }
    : {};

/** "If using reactive recovery, the peer MUST initiate a search for a new Finger Table entry", §10.7.2. */
export const fingerLost =
  (wasFinger: boolean) =>
  (context: PeerContext): PeerDecision<"request"> =>
    wasFinger && context.settings.reactive && context.table.joined ? attachFingers(context) : {};

/** "each time an invalid entry is encountered, send a Ping to replace that entry with probability 0.5", §10.7.4.2. */
const searchFinger =
  (draw: bigint) =>
  (context: PeerContext): PeerDecision<"request"> => {
    const empty = openFingers(context);
    const open = empty.length > 0 ? empty : thinFingers(context);
    const entry = open.find((_, i) => (draw >> BigInt(i)) & 1n) ?? open[0];
    if (entry === undefined) return {};
    const { from, size } = fingerRange(context.table.self, entry);
    // 64 random bits, spread over a range that is far wider.
    const at = from + ((draw * size) >> 64n);
    return {
      actions: [
        {
          type: "request",
          request: { type: "search", entry },
          destinations: [resourceAt(at)],
          over: undefined,
          body: { type: "pingReq", value: { padding: new Uint8Array() } },
        },
      ],
    };
  };

/** A search has found a peer: it is worth a link when it lies in the entry's range. */
export const fingerFound = (
  context: PeerContext,
  { request, signer }: Of<PeerEvent, "answered">,
): PeerDecision<"startTimer" | "request"> => {
  if (request.type !== "search") return {};
  const { from, size } = fingerRange(context.table.self, request.entry);
  return distance(from, signer) < size ? attachTo([signer], undefined)(context) : {};
};

/** "A peer MUST periodically search for new peers to replace invalid entries in the Finger Table", §10.7.4.2. */
export const pingNow = (
  context: PeerContext,
  { draw }: Of<PeerEvent, "timerFired">,
): PeerDecision<"request" | "startTimer"> => {
  const { ping } = context.settings.timing;
  return inTurn(context, searchFinger(draw), () => ({
    actions: [{ type: "startTimer", timer: "ping", ms: ping, spreadMs: ping / 4 }],
  }));
};
