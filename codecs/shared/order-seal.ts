/**
 * How an order at a node's admin port and its answer show that both ends know the token, and neither sends it.
 *
 *   Authorization: Vipr <nonce> <HMAC-SHA-256 of nonce, path, body by the token>
 *   Vipr-Seal: <HMAC-SHA-256 of nonce, status, body by the token>
 *
 * All in lower case hexadecimal. The token lies in a directory with the address of the port, and outlives a kill there: by
 * the next order that port may be another program's, which would otherwise be given the token and could answer what it likes.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { hexOf, utf8 } from "./bytes.ts";

const SCHEME = /^Vipr ([0-9a-f]{32}) [0-9a-f]{64}$/;

/** The Authorization header of an order. `nonce`: 16 bytes in hexadecimal, another for each. */
export const orderSeal = (token: string, nonce: string, path: string, body: string): string =>
  `Vipr ${nonce} ${sealOf(token, ["order", nonce, path, body])}`;

/** The nonce of such a header; undefined for any other. */
export const nonceOf = (authorization: string): string | undefined => SCHEME.exec(authorization)?.[1];

/** The Vipr-Seal header of an answer. */
export const answerSeal = (token: string, nonce: string, status: number, body: string): string =>
  sealOf(token, ["answer", nonce, String(status), body]);

/** No part but the last holds a line's end. */
const sealOf = (token: string, parts: ReadonlyArray<string>): string =>
  hexOf(hmac(sha256, utf8(token), utf8(parts.join("\n"))));
