/**
 * Powers in one SRP group on Montgomery's products in WebAssembly: for any base, and faster for the group's generator.
 *
 *   any base     a table of base^0 .. base^15, and four squares and one product for each four bits of the exponent
 *   generator    a table of g^(d * 2^(6r)) for each digit d and row r: one product for each six bits
 *
 * Both tables are read whole for every digit, and the exponent's length is rounded up to four bytes: neither time nor
 * addresses tell of an exponent's bits. The generator's table grows by some rows with each of its powers, so that no call
 * takes long; until it is whole, g is a base like any other.
 */
import { bytesOfInteger, type SrpGroup } from "../../codecs/tls/mod.ts";
import { DIGIT_BITS, digitsFor, places, strideFor, wordsOf } from "./layout.ts";
import { type Montgomery, montgomeryModule } from "./montgomery.ts";
import { compiled, instanceOf } from "./wasm.ts";

export interface Digits {
  /** 0 <= base < N. */
  readonly power: (base: bigint, exponent: bigint) => bigint;
}

const WINDOW_BITS = 4;
const COMB_BITS = 6;
/** Longer exponents are taken as for any base. u * x, the longest power of g in a handshake, has 320 bits. */
const COMB_EXPONENT_BITS_MAX = 320;
const COMB_ROWS = Math.ceil(COMB_EXPONENT_BITS_MAX / COMB_BITS);
const COMB_ROWS_AT_ONCE_MAX = 3;
const PAGE_BYTES = 65_536;

let module: object | undefined; // one for all groups

export const digitsOf = (group: SrpGroup): Digits => {
  const digits = digitsFor(group);
  const [whole, size] = [4 * digits, strideFor(digits)];
  const { acc, plain, chosen, end } = places;
  // What stays: 1, the radix and its square, modulo N, plain, and the radix paired. Then the tables.
  const [unit, one, squared, start] = [end, end + size, end + 2 * size, end + 3 * size];
  const paired = whole + 32;
  const windows = start + paired;
  const comb = windows + size * 2 ** WINDOW_BITS;
  const pages = Math.ceil((comb + size * COMB_ROWS * 2 ** COMB_BITS) / PAGE_BYTES);
  module ??= compiled(montgomeryModule());
  const { memory, times, square, select } = instanceOf<Montgomery>(module, pages);
  const bytes = new Uint8Array(memory.buffer);
  const numbers = numbersIn(memory.buffer, digits);
  new BigUint64Array(memory.buffer, places.words, 9).set(wordsOf(group));
  numbers.putPaired(places.prime, group.prime);

  const radix = 1n << BigInt(DIGIT_BITS * digits);
  numbers.putPlain(unit, 1n);
  numbers.putPlain(one, radix % group.prime);
  numbers.putPlain(squared, (radix * radix) % group.prime);
  numbers.putPaired(start, radix % group.prime);
  /** acc = 1, in Montgomery's form. */
  const begin = (): void => {
    bytes.copyWithin(acc, start, start + paired);
    bytes.copyWithin(plain, one, one + size);
  };
  /** acc = base, in Montgomery's form. */
  const enter = (base: bigint): void => {
    numbers.putPaired(acc, base);
    times(squared, whole);
  };
  const leave = (): bigint => {
    times(unit, whole);
    const value = numbers.take(plain);
    bytes.fill(0, acc, end).fill(0, windows, comb); // no secret stays behind
    return value % group.prime; // below 2N, so that this is a comparison
  };
  /** Writes acc^0 .. acc^(count-1); acc becomes acc^count. */
  const fill = (table: number, count: number): void => {
    bytes.copyWithin(table, one, one + size);
    for (let i = 1; i < count; i++) {
      bytes.copyWithin(table + i * size, plain, plain + size);
      times(table + size, whole);
    }
  };

  let rows = 0;
  let next = group.generator;
  const grow = (): void => {
    enter(next);
    for (let i = 0; i < COMB_ROWS_AT_ONCE_MAX && rows < COMB_ROWS; i++, rows++)
      fill(comb + rows * size * 2 ** COMB_BITS, 2 ** COMB_BITS);
    next = leave();
  };

  const byComb = (exponent: Uint8Array): bigint => {
    begin();
    for (let row = 0; row * COMB_BITS < 8 * exponent.length; row++) {
      select(comb + row * size * 2 ** COMB_BITS, bitsAt(exponent, row * COMB_BITS, COMB_BITS), 2 ** COMB_BITS, size);
      times(chosen, whole);
    }
    return leave();
  };
  const byWindows = (base: bigint, exponent: Uint8Array): bigint => {
    enter(base);
    fill(windows, 2 ** WINDOW_BITS);
    begin();
    const top = 8 * exponent.length - WINDOW_BITS;
    for (let at = top; at >= 0; at -= WINDOW_BITS) {
      for (let i = 0; i < WINDOW_BITS && at < top; i++) square(whole); // of 1, at the top
      select(windows, bitsAt(exponent, at, WINDOW_BITS), 2 ** WINDOW_BITS, size);
      times(chosen, whole);
    }
    return leave();
  };
  return {
    power: (base, exponent) => {
      const bits = exponentOf(exponent);
      const isShort = 8 * bits.length <= COMB_EXPONENT_BITS_MAX;
      if (base === group.generator && isShort && rows < COMB_ROWS) grow();
      const value = base === group.generator && isShort && rows === COMB_ROWS ? byComb(bits) : byWindows(base, bits);
      bits.fill(0);
      return value;
    },
  };
};

