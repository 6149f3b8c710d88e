/**
 * Limits how many messages a second are read from each neighbour, by a token bucket. A signature takes some hundred
 * microseconds to verify, and all links share one thread: a neighbour that sends faster is held up by its own TCP window,
 * and the others are not slowed down.
 *
 *   message of a neighbour --> a token? -- yes --> routed, delivered
 *                                 \------ no ---> its link waits; TCP holds the sender
 *
 * The bucket belongs to the Node-ID: a second link, or a new one, has no second bucket. RFC 6940 §13.6.5 leaves the means to us.
 * DECISIONS.md D-014.
 */

import { Clock, Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { keepNewest } from "../../codecs/shared/mod.ts";
import { type Bucket, fullBucket, take, waitMs } from "../../machines/reload/mod.ts";

/** Buckets remembered. The one longest unused is dropped first; it is full again by then. */
const NEIGHBOURS_MAX = 1_024;

export type NeighbourRate = (node: NodeId) => Effect.Effect<void>;

/** Waits until one more message of that node may be read: `perSecond` messages, and a burst of twice as many. */
export const makeNeighbourRate = (perSecond: number): NeighbourRate => {
  const buckets = new Map<NodeId, Bucket>();
  return Effect.fnUntraced(function* (node) {
    while (true) {
      const atMs = yield* Clock.currentTimeMillis;
      const bucket = buckets.get(node) ?? fullBucket(perSecond, atMs);
      const left = take(bucket, perSecond, atMs);
      keepNewest(buckets, NEIGHBOURS_MAX, node, left ?? bucket);
      if (left === undefined) yield* Effect.sleep(waitMs(bucket, perSecond, atMs));
      else return yield* Effect.yieldNow; // other links get their turn, however much this one has buffered
    }
  });
};
