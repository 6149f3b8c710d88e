/**
 * Where the numbers of one SRP group lie in the memory of montgomery.ts, and what their digits and columns may hold.
 *
 *   column of 32 bits < 2^32    holds 63 products of settled digits, or 64 of 13 bits each, and what a carry left
 *   rows of a product           56 between carries
 *   rows of a square            24 digits, each product of two different digits counting twice: 48
 *   rows of the reduction       56, and a carry of the eight columns below, which is less than five products
 */
import type { SrpGroup } from "../../codecs/tls/mod.ts";

export const DIGIT_BITS = 13;
export const DIGIT = 2 ** DIGIT_BITS - 1;
/** Of the factor, in one row. */
export const ROW_DIGITS = 8;
/** A group's number of digits is a multiple of this: 80, 120, 160, 240, 320, 480 and 640 hold the seven groups closely. */
export const DIGITS_STEP = 40;
export const DIGITS_MAX = 640;
/** A settled digit is at most 8191 + 64; 63 products of two such fit a column of 32 bits, with what a carry left there. */
export const DIGIT_SUM_MAX = DIGIT + 64;
export const DIGITS_BETWEEN_CARRIES_MAX = 56;
/** Each row of a square brings sixteen products to a column: two for each digit. */
export const SQUARE_DIGITS_BETWEEN_CARRIES_MAX = 24;
/** `select` keeps so many parts of 16 bytes in registers; a table's numbers lie so far apart. */
export const PARTS_AT_ONCE = 10;

export const digitsFor = (group: SrpGroup): number =>
  // 2^(13n) of 4N or more keeps products of numbers below 2N below 2N.
  DIGITS_STEP * Math.ceil((group.bits + 2) / DIGIT_BITS / DIGITS_STEP);
/** Bytes of a number in a table. */
export const strideFor = (digits: number): number => 16 * PARTS_AT_ONCE * Math.ceil((2 * digits) / 16 / PARTS_AT_ONCE);

// Where numbers lie in the memory, in bytes. Eight zero pairs stand before a paired number and eight and more after it,
// for the rows that reach beyond.
export const PAIRED = 32 + 4 * DIGITS_MAX + 96;
export const PLAIN_SIZE = 2 * DIGITS_MAX;
/** 64 bits each: four words of 26 bits, the lowest of N; -1/N modulo 2^26; the upper digits of these words. */
export const WORDS = 0;
export const WORDS_SIZE = 8 * 16;
/** N, paired. */
export const PRIME = WORDS_SIZE + 32;
/** The number that is multiplied, paired; and the same, plain. */
export const ACC = PRIME + PAIRED;
export const PLAIN = ACC + PAIRED;
/** Where `select` leaves its choice. */
export const CHOSEN = PLAIN + PLAIN_SIZE;
/** A square's operand: paired, its digits doubled or not. */
export const WORK = CHOSEN + PLAIN_SIZE + 32;
/** The columns. */
export const SUMS = WORK + PAIRED;
/** From here on the memory is the caller's. */
export const END = SUMS + 8 * DIGITS_MAX + 128;

export const places = { words: WORDS, prime: PRIME, acc: ACC, plain: PLAIN, chosen: CHOSEN, end: END } as const;

/** What a group's instance finds at `places.words`. */
export const wordsOf = ({ prime }: SrpGroup): BigUint64Array => {
  const modulus = 1n << BigInt(2 * DIGIT_BITS);
  let inverse = 1n; // by Newton's steps
  for (let bits = 1; bits < 2 * DIGIT_BITS; bits *= 2) inverse = (inverse * (2n - prime * inverse)) % modulus;
  const low = [0, 1, 2, 3].map((i) => (prime >> BigInt(2 * DIGIT_BITS * i)) % modulus);
  return BigUint64Array.from([
    ...low,
    (2n * modulus - inverse) % modulus,
    ...low.map((word) => word >> BigInt(DIGIT_BITS)),
  ]);
};