/** Little-endian, in whole words of four bytes: x has five of them. */
const exponentOf = (exponent: bigint): Uint8Array => {
  const bytes = bytesOfInteger(exponent);
  const out = new Uint8Array(4 * Math.ceil(bytes.length / 4));
  for (let i = 0; i < bytes.length; i++) out[i] = bytes[bytes.length - 1 - i]!;
  bytes.fill(0);
  return out;
};

/** Fewer than eight bits; what lies beyond the end is 0. */
const bitsAt = (bytes: Uint8Array, at: number, count: number): number => {
  const byte = at >> 3;
  const two = (bytes[byte] ?? 0) | ((bytes[byte + 1] ?? 0) << 8);
  return (two >> (at & 7)) & (2 ** count - 1);
};

/** Integers into digits in the memory, and back. */
const numbersIn = (memory: ArrayBuffer, digits: number) => {
  const view = new Uint16Array(memory);
  const digitsIn = new Uint16Array(digits + 1);
  const size = 8 * Math.ceil((digits * DIGIT_BITS) / 64);
  const held = Buffer.alloc(size);
  const spread = (value: bigint): void => {
    held.write(value.toString(16).padStart(2 * size, "0"), "hex");
    let [bits, count, byte] = [0, 0, size];
    for (let i = 0; i < digits; i++) {
      while (count < DIGIT_BITS && byte > 0) {
        bits |= held[--byte]! << count;
        count += 8;
      }
      digitsIn[i] = bits & (2 ** DIGIT_BITS - 1);
      bits >>>= DIGIT_BITS;
      count -= DIGIT_BITS;
    }
  };
  return {
    putPlain: (at: number, value: bigint): void => {
      spread(value);
      view.set(digitsIn.subarray(0, digits), at / 2);
    },
    putPaired: (at: number, value: bigint): void => {
      spread(value);
      for (let i = 0; i <= digits; i++) {
        view[at / 2 + 2 * i] = digitsIn[i]!;
        view[at / 2 + 2 * i + 1] = i === 0 ? 0 : digitsIn[i - 1]!;
      }
    },
    take: (at: number): bigint => {
      let [bits, count, byte] = [0, 0, size];
      for (let i = 0; i < digits; i++) {
        bits += view[at / 2 + i]! << count; // a digit may have a bit too many
        count += DIGIT_BITS;
        for (; count >= 8; count -= 8, bits >>>= 8) held[--byte] = bits & 0xff;
      }
      for (; byte > 0; bits >>>= 8) held[--byte] = bits & 0xff;
      const value = BigInt(`0x${held.toString("hex")}`);
      held.fill(0);
      return value;
    },
  };
};
