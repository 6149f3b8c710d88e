/** A ticket's integrity under an epoch's key, and that key's recipe. docs/protocol/ticket.md#keys. */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, utf8 } from "../../codecs/shared/mod.ts";

/** HMAC-SHA-256 under one key: 32 bytes for the bytes that a ticket's integrity covers. */
export type Seal = (covered: Uint8Array) => Uint8Array;

/** Makes a key ready to seal with; what depends on the key alone is done here, once. */
export type MakeSeal = (key: Uint8Array) => Seal;

/** The seal of these bytes, for a key that is used once; `keptSeal` is quicker for more. */
export const sealOf = (key: Uint8Array, covered: Uint8Array): Uint8Array => hmac(sha256, key, covered);

/** The two blocks that HMAC makes of its key (RFC 2104 §2) are hashed once, and each seal goes on from there. */
export const keptSeal: MakeSeal = (key) => {
  const keyed = hmac.create(sha256, key);
  const working = keyed.clone(); // used by one call at a time, and set anew at the beginning of each
  return (covered) => {
    const out = new Uint8Array(sha256.outputLen);
    keyed._cloneInto(working).update(covered).digestInto(out);
    return out;
  };
};

/** PBKDF2-HMAC-SHA-256 with these makes an epoch's key of a password; slow, so it is asked of the Keys port. */
export const keySalt = (epoch: number): Uint8Array => concat(utf8("vipr-ticket"), Uint8Array.of(epoch));
/** PBKDF2's iterations. */
export const KEY_ROUNDS = 100_000;
/** Of an epoch's key. */
export const KEY_BYTES = 32;
