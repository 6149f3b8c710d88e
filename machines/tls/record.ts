/**
 * The record layer's protection: AES-CBC with HMAC-SHA1, in the two orders that TLS 1.2 knows.
 *
 *   MAC then encrypt, RFC 5246 §6.2.3.2     IV | ENC(content | MAC | padding)
 *   encrypt then MAC, RFC 7366 §3           IV | ENC(content | padding) | MAC(IV | ENC(...))
 *
 * RFC 5054's suites prescribe SHA-1 and CBC. In the first order bad padding and a bad MAC take the same time and get the
 * same alert, as RFC 5246 §6.2.3.2 requires. A garbage-collected language cannot hide the timing completely: between two of
 * our programs the second order is required. DECISIONS.md D-021.
 */
import { cbc } from "@noble/ciphers/aes.js";
import { concat, equalSecrets } from "../../codecs/shared/mod.ts";
import {
  type ContentType,
  RECORD_PLAINTEXT_BYTES_MAX,
  TlsMacHeader,
  TlsRecordHeader,
  tls12,
} from "../../codecs/tls/mod.ts";
import { encode } from "../../codecs/wire/mod.ts";
import { sha1 } from "./hash.ts";
import type { DirectionKeys } from "./prf.ts";

/** Protection of one direction; plain data in a machine's context. */
export interface Protection extends DirectionKeys {
  readonly encryptThenMac: boolean;
  readonly sequence: number;
}

/** Protection of what we send; IVs are made with a key of their own, which is never sent. */
export interface WriteProtection extends Protection {
  readonly ivKey: Uint8Array;
}

/** Records in one direction; then the connection must end: sequence numbers never wrap. RFC 5246 §6.1. */
export const RECORDS_MAX = 2 ** 40;

const BLOCK = 16;
const MAC = 20;
const PADDING_MAX = 255;
const HASH_BLOCK = 64;

/** Complete records with this content, and the protection after them. `write` undefined: no protection. */
export const writeRecords = <W extends WriteProtection | undefined>(
  write: W,
  type: ContentType,
  content: Uint8Array,
): { readonly bytes: Uint8Array; readonly write: W } => {
  const records: Array<Uint8Array> = [];
  let now: WriteProtection | undefined = write;
  for (let at = 0; at === 0 || at < content.length; at += RECORD_PLAINTEXT_BYTES_MAX) {
    const part = content.subarray(at, at + RECORD_PLAINTEXT_BYTES_MAX);
    const fragment = now === undefined ? part : protect(now, type, part);
    records.push(encode(TlsRecordHeader, { type, version: tls12, length: fragment.length }), fragment);
    if (now !== undefined) now = { ...now, sequence: now.sequence + 1 };
  }
  return { bytes: concat(...records), write: now as W };
};

/** The fragment of one record as it is sent. */
export const protect = (write: WriteProtection, type: ContentType, content: Uint8Array): Uint8Array => {
  const iv = ivOf(write);
  const aes = cbc(write.key, iv, { disablePadding: true });
  if (!write.encryptThenMac)
    return concat(iv, aes.encrypt(padded(concat(content, macOf(write, type, content.length, content)))));
  const encrypted = concat(iv, aes.encrypt(padded(content)));
  return concat(encrypted, macOf(write, type, encrypted.length, encrypted));
};

/** The content; undefined, without a reason, if anything is wrong: the answer is always bad_record_mac. */
export const unprotect = (read: Protection, type: ContentType, fragment: Uint8Array): Uint8Array | undefined =>
  read.encryptThenMac ? verifyThenDecrypt(read, type, fragment) : decryptThenVerify(read, type, fragment);

//# "The MAC SHALL be evaluated before any further processing such as decryption is performed" (RFC 7366 §3)
const verifyThenDecrypt = (read: Protection, type: ContentType, fragment: Uint8Array): Uint8Array | undefined => {
  const encrypted = fragment.subarray(0, Math.max(0, fragment.length - MAC));
  if (!isBlocks(encrypted, 2 * BLOCK)) return undefined;
  if (!equalSecrets(macOf(read, type, encrypted.length, encrypted), fragment.subarray(encrypted.length)))
    return undefined;
  const plain = decrypted(read, encrypted);
  const padding = plain[plain.length - 1]!;
  return goodPadding(plain, padding, plain.length - 1) === 1
    ? plain.subarray(0, plain.length - 1 - padding)
    : undefined;
};

