/**
 * AES and HMAC-SHA-1 for SRTP, of the platform: a cipher that is kept, and states of SHA-1 with the key behind them.
 *
 * HMAC by whichever is quicker here, the platform's states or ours: measured once, when the first key is made ready.
 *
 * To make a cipher or an HMAC for each packet costs three to seven times as much on Node 24. ECB makes the keystream out of
 * counters, since a cipher in counter mode cannot be moved to another packet. DECISIONS.md D-136.
 */
import { createCipheriv, createHash } from "node:crypto";
import { Layer } from "effect";
import { SrtpCiphers } from "../actors/ports/mod.ts";
import { type Keyed, ownPrimitives, type SrtpPrimitives } from "../machines/srtp/mod.ts";
import { quickest } from "./quickest.ts";

const BLOCK_BYTES = 64;

const blockCipher = (key: Uint8Array): Keyed => {
  const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
  return {
    of: (blocks) => cipher.update(blocks),
    // Ends the platform's context, which clears its key.
    end: () => void cipher.final(),
  };
};

/** The platform's hash, gone on from copies. RFC 2104 §2: the key's block, each byte changed by a constant, then the message; twice. */
const copiedHmac = (key: Uint8Array): Keyed => {
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

/** Each gives the same bytes. */
export const HMACS: Readonly<Record<string, SrtpPrimitives["hmacSha1"]>> = {
  ours: ownPrimitives.hmacSha1,
  platformHashCopied: copiedHmac,
};
/** G.711 in a packet of 20 ms. */
const SAMPLE_BYTES = 176;

let found: SrtpPrimitives["hmacSha1"] | undefined;
const quickestHmac: SrtpPrimitives["hmacSha1"] = (key) => {
  const sample = new Uint8Array(SAMPLE_BYTES);
  const callOf = (make: SrtpPrimitives["hmacSha1"]) => {
    const { of } = make(sample.subarray(0, 20));
    return () => of(sample);
  };
  found ??= quickest(HMACS, callOf, () => performance.now());
  return found(key);
};

export const platformPrimitives: SrtpPrimitives = { blockCipher, hmacSha1: quickestHmac };

export const srtpLayer: Layer.Layer<never> = Layer.succeed(SrtpCiphers, platformPrimitives);
