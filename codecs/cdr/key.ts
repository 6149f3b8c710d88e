/** The key under which a call of a record file is stored: of one length, whatever the exchange calls its channels. */
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8 } from "../shared/mod.ts";

const KEY_BYTES = 16;

/** The first 16 bytes of the SHA-256 of a call's key (`Leg.key`). */
export const storedCallKey = (key: string): Uint8Array => sha256(utf8(key)).subarray(0, KEY_BYTES);
