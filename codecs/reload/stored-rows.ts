/**
 * A stored value as it lies on disk: one row for each entry of a Kind, one for the Kind's generation counter.
 *
 *   key     Node-ID of the storing node (16) || Resource-ID (16) || Kind-ID (4) || 0                   the generation
 *           the same                                                     || 1 || SHA-256(place)  an entry
 *   value   version (1) || the fields of that version
 *
 * And what this node has stored at other nodes, so that it knows of it after a restart:
 *
 *   key     Node-ID (16) || Resource-ID (16) || Kind-ID (4) || SHA-256(place)
 *
 * A newer program reads rows of every version before it, and writes them in its own when they change.
 * DECISIONS.md D-062.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesOfBig, concat, NodeId, utf8 } from "../shared/mod.ts";
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
import { NODE_ID_BYTES } from "./forwarding.ts";
import { StoreKindData } from "./storage.ts";

/** The version in which rows are written. */
export const ROW_VERSION = 1;

const EntryRow = struct("EntryRow", "this project's store", {
  version: constant(u8, ROW_VERSION),
  storedMs: u64, // milliseconds since 1970, by the storing node's clock
  signer: NodeId,
  users: vector(textVector(u16), u16),
  certificate: opaque(u32),
  stored: StoreKindData, // exactly one value
});
/** One value, with who signed it: Node-ID, user names, and the certificate in DER. */
export type EntryRow = Omit<TypeOf<typeof EntryRow>, "version">;
const GenerationRow = struct("GenerationRow", "this project's store", {
  version: constant(u8, ROW_VERSION),
  resource: opaque(u8),
  kind: u32,
  generation: u64,
});
/** The generation counter of a Kind at one resource. */
export type GenerationRow = Omit<TypeOf<typeof GenerationRow>, "version">;

const OwnEntry = struct("OwnEntry", "this project's store", {
  version: constant(u8, ROW_VERSION),
  kind: u32,
  resource: opaque(u8),
  place: textVector(u16),
  storageTime: u64,
  endMs: u64, // milliseconds since 1970
  exists: boolean, // false: we have removed it
});
/** What this node has stored elsewhere, until `endMs`. `place` as for `entryKey`. */
export type OwnEntry = Omit<TypeOf<typeof OwnEntry>, "version">;

const kindKey = (self: NodeId, resource: Uint8Array, kind: number): Uint8Array =>
  concat(bytesOfBig(self, NODE_ID_BYTES), resource, encode(u32, kind));

/** The beginning of the keys of all that the node stores for others. */
export const nodePrefix = (self: NodeId): Uint8Array => bytesOfBig(self, NODE_ID_BYTES);
/** 37 bytes where the Resource-ID has 16. */
export const generationKey = (self: NodeId, resource: Uint8Array, kind: number): Uint8Array =>
  concat(kindKey(self, resource, kind), Uint8Array.of(0));
/** `place`: hex of a dictionary's key, an array's index in decimal, or nothing. */
export const entryKey = (self: NodeId, resource: Uint8Array, kind: number, place: string): Uint8Array =>
  concat(kindKey(self, resource, kind), Uint8Array.of(1), sha256(utf8(place)));

/** The row of an entry; throws Unfit for a field over its limit. */
export const encodeEntryRow = (entry: EntryRow): Uint8Array => encode(EntryRow, entry);
/** The row of a generation counter. */
export const encodeGenerationRow = (given: GenerationRow): Uint8Array => encode(GenerationRow, given);

/** 68 bytes where the Resource-ID has 16. */
export const ownKey = (
  self: NodeId,
  { resource, kind, place }: Pick<OwnEntry, "resource" | "kind" | "place">,
): Uint8Array => concat(kindKey(self, resource, kind), sha256(utf8(place)));
/** The row of an own entry. */
export const encodeOwnEntry = (entry: OwnEntry): Uint8Array => encode(OwnEntry, entry);
/** An error for other bytes, and for a row of another version. */
export const decodeOwnEntry = (value: Uint8Array): Decoded<OwnEntry> => decode(OwnEntry, value);

const TAG_AT = 36; // after Node-ID, Resource-ID and Kind-ID
const RESOURCE_AT = [16, 32] as const;

/** A row of either kind, or why it cannot be read. */
export type StoredRow =
  | { readonly type: "entry"; readonly resource: Uint8Array; readonly entry: Decoded<EntryRow> }
  | { readonly type: "generation"; readonly generation: Decoded<GenerationRow> };

/** A row read by its key and its version; one that cannot be read is a value with the reason. */
export const readStoredRow = (key: Uint8Array, value: Uint8Array): StoredRow =>
  key[TAG_AT] === 0
    ? { type: "generation", generation: decode(GenerationRow, value) }
    : { type: "entry", resource: key.slice(...RESOURCE_AT), entry: decode(EntryRow, value) };
