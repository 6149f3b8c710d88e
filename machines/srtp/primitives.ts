/**
 * What SRTP needs of AES and SHA-1, behind two functions that a runtime may have quicker: blocks of counters become a
 * keystream (RFC 3711 §4.1.1), bytes become a tag (§4.2.1). Each gives the same bytes (`properties/srtp/primitives.test.ts`).
 */
import { ecb } from "@noble/ciphers/aes.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha1 } from "@noble/hashes/legacy.js";

/** A function with a key inside, and the end of that key: nothing is called afterwards. */
export interface Keyed {
  /** The result is the caller's, until the next call. */
  readonly of: (bytes: Uint8Array) => Uint8Array;
  readonly end: () => void;
}

/** `bytes` of a cipher are whole blocks; the key is copied, and the caller zeroes his own. */
export interface SrtpPrimitives {
  readonly blockCipher: (key: Uint8Array) => Keyed;
  readonly hmacSha1: (key: Uint8Array) => Keyed;
}

/** Where no runtime has its own. */
export const ownPrimitives: SrtpPrimitives = {
  blockCipher: (key) => {
    const own = key.slice();
    return { of: (blocks) => ecb(own, { disablePadding: true }).encrypt(blocks), end: () => void own.fill(0) };
  },
  hmacSha1: (key) => {
    const own = key.slice();
    return { of: (bytes) => hmac(sha1, own, bytes), end: () => void own.fill(0) };
  },
};
