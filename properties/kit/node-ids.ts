/** Node-IDs for tests: written as numbers, or drawn from the whole ring. */
import fc from "fast-check";
import { type NodeId, nodeIdFrom } from "../../codecs/reload/mod.ts";

export const nodeIds = (...ids: ReadonlyArray<bigint>): ReadonlyArray<NodeId> => ids.map(nodeIdFrom);

export const anyNodeId = (min = 0n, max = (1n << 128n) - 1n): fc.Arbitrary<NodeId> =>
  fc.bigInt({ min, max }).map(nodeIdFrom);
