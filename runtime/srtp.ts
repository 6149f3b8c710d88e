/**
 * AES and HMAC-SHA-1 for SRTP, of the platform: a cipher that is kept, and states of SHA-1 with the key behind them.
 *
 * To make a cipher or an HMAC for each packet costs three to seven times as much on Node 24. ECB makes the keystream out of
 * counters, since a cipher in counter mode cannot be moved to another packet. DECISIONS.md D-136.
 */
import { createCipheriv, createHash } from "node:crypto";
import { Layer } from "effect";
import { SrtpCiphers } from "../actors/ports/mod.ts";
import type { Keyed, SrtpPrimitives } from "../machines/srtp/mod.ts";

const BLOCK_BYTES = 64;

const blockCipher = (key: Uint8Array): Keyed => {
  const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
  return {
    of: (blocks) => cipher.update(blocks),
    // Ends the platform's context, which clears its key.
    end: () => void cipher.final(),
  };
};

/** RFC 2104 §2: the key's block, each byte changed by a constant, then the message; twice. */
const hmacSha1 = (key: Uint8Array): Keyed => {
  const stateOf = (by: number) => {
    const pad = new Uint8Array(BLOCK_BYTES);
    pad.set(key);
    for (let i = 0; i < BLOCK_BYTES; i++) pad[i]! ^= by;
    const state = createHash("sha1").update(pad);
    pad.fill(0);
    return state;
  };
  const [inner, outer] = [stateOf(0x36), stateOf(0x5c)];
  return {
    of: (bytes) => outer.copy().update(inner.copy().update(bytes).digest()).digest(),
    end: () => {
      inner.digest();
      outer.digest();
    },
  };
};

export const platformPrimitives: SrtpPrimitives = { blockCipher, hmacSha1 };

export const srtpLayer: Layer.Layer<never> = Layer.succeed(SrtpCiphers, platformPrimitives);
