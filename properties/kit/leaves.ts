/**
 * The values of which messages are made, drawn in two ways: small ones with a limit now and then, and limits with a small one
 * now and then. What a decoder gets wrong by one lies at a limit.
 */
import fc from "fast-check";
import type { UintNode } from "../../codecs/wire/node.ts";

export interface Leaves {
  readonly integers: (node: UintNode) => fc.Arbitrary<number | bigint>;
  /** So many bytes, from the least to the most. */
  readonly octets: (min: number, max: number) => fc.Arbitrary<Uint8Array>;
  /** Of so many bytes in UTF-8. */
  readonly texts: (min: number, max: number) => fc.Arbitrary<string>;
  readonly items: (item: fc.Arbitrary<any>, minLength: number) => fc.Arbitrary<ReadonlyArray<any>>;
  /** Values under a length whose bound is lower than this are encoded to see whether they fit. */
  readonly sizeCheckedBelow: number;
}

const ITEMS_MAX = 4;
const OCTETS_MAX = 64;
const CHARACTERS_MAX = 20;

const rangeOf = ({ bytes, signed, min, max }: UintNode): readonly [bigint, bigint] => {
  const size = BigInt(8 * bytes);
  const [least, most] = signed ? [-(2n ** (size - 1n)), 2n ** (size - 1n) - 1n] : [0n, 2n ** size - 1n];
  return [BigInt(min ?? least), BigInt(max ?? most)];
};

const integers = (node: UintNode): fc.Arbitrary<number | bigint> => {
  const [min, max] = rangeOf(node);
  return node.bytes > 4 ? fc.bigInt({ min, max }) : fc.integer({ min: Number(min), max: Number(max) });
};

const texts = (min: number, max: number): fc.Arbitrary<string> => {
  const ascii = fc.string({
    unit: "binary-ascii",
    minLength: min,
    maxLength: Math.max(min, Math.min(max, CHARACTERS_MAX)),
  });
  if (max < 4 * Math.max(min, 1)) return ascii;
  const any = fc.string({
    unit: "binary",
    minLength: min,
    maxLength: Math.max(min, Math.min(max >> 2, CHARACTERS_MAX)),
  });
  return fc.oneof(ascii, any);
};

export const smallLeaves: Leaves = {
  integers,
  octets: (min, max) => fc.uint8Array({ minLength: min, maxLength: Math.max(min, Math.min(max, OCTETS_MAX)) }),
  texts,
  items: (item, minLength) => fc.array(item, { minLength, maxLength: ITEMS_MAX }),
  // Lists of lists under a one-byte length may grow past it; under two bytes they cannot.
  sizeCheckedBelow: 4_096,
};

/** Bounds of lengths of one and two bytes, where readers and writers change their ways, and what is beside them. */
const SIZES = [1, 2, 3, 63, 64, 65, 127, 128, 254, 255, 256, 257];
/** A bound up to here is reached; one beyond would make every message as long as that. */
const SIZE_REACHED_MAX = 1_024;
const MANY_ITEMS = 33;

const sizesOf = (min: number, max: number): fc.Arbitrary<number> => {
  const ends = max <= SIZE_REACHED_MAX ? [min, min + 1, max - 1, max] : [min, min + 1];
  return fc.constantFrom(...new Set([...ends, ...SIZES].filter((size) => size >= min && size <= max)));
};

const limitIntegers = (node: UintNode): fc.Arbitrary<number | bigint> => {
  const [min, max] = rangeOf(node);
  const half = 2n ** BigInt(8 * node.bytes - 1);
  const ends = [min, min + 1n, max - 1n, max, half - 1n, half].filter((end) => end >= min && end <= max);
  const found = [...new Set(ends)].map((end) => (node.bytes > 4 ? end : Number(end)));
  return fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...found) }, integers(node));
};

/** NUL, the last of one byte, the last of all: a character of four bytes. */
const CHARACTERS = ["\u0000", "~", "\u{10ffff}"];
const limitTexts = (min: number, max: number): fc.Arbitrary<string> => {
  const filled = fc.tuple(sizesOf(min, max), fc.constantFrom(...CHARACTERS)).map(([size, one]) => {
    const bytes = one === CHARACTERS[2] ? 4 : 1;
    return one.repeat(Math.floor(size / bytes)) + "~".repeat(size % bytes);
  });
  return fc.oneof({ weight: 3, arbitrary: filled }, texts(min, max));
};

export const limitsLeaves: Leaves = {
  integers: limitIntegers,
  octets: (min, max) =>
    fc.oneof(
      fc.tuple(sizesOf(min, max), fc.constantFrom(0, 0x80, 0xff)).map(([size, of]) => new Uint8Array(size).fill(of)),
      smallLeaves.octets(min, max),
    ),
  texts: limitTexts,
  items: (item, minLength) =>
    fc.oneof(
      { weight: 8, arbitrary: fc.array(item, { minLength, maxLength: ITEMS_MAX }) },
      { weight: 1, arbitrary: fc.array(item, { minLength: MANY_ITEMS, maxLength: MANY_ITEMS }) },
    ),
  sizeCheckedBelow: 2 ** 32,
};