//# "implementations MUST ensure that record processing time is essentially the same whether or not the padding is
//# correct" (RFC 5246 §6.2.3.2)
const decryptThenVerify = (read: Protection, type: ContentType, fragment: Uint8Array): Uint8Array | undefined => {
  if (!isBlocks(fragment, 3 * BLOCK)) return undefined;
  const plain = decrypted(read, fragment);
  const longest = plain.length - MAC - 1;
  const padding = plain[plain.length - 1]!;
  const good = goodPadding(plain, padding, longest);
  const length = longest - padding * good; // "assume a zero-length pad and then proceed to compute the MAC"
  const content = plain.subarray(0, length);
  const mac = macOf(read, type, length, content);
  levelTime(longest, length);
  const isSame = equalSecrets(mac, plain.subarray(length, length + MAC));
  return isSame && good === 1 ? content : undefined;
};

/**
 * Hashes one block, and as many more as the longest possible content would have needed, so that the time does not depend
 * on the padding. In the same two parts as a MAC's inner hash: blocks that begin at odd bytes take a little longer.
 */
const levelTime = (longest: number, length: number): void => {
  const blocks = hashBlocks(longest) - hashBlocks(length) + 1;
  sha1.of(zeros.subarray(0, MAC_HEADER), zeros.subarray(0, HASH_BLOCK * blocks - MAC_HEADER - HASH_END));
};
/** The header of a MAC, and the least that SHA-1 appends. */
const [MAC_HEADER, HASH_END] = [13, 9];
/** Blocks of the inner hash over a MAC's header and a content. */
const hashBlocks = (size: number): number => Math.ceil((MAC_HEADER + size + HASH_END) / HASH_BLOCK);
const zeros = new Uint8Array(HASH_BLOCK * (hashBlocks(PADDING_MAX) + 1));

const decrypted = (read: Protection, encrypted: Uint8Array): Uint8Array =>
  cbc(read.key, encrypted.subarray(0, BLOCK), { disablePadding: true }).decrypt(encrypted.subarray(BLOCK));

const macOf = (direction: Protection, type: ContentType, length: number, covered: Uint8Array): Uint8Array => {
  const header = encode(TlsMacHeader, { sequence: BigInt(direction.sequence), type, length });
  return sha1.hmac(direction.macKey, header, covered);
};

/** Each padding byte is their number less one; at most one block, since we do not hide lengths. */
const padded = (content: Uint8Array): Uint8Array => {
  const padding = BLOCK - 1 - (content.length % BLOCK);
  const out = new Uint8Array(content.length + padding + 1).fill(padding);
  out.set(content);
  return out;
};

/** 1 if the padding is right and at most `most`, else 0: without a branch, reading the same number of bytes in any case. */
const goodPadding = (plain: Uint8Array, padding: number, most: number): 0 | 1 => {
  const looked = Math.min(PADDING_MAX + 1, plain.length);
  let wrong = (most - padding) >>> 31;
  for (let i = 1; i <= looked; i++) wrong |= (plain[plain.length - i]! ^ padding) & ~((padding + 1 - i) >> 31);
  return (1 - ((wrong | -wrong) >>> 31)) as 0 | 1;
};

const isBlocks = (encrypted: Uint8Array, least: number): boolean =>
  encrypted.length >= least && encrypted.length % BLOCK === 0;

//# "The Initialization Vector (IV) SHOULD be chosen at random, and MUST be unpredictable." (RFC 5246 §6.2.3.2)
/** The record's sequence number, encrypted under a random key: NIST SP 800-38A, appendix C, first method. */
const ivOf = (write: WriteProtection): Uint8Array => {
  const counter = new Uint8Array(BLOCK);
  new DataView(counter.buffer).setBigUint64(BLOCK - 8, BigInt(write.sequence));
  return cbc(write.ivKey, new Uint8Array(BLOCK), { disablePadding: true }).encrypt(counter);
};
