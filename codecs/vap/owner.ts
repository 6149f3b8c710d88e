/**
 * The stored owner of a VService: the user that published it here first, and since when.
 *
 *   key     VServiceID (8)
 *   value   version (1) || since, milliseconds since 1970 (8) || user name
 *   value   version (1) || last published, milliseconds since 1970 (8)         in a table of its own
 */
import { type VServiceId, vservice64 } from "../shared/mod.ts";
import { constant, decode, encode, struct, textVector, u8, u16, u64 } from "../wire/mod.ts";

const OWNER_VERSION = 1;

const OwnerRecord = struct("OwnerRecord", "this project's store", {
  version: constant(u8, OWNER_VERSION),
  sinceMs: u64,
  username: textVector(u16),
});

/** Whose VService it is. */
export interface StoredOwner {
  readonly vservice: VServiceId;
  readonly username: string;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
}

/** The VServiceID in 8 bytes, in either table. */
export const ownerKey = (vservice: VServiceId): Uint8Array => encode(vservice64, vservice);

/** The stored value of an owner. */
export const encodeOwner = ({ username, sinceMs }: Omit<StoredOwner, "vservice">): Uint8Array =>
  encode(OwnerRecord, { username, sinceMs: BigInt(sinceMs) });

/** Undefined for bytes that no version of this program wrote. */
export const decodeOwner = (key: Uint8Array, value: Uint8Array): StoredOwner | undefined => {
  const [of, read] = [decode(vservice64, key), decode(OwnerRecord, value)];
  if (!of.ok || !read.ok) return undefined;
  return { vservice: of.value, username: read.value.username, sinceMs: Number(read.value.sinceMs) };
};

const UseRecord = struct("UseRecord", "this project's store", { version: constant(u8, OWNER_VERSION), usedMs: u64 });

/** When an owner's VService was last seen published. */
export const encodeUse = (usedMs: number): Uint8Array => encode(UseRecord, { usedMs: BigInt(usedMs) });

/** Undefined for bytes that no version of this program wrote. */
export const decodeUse = (key: Uint8Array, value: Uint8Array): readonly [VServiceId, usedMs: number] | undefined => {
  const [of, read] = [decode(vservice64, key), decode(UseRecord, value)];
  return of.ok && read.ok ? [of.value, Number(read.value.usedMs)] : undefined;
};
