/**
 * Events from parts of a node to parts that are made after them: a part puts them into one queue, and node.ts hands each to
 * the part that its table names. So nothing is called before it is made.
 */

import { Effect, FiberSet, Queue, type Scope } from "effect";
import type { Endpoint, NodeId } from "../../codecs/reload/mod.ts";

/** Events that wait until the links are made. */
const EVENTS_MAX = 256;

export type NodeEvent =
  /** From the peer: open a link to the node that listens there, whichever it is. */
  | { readonly type: "dial"; readonly endpoint: Endpoint }
  /** From the peer: close the link that `dial` brought to that node. */
  | { readonly type: "release"; readonly node: NodeId }
  | { readonly type: "connect"; readonly node: NodeId; readonly endpoint: Endpoint }
  /** From the storage: that node has received all values it is responsible for. */
  | { readonly type: "handedOver"; readonly to: NodeId };

/** What is done about each event. */
export type NodeTable = {
  readonly [K in NodeEvent["type"]]: (event: Extract<NodeEvent, { readonly type: K }>) => Effect.Effect<void>;
};

export interface NodeEvents {
  readonly emit: (event: NodeEvent) => Effect.Effect<void>;
  /** From here on events are acted on, each in a fiber of its own: a dial does not hold up what comes after it. */
  readonly route: (table: NodeTable) => Effect.Effect<void, never, Scope.Scope>;
}

export const makeNodeEvents: Effect.Effect<NodeEvents, never, Scope.Scope> = Effect.gen(function* () {
  const queue = yield* Queue.bounded<NodeEvent>(EVENTS_MAX);
  const acting = yield* FiberSet.make();
  const emit = (event: NodeEvent) => Effect.asVoid(Queue.offer(queue, event));
  const route = (table: NodeTable) =>
    Effect.asVoid(
      Effect.forkScoped(
        Effect.forever(Effect.flatMap(Queue.take(queue), (event) => FiberSet.run(acting, actOn(table, event)))),
      ),
    );
  return { emit, route };
});

const actOn = (table: NodeTable, event: NodeEvent): Effect.Effect<void> => {
  switch (event.type) {
    case "dial":
      return table.dial(event);
    case "release":
      return table.release(event);
    case "connect":
      return table.connect(event);
    case "handedOver":
      return table.handedOver(event);
  }
};
