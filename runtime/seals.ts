/**
 * HMAC-SHA-256 by whichever way is quickest here: ours, or one of the platform's. Which it is differs by a factor of ten
 * from runtime to runtime and from version to version, so that it is measured, once, when the first key is made ready.
 */
import { createHash, createHmac, hash } from "node:crypto";
import { Layer } from "effect";
import { Seals } from "../actors/ports/mod.ts";
import { keptSeal, type MakeSeal } from "../machines/ticket/mod.ts";
import { quickest } from "./quickest.ts";

const BLOCK_BYTES = 64;

/** A platform's HMAC, keyed anew each time. */
const hmacSeal: MakeSeal = (key) => (covered) => bytesOf(createHmac("sha256", key).update(covered).digest());

/** The key's block with each byte changed by a constant. RFC 2104 §2. */
const padOf = (key: Uint8Array, by: number): Uint8Array => {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? hash("sha256", key, "buffer") : key);
  return block.map((byte) => byte ^ by);
};

/** The platform's hash, gone on from copies that have the key's blocks behind them. */
const copySeal: MakeSeal = (key) => {
  const inner = createHash("sha256").update(padOf(key, 0x36));
  const outer = createHash("sha256").update(padOf(key, 0x5c));
  return (covered) => bytesOf(outer.copy().update(inner.copy().update(covered).digest()).digest());
};

/** The platform's hash in one call, twice. */
const twiceSeal: MakeSeal = (key) => {
  const [inner, outer] = [padOf(key, 0x36), padOf(key, 0x5c)];
  return (covered) => bytesOf(sha256(outer, sha256(inner, covered)));
};
const sha256 = (block: Uint8Array, rest: Uint8Array): Uint8Array => {
  const whole = new Uint8Array(BLOCK_BYTES + rest.length);
  whole.set(block);
  whole.set(rest, BLOCK_BYTES);
  return hash("sha256", whole, "buffer");
};

/** Buffer's own methods are not ours: a plain view of the same bytes. */
const bytesOf = ({ buffer, byteOffset, length }: Uint8Array): Uint8Array => new Uint8Array(buffer, byteOffset, length);

/** All ways, by name. Each gives the same bytes. */
export const SEALS: Readonly<Record<string, MakeSeal>> = {
  ours: keptSeal,
  platformHmac: hmacSeal,
  platformHashCopied: copySeal,
  platformHashTwice: twiceSeal,
};

/** About the bytes that a ticket's integrity covers. */
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

export const sealsLayer: Layer.Layer<never> = Layer.succeed(Seals, makeSeal);
