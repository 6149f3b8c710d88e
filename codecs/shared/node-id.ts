/**
 * A Node-ID as a type of its own: no plain bigint, VServiceID or timestamp can be taken for one, nor the reverse. The mark
 * exists for the compiler only. RFC 6940 §6.3.1; 128 bits are this overlay's choice, §11.1.
 *
 * Positions on the ring, which Node-IDs are compared with, are plain bigints: a Resource-ID, a finger's target. DECISIONS.md D-116.
 */
import { type Uint, u128 } from "../wire/mod.ts";
import type { Branded } from "./brand.ts";

export type NodeId = Branded<bigint, "NodeId">;
/** A field with a Node-ID. */
export const NodeId = u128 as Uint<NodeId>;

/** `id`: 0 to 2^128-1, drawn at random, read from a text, or written in the program. */
export const nodeIdFrom = (id: bigint): NodeId => id as NodeId;

/** A Node-ID as it is written: 32 hex digits. */
export const nodeIdText = (id: NodeId): string => id.toString(16).padStart(32, "0");
