/**
 * HMAC-SHA-256 for tickets and HMAC-SHA1 for VAP, by whichever way is quickest here: ours, or one of the platform's. Which it
 * is differs by a factor of ten from runtime to runtime and from version to version, so that it is measured, once, when the
 * first key is made ready.
 */
import { createHash, createHmac, hash } from "node:crypto";
import { Layer } from "effect";
import { Macs, Seals } from "../actors/ports/mod.ts";
import { keptMac, type MakeMac } from "../codecs/vap/mod.ts";
import { keptSeal, type MakeSeal } from "../machines/ticket/mod.ts";
import { quickest } from "./quickest.ts";

const BLOCK_BYTES = 64;
type Algorithm = "sha1" | "sha256";

/** The key's block with each byte changed by a constant. RFC 2104 §2. */
const padOf = (algorithm: Algorithm, key: Uint8Array, by: number): Uint8Array => {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? hash(algorithm, key, "buffer") : key);
  return block.map((byte) => byte ^ by);
};

/** Buffer's own methods are not ours: a plain view of the same bytes. */
const bytesOf = ({ buffer, byteOffset, length }: Uint8Array): Uint8Array => new Uint8Array(buffer, byteOffset, length);

/** Room behind a block, so that a call makes no array of its own: on Node that takes a fifth of a seal. */
const ROOM_BYTES = 2_048;
/** Hashes a block and what follows it. */
const hashBehind = (algorithm: Algorithm, block: Uint8Array) => {
  const room = new Uint8Array(BLOCK_BYTES + ROOM_BYTES);
  room.set(block);
  return (rest: Uint8Array): Uint8Array => {
    const size = BLOCK_BYTES + rest.length;
    const whole = size > room.length ? new Uint8Array(size) : room.subarray(0, size);
    if (size > room.length) whole.set(block);
    whole.set(rest, BLOCK_BYTES);
    return hash(algorithm, whole, "buffer");
  };
};

/** The platform's ways, by name, each giving the same bytes. */
const platformWays = (algorithm: Algorithm): Readonly<Record<string, MakeSeal>> => {
  return {
    /** Keyed anew each time. */
    platformHmac: (key) => (covered) => bytesOf(createHmac(algorithm, key).update(covered).digest()),
    /** The hash, gone on from copies that have the key's blocks behind them. */
    platformHashCopied: (key) => {
      const inner = createHash(algorithm).update(padOf(algorithm, key, 0x36));
      const outer = createHash(algorithm).update(padOf(algorithm, key, 0x5c));
      return (covered) => bytesOf(outer.copy().update(inner.copy().update(covered).digest()).digest());
    },
    /** The hash in one call, twice. */
    platformHashTwice: (key) => {
      const inner = hashBehind(algorithm, padOf(algorithm, key, 0x36));
      const outer = hashBehind(algorithm, padOf(algorithm, key, 0x5c));
      return (covered) => bytesOf(outer(inner(covered)));
    },
  };
};

/** All ways, by name. Each gives the same bytes. */
export const SEALS: Readonly<Record<string, MakeSeal>> = { ours: keptSeal, ...platformWays("sha256") };
export const MACS: Readonly<Record<string, MakeMac>> = { ours: keptMac, ...platformWays("sha1") };

/** About the bytes that a ticket's integrity covers; a call record's in VAP are some more. */
const SAMPLE_BYTES = 160;
/** The quickest of them. Some 50 ms. */
export const quickestOf = (ways: Readonly<Record<string, MakeSeal>>, nowMs: () => number): MakeSeal => {
  const sample = new Uint8Array(SAMPLE_BYTES);
  const callOf = (make: MakeSeal) => {
    const seal = make(new Uint8Array(32));
    return () => seal(sample);
  };
  return quickest(ways, callOf, nowMs);
};

let found: MakeSeal | undefined;

/** A process that never sees a ticket never measures. */
export const makeSeal: MakeSeal = (key) => {
  found ??= quickestOf(SEALS, () => performance.now());
  return found(key);
};

let foundMac: MakeMac | undefined;

export const makeMac: MakeMac = (key) => {
  foundMac ??= quickestOf(MACS, () => performance.now());
  return foundMac(key);
};

export const sealsLayer: Layer.Layer<never> = Layer.merge(Layer.succeed(Seals, makeSeal), Layer.succeed(Macs, makeMac));
