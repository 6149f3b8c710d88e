/**
 * A VServiceID: 64 bits that name a call agent's service in claims, call records and tickets. draft-jennings-vipr-vap-02 §8.3.
 * A type of its own, so that no Node-ID, instance id or timestamp is taken for one; at run time it is a bigint.
 */
import { shownAs, type Uint, u64 } from "../wire/mod.ts";
import type { Branded } from "./brand.ts";

/** 64 bits, made by `vserviceId` or read from a field. */
export type VServiceId = Branded<bigint, "VServiceId">;

/** A field with a VServiceID. */
export const vservice64 = shownAs(u64, "hex") as Uint<VServiceId>;

/** `id`: 0 to 2^64-1, drawn at random, read from a text, or written in the program. */
export const vserviceId = (id: bigint): VServiceId => id as VServiceId;
