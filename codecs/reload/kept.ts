/**
 * A stored value as it lies on disk: one row for each entry of a Kind, one for the Kind's generation counter.
 *
 *   key     Node-ID of the keeper (16) || Resource-ID (16) || Kind-ID (4) || 0                   the generation
 *           the same                                                     || 1 || SHA-256(place)  an entry
 *   value   version (1) || what that version says
 *
 * And what this node has stored elsewhere, so that it knows of it after a restart:
 *
 *   key     Node-ID (16) || Resource-ID (16) || Kind-ID (4) || SHA-256(place)
 *
 * A newer program reads rows of every version before it, and writes them in its own when they change.
 * DECISIONS.md D-062.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesOfBig, concat, utf8 } from "../shared/mod.ts";
import {
  boolean,
  constant,
  type Decoded,
  decode,
  encode,
  opaque,
  struct,
  type TypeOf,
  textVector,
  u8,
  u16,
  u32,
  u64,
  vector,
} from "../wire/mod.ts";
import { NODE_ID_BYTES, NodeId } from "./forwarding.ts";
import { StoreKindData } from "./storage.ts";

export const KEPT_VERSION = 1;

const KeptEntry = struct("KeptEntry", "this project's store", {
  version: constant(u8, KEPT_VERSION),
  storedMs: u64, // milliseconds since 1970, by the keeper's clock
  signer: NodeId,
  users: vector(textVector(u16), u16),
  certificate: opaque(u32),
  stored: StoreKindData, // exactly one value
});
export type KeptEntry = Omit<TypeOf<typeof KeptEntry>, "version">;
const KeptGeneration = struct("KeptGeneration", "this project's store", {
  version: constant(u8, KEPT_VERSION),
  resource: opaque(u8),
  kind: u32,
  generation: u64,
});
export type KeptGeneration = Omit<TypeOf<typeof KeptGeneration>, "version">;

const OwnEntry = struct("OwnEntry", "this project's store", {
  version: constant(u8, KEPT_VERSION),
  kind: u32,
  resource: opaque(u8),
  place: textVector(u16),
  storageTime: u64,
  endMs: u64, // milliseconds since 1970
  exists: boolean, // false: we have removed it
});
export type OwnEntry = Omit<TypeOf<typeof OwnEntry>, "version">;

const kindKey = (self: bigint, resource: Uint8Array, kind: number): Uint8Array =>
  concat(bytesOfBig(self, NODE_ID_BYTES), resource, encode(u32, kind));

/** What the keys of everything that node keeps begin with. */
export const keptPrefix = (self: bigint): Uint8Array => bytesOfBig(self, NODE_ID_BYTES);
export const generationKey = (self: bigint, resource: Uint8Array, kind: number): Uint8Array =>
  concat(kindKey(self, resource, kind), Uint8Array.of(0));
/** `place`: hex of a dictionary's key, an array's index in decimal, or nothing. */
export const entryKey = (self: bigint, resource: Uint8Array, kind: number, place: string): Uint8Array =>
  concat(kindKey(self, resource, kind), Uint8Array.of(1), sha256(utf8(place)));

export const encodeKeptEntry = (entry: KeptEntry): Uint8Array => encode(KeptEntry, entry);
export const encodeKeptGeneration = (given: KeptGeneration): Uint8Array => encode(KeptGeneration, given);

export const ownKey = (
  self: bigint,
  { resource, kind, place }: Pick<OwnEntry, "resource" | "kind" | "place">,
): Uint8Array => concat(kindKey(self, resource, kind), sha256(utf8(place)));
export const encodeOwnEntry = (entry: OwnEntry): Uint8Array => encode(OwnEntry, entry);
export const decodeOwnEntry = (value: Uint8Array): Decoded<OwnEntry> => decode(OwnEntry, value);

const TAG_AT = 36; // after Node-ID, Resource-ID and Kind-ID
const RESOURCE_AT = [16, 32] as const;

export type KeptRow =
  | { readonly type: "entry"; readonly resource: Uint8Array; readonly entry: Decoded<KeptEntry> }
  | { readonly type: "generation"; readonly generation: Decoded<KeptGeneration> };

/** A row read by its key and its version; one that cannot be read is a value that says why. */
export const readKeptRow = (key: Uint8Array, value: Uint8Array): KeptRow =>
  key[TAG_AT] === 0
    ? { type: "generation", generation: decode(KeptGeneration, value) }
    : { type: "entry", resource: key.slice(...RESOURCE_AT), entry: decode(KeptEntry, value) };
