/**
 * What SRTP needs of AES and SHA-1, behind two functions that a runtime may have quicker: blocks of counters become a
 * keystream (RFC 3711 §4.1.1), bytes become a tag (§4.2.1). Each gives the same bytes (`properties/srtp/primitives.test.ts`).
 */
import { ecb } from "@noble/ciphers/aes.js";
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

const BLOCK_BYTES = 64;

/** HMAC with the key's blocks hashed once: SHA-1 has no tables, so that its time tells nothing. RFC 2104 §2, §4. */
const keptHmac = (key: Uint8Array): Keyed => {
  const stateOf = (by: number) => {
    const pad = new Uint8Array(BLOCK_BYTES);
    pad.set(key);
    for (let i = 0; i < BLOCK_BYTES; i++) pad[i]! ^= by;
    const state = sha1.create().update(pad);
    pad.fill(0);
    return state;
  };
  const [inner, outer, work] = [stateOf(0x36), stateOf(0x5c), sha1.create()];
  return {
    of: (bytes) => {
      const digest = inner._cloneInto(work).update(bytes).digest();
      return outer._cloneInto(work).update(digest).digest();
    },
    end: () => {
      inner.destroy();
      outer.destroy();
    },
  };
};

/** Where no runtime has its own. */
export const ownPrimitives: SrtpPrimitives = {
  blockCipher: (key) => {
    const own = key.slice();
    return { of: (blocks) => ecb(own, { disablePadding: true }).encrypt(blocks), end: () => void own.fill(0) };
  },
  hmacSha1: keptHmac,
};
