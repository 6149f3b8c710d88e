/**
 * Numbers are spread over a server's nodes, each of which has a quota and a rate of its own.
 * docs/protocol/overlay.md#the-vipr-usage.
 * Requirements: ViPR overview §4.
 */
import { Effect } from "effect";
import type { E164, VServiceId } from "../../codecs/shared/mod.ts";
import { type NodeRoom, nodeOrder, nodesToTry } from "../../machines/vipr/mod.ts";
import {
  type OverlayError,
  type OverlayNode,
  publishedLife,
  publishNumber,
  type StoredLife,
  withdrawNumber,
} from "../reload/mod.ts";

export interface Publishing {
  /** Stores by the node that has the number already, else by one with room; by another when the peer has no room for that one. */
  readonly store: (vservice: VServiceId, number: E164) => Effect.Effect<void, { readonly why: string }>;
  /** When the number was last stored in the overlay and when it expires there, whichever node has stored it; undefined: none has. */
  readonly life: (vservice: VServiceId, number: E164) => Effect.Effect<StoredLife | undefined>;
  /** Its end, in milliseconds since 1970. */
  readonly endMs: (vservice: VServiceId, number: E164) => Effect.Effect<number | undefined>;
  /** By each node that has stored it. */
  readonly withdraw: (vservice: VServiceId, number: E164) => Effect.Effect<void, { readonly why: string }>;
  /** The node to ask about a number: always the same. */
  readonly nodeFor: (number: E164) => OverlayNode;
}

export const openPublishing = (nodes: ReadonlyArray<OverlayNode>): Publishing => {
  const roomFor = (vservice: VServiceId, number: E164) => (node: OverlayNode) =>
    Effect.gen(function* (): Effect.fn.Return<NodeRoom> {
      const holds = (yield* publishedLife(node, number, vservice)) !== undefined;
      return { holds, used: yield* node.used, quota: node.configuration.now().quota };
    });

  const store: Publishing["store"] = Effect.fn("vipr.publish")(function* (vservice, number) {
    const rooms = yield* Effect.forEach(nodes, roomFor(vservice, number));
    let why = "the quota of every node is used up";
    for (const index of nodesToTry(number, rooms)) {
      const tried = yield* Effect.result(publishNumber(nodes[index]!, number, vservice));
      if (tried._tag === "Success") return;
      why = whyOf(tried.failure);
      if (!isFull(tried.failure)) break;
    }
    return yield* Effect.fail({ why });
  });

  const life: Publishing["life"] = Effect.fnUntraced(function* (vservice, number) {
    const lives = yield* Effect.forEach(nodes, (node) => publishedLife(node, number, vservice));
    return lives.find((one) => one !== undefined);
  });

  return {
    store,
    life,
    endMs: (vservice, number) => Effect.map(life(vservice, number), (found) => found?.endMs),
    withdraw: (vservice, number) =>
      Effect.forEach(
        nodes,
        Effect.fnUntraced(function* (node) {
          if ((yield* publishedLife(node, number, vservice)) === undefined) return;
          yield* Effect.mapError(withdrawNumber(node, number, vservice), (error) => ({ why: whyOf(error) }));
        }),
        { discard: true },
      ),
    nodeFor: (number) => nodes[nodeOrder(number, nodes.length)[0]!]!,
  };
};

const whyOf = (error: OverlayError): string =>
  error._tag === "OverlayRefused" ? `${error.code} ${error.info}` : error.why;
/** The peer stores as much for this node as it may; for another node it may store more. */
const isFull = (error: OverlayError): boolean => error._tag === "OverlayRefused" && error.info === "quota";
