/**
 * Random words drawn from a seed, by SHA-256 over the seed and a counter: nobody who sees some of them can tell the others,
 * and whoever has the seed draws the same. A node asks its host for one seed, and not for each transaction id.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bigOf, bytesOfBig, concat } from "../../codecs/shared/mod.ts";

const COUNTER_BYTES = 8;
const WORD_BYTES = 8;
/** Of the seed. */
export const SEED_BYTES = 32;

export interface Chance {
  readonly seed: Uint8Array;
  counter: bigint;
  /** Drawn together with the last one, and not given yet. */
  words: Array<bigint>;
}

export const chanceOf = (seed: Uint8Array): Chance => ({ seed, counter: 0n, words: [] });

/** 64 random bits. */
export const draw = (chance: Chance): bigint => {
  if (chance.words.length === 0) {
    const block = sha256(concat(chance.seed, bytesOfBig(chance.counter++, COUNTER_BYTES)));
    for (let at = 0; at < block.length; at += WORD_BYTES) chance.words.push(bigOf(block.subarray(at, at + WORD_BYTES)));
  }
  return chance.words.pop()!;
};

/** A whole number from `min` to `max`, both among them. What a division of 64 bits by some hours' milliseconds leaves uneven is nothing. */
export const between = (chance: Chance, min: number, max: number): number =>
  max <= min ? min : min + Number(draw(chance) % BigInt(max - min + 1));
