/**
 * A Node-ID as a type of its own: a bigint that no VServiceID, timestamp or other marked number can be taken for, nor the
 * reverse. The mark exists for the compiler only. RFC 6940 §6.3.1; 128 bits are this overlay's choice, §11.1.
 *
 * A plain bigint is accepted: a place on the ring is computed from Node-IDs, and tests write them as literals.
 */
import type { Branded } from "../shared/mod.ts";
import { type Uint, u128 } from "../wire/mod.ts";

export type NodeId = bigint & Partial<Branded<object, "NodeId">>;
export const NodeId: Uint<NodeId> = u128;
