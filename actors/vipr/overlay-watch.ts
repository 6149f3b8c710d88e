/**
 * Whether this server still has its overlay: without it nobody finds what its call agents publish, and no call is validated.
 *
 *   each node's status --> out of the ring, or without a link where it had some --for OVERLAY_LOST_MS--> lost: PublishRevoke
 *                                                                  a link, in the ring --> there again: Publish is taken
 *
 * A node that has been alone from its start is a ring by itself, and has lost nothing. docs/protocol/vap.md#when-the-overlay-is-lost.
 */
import { Clock, Effect, type Scope } from "effect";
import type { NodeStatus } from "../reload/mod.ts";

/** Longer than a restart of the neighbours, or of the network between. */
export const OVERLAY_LOST_MS = 300_000;
const LOOK_EVERY_MS = 5_000;

/** What is looked at in a node. */
export interface WatchedNode {
  readonly status: Effect.Effect<Pick<NodeStatus, "state" | "linked">>;
}
export interface OverlayWatch {
  /** Why nothing can be published; undefined while the overlay is there. */
  readonly whyLost: () => string | undefined;
}

/** `lost` is run once for each loss. All nodes must have lost it. */
export const watchOverlay = Effect.fnUntraced(function* (
  nodes: ReadonlyArray<WatchedNode>,
  lost: (why: string) => Effect.Effect<void>,
  lostMs: number = OVERLAY_LOST_MS,
): Effect.fn.Return<OverlayWatch, never, Scope.Scope> {
  const hadLinks = new Set<WatchedNode>();
  let sinceMs: number | undefined;
  let why: string | undefined;

  const faultOf = Effect.fnUntraced(function* (node: WatchedNode) {
    const { state, linked } = yield* node.status;
    if (linked.length > 0) hadLinks.add(node);
    if (state !== "settled") return "the node is not in the ring";
    return linked.length === 0 && hadLinks.has(node) ? "no other node is reached" : undefined;
  });
  const look = Effect.gen(function* () {
    const faults = yield* Effect.forEach(nodes, faultOf);
    const [first] = faults;
    if (first === undefined || faults.includes(undefined)) {
      if (why !== undefined) yield* Effect.logInfo("vipr.overlay.back");
      sinceMs = why = undefined;
      return;
    }
    const nowMs = yield* Clock.currentTimeMillis;
    sinceMs ??= nowMs;
    if (why !== undefined || nowMs - sinceMs < lostMs) return;
    why = `the overlay is lost: ${first}`;
    yield* lost(why);
  });
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(LOOK_EVERY_MS), look)));
  return { whyLost: () => why };
});
