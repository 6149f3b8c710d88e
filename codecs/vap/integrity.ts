/**
 * Computes and checks MESSAGE-INTEGRITY. draft-jennings-vipr-vap-02 §9.2, which pads as RFC 3489 does.
 *
 *   | header | attributes ... | MESSAGE-INTEGRITY |
 *   |<------- covered ------->|  then zeros to a multiple of 64 bytes, as RFC 5389 no longer does
 *
 * The header's length already includes the attribute. The draft fixes HMAC-SHA1 and MD5; VAP uses them nowhere else.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { md5, sha1 } from "@noble/hashes/legacy.js";
import { equalSecrets, utf8 } from "../shared/mod.ts";
import { encode } from "../wire/mod.ts";
import type { VapAttribute } from "./attributes.ts";
import { type VapContent, VapMessage, valueIn } from "./message.ts";
import { realm } from "./registry.ts";

const HMAC_BYTES = 20;
/** Type and length, then the value. */
const ATTRIBUTE_BYTES = 4 + HMAC_BYTES;
const COVERED_MULTIPLE_BYTES = 64;

/** MD5(username ":" realm ":" password), quotes and final zeros removed: the realm hashes as ViPR. */
export const vapKey = (username: string, password: string): Uint8Array =>
  md5(utf8([bare(username), bare(realm), password.replace(/\0+$/, "")].join(":")));
const bare = (text: string): string => text.replace(/"/g, "").replace(/\0+$/, "");

/** HMAC-SHA1 under one key: the 20 bytes for what is covered, padding included. */
export type Mac = (covered: Uint8Array) => Uint8Array;
/** Makes a key ready; what depends on the key alone is done here, once. */
export type MakeMac = (key: Uint8Array) => Mac;

/** The two blocks that HMAC makes of its key (RFC 2104 §2) are hashed once, and each MAC goes on from there. */
export const keptMac: MakeMac = (key) => {
  const keyed = hmac.create(sha1, key);
  const working = keyed.clone(); // used by one call at a time, and set anew at the beginning of each
  return (covered) => {
    const out = new Uint8Array(HMAC_BYTES);
    keyed._cloneInto(working).update(covered).digestInto(out);
    return out;
  };
};

/** The same key object is made ready once. */
export const macsOf = (make: MakeMac): MakeMac => {
  const made = new WeakMap<Uint8Array, Mac>();
  return (key) => {
    const known = made.get(key) ?? make(key);
    made.set(key, known);
    return known;
  };
};
const ours = macsOf(keptMac);

/** Encodes a message with its realm, the user name if it is a request, and MESSAGE-INTEGRITY. */
export const protect = (
  content: VapContent,
  transactionId: Uint8Array,
  { username, key }: { readonly username: string; readonly key: Uint8Array },
  macOf: MakeMac = ours,
): Uint8Array => {
  const name: ReadonlyArray<VapAttribute> = content.class === "request" ? [{ type: "username", value: username }] : [];
  const bytes = encode(VapMessage, messageOf(content, transactionId, [...name, realmAttribute], [placeholder]));
  bytes.set(hmacOf(bytes, macOf(key)), bytes.length - HMAC_BYTES);
  return bytes;
};
const placeholder: VapAttribute = { type: "messageIntegrity", value: new Uint8Array(HMAC_BYTES) };

/** Encodes a response without MESSAGE-INTEGRITY, for 431 and 436: there is no valid key, so that it has a realm only. */
export const unprotected = (content: VapContent, transactionId: Uint8Array): Uint8Array =>
  encode(VapMessage, messageOf(content, transactionId, [realmAttribute], []));

const realmAttribute: VapAttribute = { type: "realm", value: realm };

const messageOf = (
  { method, class: kind, attributes }: VapContent,
  transactionId: Uint8Array,
  before: ReadonlyArray<VapAttribute>,
  after: ReadonlyArray<VapAttribute>,
): VapMessage => ({
  type: { method, class: kind },
  transactionId,
  attributes: [...before, ...attributes, ...after],
});

/**
 * True if the last attribute of the message is MESSAGE-INTEGRITY, and right under this key. `bytes`: the whole message and
 * nothing else, as it was decoded; the attribute needs no padding, so that it is the last 24 of them.
 */
export const hasIntegrity = (
  message: VapMessage,
  bytes: Uint8Array,
  key: Uint8Array,
  macOf: MakeMac = ours,
): boolean => {
  const last = message.attributes.at(-1);
  return last?.type === "messageIntegrity" && equalSecrets(last.value, hmacOf(bytes, macOf(key)));
};

/** HMAC-SHA1 over the bytes before the attribute at the end, padded with zeros. */
const hmacOf = (bytes: Uint8Array, mac: Mac): Uint8Array => {
  const end = bytes.length - ATTRIBUTE_BYTES;
  const covered = new Uint8Array(Math.ceil(end / COVERED_MULTIPLE_BYTES) * COVERED_MULTIPLE_BYTES);
  covered.set(bytes.subarray(0, end));
  return mac(covered);
};

/** The result of checking a request's user name and MESSAGE-INTEGRITY. */
export type Verdict =
  | { readonly type: "genuine"; readonly username: string }
  | { readonly type: "forged" }
  | { readonly type: "unknownUser" };

/** Checks a request against the keys of all users. */
export const checkRequest = (
  message: VapMessage,
  bytes: Uint8Array,
  keyOf: (username: string) => Uint8Array | undefined,
  macOf: MakeMac = ours,
): Verdict => {
  const username = valueIn(message, "username");
  const key = username === undefined ? undefined : keyOf(username);
  if (username === undefined || key === undefined) return { type: "unknownUser" };
  return hasIntegrity(message, bytes, key, macOf) ? { type: "genuine", username } : { type: "forged" };
};
