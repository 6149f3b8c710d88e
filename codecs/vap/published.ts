/**
 * A VService that a call agent has published at one of several servers that share a store, so that the others know of it.
 *
 *   key     VServiceID (8) || instance (8) || the server, as its cluster numbers it (8)
 *   value   version (1) || 1, or 0 once it is withdrawn there (1) || the document
 */
import { type VServiceId, vservice64 } from "../shared/mod.ts";
import { constant, decode, encode, rest, struct, u8, u64 } from "../wire/mod.ts";
import { readVService, type VService, writeVService } from "./service.ts";

const PUBLISHED_VERSION = 1;

const PublishedKey = struct("PublishedKey", "this project's store", {
  vservice: vservice64,
  instance: u64,
  member: u64,
});
const PublishedRecord = struct("PublishedRecord", "this project's store", {
  version: constant(u8, PUBLISHED_VERSION),
  isPublished: u8,
  document: rest,
});

/** Which instance of which VService, and at which server of the cluster. */
export interface PublishedAt {
  readonly vservice: VServiceId;
  readonly instance: bigint;
  readonly member: bigint;
}
/** What was last published there. */
export interface StoredPublication extends PublishedAt {
  /** Undefined: withdrawn. */
  readonly document: VService | undefined;
}

/** 24 bytes; all of a VService lie together. */
export const publishedKey = ({ vservice, instance, member }: PublishedAt): Uint8Array =>
  encode(PublishedKey, { vservice, instance, member });

/** The stored value of a publication; `document` undefined: it is withdrawn. */
export const encodePublished = (document: VService | undefined): Uint8Array =>
  encode(PublishedRecord, {
    isPublished: document === undefined ? 0 : 1,
    document: document === undefined ? new Uint8Array() : writeVService(document),
  });

/** Undefined for bytes that no version of this program wrote. */
export const decodePublished = (key: Uint8Array, value: Uint8Array): StoredPublication | undefined => {
  const [at, read] = [decode(PublishedKey, key), decode(PublishedRecord, value)];
  if (!at.ok || !read.ok) return undefined;
  if (read.value.isPublished === 0) return { ...at.value, document: undefined };
  const document = readVService(read.value.document);
  return document.ok ? { ...at.value, document: document.value } : undefined;
};
