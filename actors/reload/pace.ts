/**
 * How fast one neighbour is listened to. A signature costs some hundred microseconds to check, and all links share one
 * thread: who sends faster than its rate is read no faster, waits in its own socket, and takes nothing from the others.
 *
 *   message of a neighbour --> a token? -- yes --> routed, delivered
 *                                 \------ no ---> its link waits; TCP holds the sender
 *
 * By Node-ID: a second link, or a new one, has no second bucket. RFC 6940 §13.6.5 leaves the means to us.
 * DECISIONS.md D-014.
 */

import { Clock, Effect } from "effect";
import type { NodeId } from "../../codecs/reload/mod.ts";
import { keepNewest } from "../../codecs/shared/mod.ts";
import { type Bucket, fullBucket, take, waitMs } from "../../machines/reload/mod.ts";

/** Buckets kept; the one longest unused goes first, and by then is full. */
const NEIGHBOURS_MAX = 1_024;

export type Pace = (node: NodeId) => Effect.Effect<void>;

/** Waits until that node may speak again: `perSecond` messages, and twice as many at once. */
export const makePace = (perSecond: number): Pace => {
  const buckets = new Map<NodeId, Bucket>();
  return Effect.fnUntraced(function* (node) {
    while (true) {
      const atMs = yield* Clock.currentTimeMillis;
      const bucket = buckets.get(node) ?? fullBucket(perSecond, atMs);
      const left = take(bucket, perSecond, atMs);
      keepNewest(buckets, NEIGHBOURS_MAX, node, left ?? bucket);
      if (left === undefined) yield* Effect.sleep(waitMs(bucket, perSecond, atMs));
      else return yield* Effect.yieldNow; // the next link's turn, however much this one has in hand
    }
  });
};
