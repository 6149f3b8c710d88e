/**
 * A validated route that no call agent has on its disk yet, as the server's store keeps it.
 *
 *   key     VServiceID (8) || number, as text
 *   value   version (1) || kept since, milliseconds since 1970 (8) || ValInfo
 */
import { type E164, isE164, type VServiceId, vservice64 } from "../shared/mod.ts";
import { constant, decode, encode, rest, struct, u8, u64 } from "../wire/mod.ts";

const KEPT_ROUTE_VERSION = 1;

const KeptRouteKey = struct("KeptRouteKey", "this project's store", { vservice: vservice64, number: rest });
const KeptRouteRecord = struct("KeptRouteRecord", "this project's store", {
  version: constant(u8, KEPT_ROUTE_VERSION),
  sinceMs: u64,
  content: rest,
});

/** A route that waits for a call agent to fetch it. */
export interface KeptRoute {
  readonly vservice: VServiceId;
  readonly number: E164;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
  /** What its Notify brings: a ValInfo. */
  readonly content: Uint8Array;
}

/** Its key in the store; all of a VService lie together. */
export const keptRouteKey = ({ vservice, number }: Pick<KeptRoute, "vservice" | "number">): Uint8Array =>
  encode(KeptRouteKey, { vservice, number: new TextEncoder().encode(number) });

/** The stored value of a route. */
export const encodeKeptRoute = ({ sinceMs, content }: Pick<KeptRoute, "sinceMs" | "content">): Uint8Array =>
  encode(KeptRouteRecord, { sinceMs: BigInt(sinceMs), content });

/** Undefined for bytes that no version of this program wrote. */
export const decodeKeptRoute = (key: Uint8Array, value: Uint8Array): KeptRoute | undefined => {
  const [of, read] = [decode(KeptRouteKey, key), decode(KeptRouteRecord, value)];
  if (!of.ok || !read.ok) return undefined;
  const number = new TextDecoder().decode(of.value.number);
  if (!isE164(number)) return undefined;
  const { sinceMs, content } = read.value;
  return { vservice: of.value.vservice, number, sinceMs: Number(sinceMs), content };
};
