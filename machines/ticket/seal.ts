/** A ticket's integrity under an epoch's key, and that key's recipe. docs/protocol/ticket.md#keys. */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, utf8 } from "../../codecs/shared/mod.ts";

export const sealOf = (key: Uint8Array, covered: Uint8Array): Uint8Array => hmac(sha256, key, covered);

/** PBKDF2-HMAC-SHA-256 with these makes an epoch's key of a password; slow, so it is asked of the Keys port. */
export const keySalt = (epoch: number): Uint8Array => concat(utf8("vipr-ticket"), Uint8Array.of(epoch));
export const KEY_ROUNDS = 100_000;
export const KEY_BYTES = 32;
