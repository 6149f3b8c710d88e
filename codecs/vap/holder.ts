/**
 * The stored owner of a VService: the user that published it here first, and since when.
 *
 *   key     VServiceID (8)
 *   value   version (1) || since, milliseconds since 1970 (8) || user name
 */
import { constant, decode, encode, struct, textVector, u8, u16, u64 } from "../wire/mod.ts";

const HOLDER_VERSION = 1;

const HolderRecord = struct("HolderRecord", "this project's store", {
  version: constant(u8, HOLDER_VERSION),
  sinceMs: u64,
  username: textVector(u16),
});

export interface KeptHolder {
  readonly vservice: bigint;
  readonly username: string;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
}

export const holderKey = (vservice: bigint): Uint8Array => encode(u64, vservice);

export const encodeHolder = ({ username, sinceMs }: Omit<KeptHolder, "vservice">): Uint8Array =>
  encode(HolderRecord, { username, sinceMs: BigInt(sinceMs) });

/** Undefined for bytes that no version of this program wrote. */
export const decodeHolder = (key: Uint8Array, value: Uint8Array): KeptHolder | undefined => {
  const [of, read] = [decode(u64, key), decode(HolderRecord, value)];
  if (!of.ok || !read.ok) return undefined;
  return { vservice: of.value, username: read.value.username, sinceMs: Number(read.value.sinceMs) };
};
