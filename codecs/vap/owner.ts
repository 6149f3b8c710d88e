/**
 * The stored owner of a VService: the user that published it here first, and since when.
 *
 *   key     VServiceID (8)
 *   value   version (1) || since, milliseconds since 1970 (8) || user name
 */
import { type VServiceId, vservice64 } from "../shared/mod.ts";
import { constant, decode, encode, struct, textVector, u8, u16, u64 } from "../wire/mod.ts";

const OWNER_VERSION = 1;

const OwnerRecord = struct("OwnerRecord", "this project's store", {
  version: constant(u8, OWNER_VERSION),
  sinceMs: u64,
  username: textVector(u16),
});

export interface StoredOwner {
  readonly vservice: VServiceId;
  readonly username: string;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
}

export const ownerKey = (vservice: VServiceId): Uint8Array => encode(vservice64, vservice);

export const encodeOwner = ({ username, sinceMs }: Omit<StoredOwner, "vservice">): Uint8Array =>
  encode(OwnerRecord, { username, sinceMs: BigInt(sinceMs) });

/** Undefined for bytes that no version of this program wrote. */
export const decodeOwner = (key: Uint8Array, value: Uint8Array): StoredOwner | undefined => {
  const [of, read] = [decode(vservice64, key), decode(OwnerRecord, value)];
  if (!of.ok || !read.ok) return undefined;
  return { vservice: of.value, username: read.value.username, sinceMs: Number(read.value.sinceMs) };
};
