/** A name for a call in what operators see: the same at each program that carries it, and nothing of the call is in it. */
import { sha256 } from "@noble/hashes/sha2.js";
import { hexOf, utf8 } from "../shared/mod.ts";

const LABEL_BYTES = 8;

/**
 * Of the From tag of the INVITE that opened the call: proxies pass it on, also where they change the Call-ID, and it is
 * random. RFC 3261 §19.3.
 */
export const callLabel = (fromTag: string): string => hexOf(sha256(utf8(fromTag)).subarray(0, LABEL_BYTES));
