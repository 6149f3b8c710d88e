/**
 * How an order to a node's admin port and its answer prove that both ends know the token, without sending it.
 *
 *   Authorization: Vipr <nonce> <HMAC-SHA-256 of nonce, path, body by the token>
 *   Vipr-Seal: <HMAC-SHA-256 of nonce, status, body by the token>
 *
 * All values are in lower-case hexadecimal. The token lies in a file beside the address of the port, and the file
 * survives a kill. By the next order another program may have the port; it would receive the token and could answer
 * anything.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { hexOf, utf8 } from "./bytes.ts";

const SCHEME = /^Vipr ([0-9a-f]{32}) [0-9a-f]{64}$/;

/** The Authorization header of an order. `nonce`: 16 bytes in hexadecimal, new for each order. */
export const orderSeal = (token: string, nonce: string, path: string, body: string): string =>
  `Vipr ${nonce} ${sealOf(token, ["order", nonce, path, body])}`;

/** The nonce of such a header; undefined for any other. */
export const nonceOf = (authorization: string): string | undefined => SCHEME.exec(authorization)?.[1];

/** The Vipr-Seal header of an answer. */
export const answerSeal = (token: string, nonce: string, status: number, body: string): string =>
  sealOf(token, ["answer", nonce, String(status), body]);

/** Only the last part may contain a line end, so that the parts cannot be shifted against each other. */
const sealOf = (token: string, parts: ReadonlyArray<string>): string =>
  hexOf(hmac(sha256, utf8(token), utf8(parts.join("\n"))));
