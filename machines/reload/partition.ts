/**
 * Whether the ring is still one: a bootstrap node is asked now and then which peer is responsible for the place after ours. RFC 6940
 * §10.7.4.4, and §10.7.1 for a node that has lost everybody.
 *
 *   timerFired partition --> dial a bootstrap node -- dialled --> Ping n+1 over it -- answered --+--> our successor: one ring
 *            ^                                                                                 \--> another: Attach to it
 *            +-- every ten minutes; alone, soon and then ever more rarely
 *
 * Wherever two rings lie on one circle, some node of each is followed by a node of the other: that node finds it, and Updates
 * do the rest.
 * Requirements: docs/protocol/overlay.md.
 */
import type { Of } from "../kit/mod.ts";
import { inTurn } from "./in-turn.ts";
import type { PeerContext, PeerDecision, PeerEvent } from "./peer-types.ts";
import { attachTo, resourceAt } from "./stabilize.ts";
import { viewOf } from "./table.ts";

/** Each attempt of a node alone waits twice as long as the one before it: at the default pause, up to two minutes. */
const DOUBLINGS_MAX = 10;

const isAlone = ({ table }: PeerContext): boolean => table.peers.length === 0;

/** Starts the timer, or starts it anew for a node that has just lost everybody. */
export const checkLater = (context: PeerContext): PeerDecision<"startTimer"> => {
  const { timing } = context.settings;
  const alone = Math.min(timing.partition, timing.pause * 2 ** Math.min(context.tries, DOUBLINGS_MAX));
  const ms = isAlone(context) ? alone : timing.partition;
  return {
    context: { tries: isAlone(context) ? context.tries + 1 : 0 },
    actions: [{ type: "startTimer", timer: "partition", ms, spreadMs: isAlone(context) ? ms : ms / 4 }],
  };
};

/**
 * "this peer SHOULD assume that it has been disconnected ..., and it SHOULD periodically try to join", §10.7.1. One that has not joined
 * yet has its attempts to do so, and this timer would outlive them.
 */
export const checkSoonIfAlone =
  (wasAlone: boolean) =>
  (context: PeerContext): PeerDecision<"startTimer"> =>
    context.table.joined && isAlone(context) && !wasAlone ? checkLater(context) : {};

/** "periodically repeat the discovery process used in the initial join", §10.7.4.4: any of the bootstrap nodes. */
export const checkNow = (
  context: PeerContext,
  { draw }: Of<PeerEvent, "timerFired">,
): PeerDecision<"startTimer" | "dial"> => {
  const { bootstrap } = context.settings;
  if (bootstrap.length === 0) return checkLater(context); // the next document may name one again
  const endpoint = bootstrap[Number(draw % BigInt(bootstrap.length))]!;
  return inTurn(context, checkLater, () => ({ actions: [{ type: "dial", endpoint }] }));
};

/** "send a Ping for its own Node-ID routed through B": for the place after it, which in our own ring our successor answers for. */
export const pingThrough = (context: PeerContext, { node }: Of<PeerEvent, "dialled">): PeerDecision<"request"> => ({
  context: { boot: node },
  actions: [
    {
      type: "request",
      request: { type: "partition", via: node },
      destinations: [resourceAt(context.table.self + 1n)],
      over: node,
      body: { type: "pingReq", value: { padding: new Uint8Array() } },
    },
  ],
});

/** "If a response is received from peer S', which is not P's successor, then the overlay is partitioned". */
export const successorTold = (
  context: PeerContext,
  { request, signer }: Of<PeerEvent, "answered">,
): PeerDecision<"release" | "startTimer" | "request"> => {
  if (request.type !== "partition") return {};
  const { self, view } = context.table;
  const isOneRing = signer === self || signer === view.successors[0];
  // A link there may be already, and no Update over it yet: our Attach asks for one.
  return isOneRing ? releaseBoot(context) : attachTo([signer], request.via, true)(context);
};

/** A bootstrap node that is no neighbour and no finger of ours has others to serve. */
export const releaseBoot = (context: PeerContext): PeerDecision<"release"> => {
  const { boot, table } = context;
  if (boot === undefined) return {};
  const { successors, predecessors, fingers } = viewOf(table);
  const isNeeded = [successors, predecessors, fingers].some((nodes) => nodes.includes(boot));
  const isHeld = !isNeeded && table.linked.includes(boot);
  return { context: { boot: undefined }, actions: isHeld ? [{ type: "release", node: boot }] : [] };
};
