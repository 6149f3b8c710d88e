/**
 * Products and squares of two numbers in an SRP group, in WebAssembly, in a time that depends on the group alone.
 *
 *   number   n digits of 13 bits each, 16 bits apart ("plain"), or with each digit's lower neighbour beside it ("paired")
 *   times    acc <- acc * factor / 2^(13n) mod N, P. Montgomery's product, Mathematics of Computation 44 (1985)
 *   square   acc <- acc * acc / 2^(13n) mod N, with each product of two different digits taken once, and doubled
 *   select   one of a table's numbers, by reading all of them
 *
 * One module serves all groups: n and N lie in the memory. Every address and every branch follows from n and the round,
 * none from a digit. All numbers stay below 2N, so that nothing is compared or subtracted at the end.
 *
 *   rows     eight digits of a factor times all digits of the other, into columns of 32 bits: four vectors of factors
 *            stay in registers, and each part of the other number is loaded once for two places that need it
 *   reduce   the same with N and the eight digits that make the lowest eight columns vanish; the next eight digits are
 *            computed as soon as their columns are whole, beside the rest of the row
 *   carry    before a column can overflow, what exceeds a digit is moved to the column above
 *
 * Digits are not made unique: one may exceed 13 bits a little (`DIGIT_SUM_MAX`), as the next product does not mind.
 */
import type { SrpGroup } from "../../codecs/tls/mod.ts";
import {
  add,
  and,
  type Code,
  call,
  code,
  constant,
  drop,
  get,
  ifFirstElseSecond,
  ifThen,
  isLess,
  load,
  long,
  longAdd,
  longAnd,
  longLoad,
  longLoad32,
  longMultiply,
  longShiftLeft,
  longShiftRight,
  longSubtract,
  loop,
  moduleOf,
  or,
  type Procedure,
  set,
  shiftLeft,
  shiftRight,
  store,
  subtract,
  tee,
  toInteger,
  vAdd,
  vAnd,
  vDot,
  vIsEqual,
  vLoad,
  vLoadSplat,
  vNarrow,
  vOr,
  vShiftLeft,
  vShiftRight,
  vSplat,
  vStore,
  vZero,
} from "./wasm.ts";

export const DIGIT_BITS = 13;
const DIGIT = 2 ** DIGIT_BITS - 1;
/** Of the factor, in one row. */
const ROW_DIGITS = 8;
/** A group's number of digits is a multiple of this. */
const DIGITS_STEP = 40;
const DIGITS_MAX = 640;
/** A settled digit is at most 8191 + 64; 63 products of two such fit a column of 32 bits, with what a carry left there. */
export const DIGIT_SUM_MAX = DIGIT + 64;
const DIGITS_BETWEEN_CARRIES_MAX = 56;
/** Each row of a square brings sixteen products to a column: two for each digit. */
const SQUARE_DIGITS_BETWEEN_CARRIES_MAX = 24;
/** `select` keeps so many parts of 16 bytes in registers; a table's numbers lie so far apart. */
const PARTS_AT_ONCE = 10;

export const digitsFor = (group: SrpGroup): number =>
  // 2^(13n) of 4N or more keeps products of numbers below 2N below 2N.
  DIGITS_STEP * Math.ceil((group.bits + 2) / DIGIT_BITS / DIGITS_STEP);
/** Bytes of a number in a table. */
export const strideFor = (digits: number): number => 16 * PARTS_AT_ONCE * Math.ceil((2 * digits) / 16 / PARTS_AT_ONCE);

// Where numbers lie in the memory, in bytes. Eight zero pairs stand before a paired number and eight and more after it,
// for the rows that reach beyond.
const PAIRED = 32 + 4 * DIGITS_MAX + 96;
const PLAIN_SIZE = 2 * DIGITS_MAX;
/** 64 bits each: four words of 26 bits, the lowest of N; -1/N modulo 2^26; the upper digits of these words. */
const WORDS = 0;
const WORDS_SIZE = 8 * 16;
/** N, paired. */
const PRIME = WORDS_SIZE + 32;
/** The number that is multiplied, paired; and the same, plain. */
const ACC = PRIME + PAIRED;
const PLAIN = ACC + PAIRED;
/** Where `select` leaves its choice. */
const CHOSEN = PLAIN + PLAIN_SIZE;
/** A square's operand: paired, its digits doubled or not. */
const WORK = CHOSEN + PLAIN_SIZE + 32;
/** The columns. */
const SUMS = WORK + PAIRED;
/** From here on the memory is the caller's. */
const END = SUMS + 8 * DIGITS_MAX + 128;

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

export interface Montgomery {
  /** By the plain number at that address; `whole` is 4n. */
  readonly times: (factor: number, whole: number) => void;
  readonly square: (whole: number) => void;
  /** Of so many numbers, `stride` bytes apart. */
  readonly select: (table: number, index: number, count: number, stride: number) => void;
}

export const montgomeryModule = (): Uint8Array<ArrayBuffer> => moduleOf([reduce(), times(), square(), select()]);
const REDUCE = 0;

// ---- one row: locals that `row` uses wherever it is put
interface RowLocals {
  readonly column: number;
  readonly other: number;
  readonly factors: readonly [number, number, number, number];
  /** Six vectors. */
  readonly parts: readonly [number, number, number, number, number, number];
}

/** The parts of the other number that lie below where the row begins. */
const rowStart = ({ other, parts: [below4, below6] }: RowLocals): Code =>
  code(get(other), vLoadBelow(16), set(below4), get(other), vLoadBelow(24), set(below6));
/** Addresses cannot be negative offsets: `other` always runs this far ahead of the place it means. */
const AHEAD = 32;
const vLoadBelow = (bytes: number): Code => vLoad(AHEAD - bytes);

/** Eight columns, and both addresses moved on. Leaves `other`. */
const rowStep = ({ column, other, factors, parts }: RowLocals): Code => {
  const [below4, below6, a, b, c, d] = parts;
  const dots = (numbers: ReadonlyArray<number>): Code =>
    code(...numbers.map((number, i) => code(get(number), get(factors[i]!), vDot, vAdd)));
  return code(
    code(get(other), vLoad(AHEAD), set(b), get(other), vLoadBelow(8), set(a)),
    code(get(column), get(column), vLoad(0), dots([b, a, below4, below6]), vStore(0)),
    code(get(other), vLoad(AHEAD + 16), set(d), get(other), vLoad(AHEAD + 8), set(c)),
    code(get(column), get(column), vLoad(16), dots([d, c, b, a]), vStore(16)),
    code(get(d), set(below4), get(c), set(below6)),
    code(get(column), constant(32), add, set(column), get(other), constant(32), add, tee(other)),
  );
};

const takeFactors = (from: number, { factors }: RowLocals): Code =>
  code(...factors.map((factor, i) => code(get(from), vLoadSplat(4 * i), set(factor))));

// ---- carries
/**
 * What exceeds a digit goes one column up, from `first` to `last` (addresses of whole vectors; `last` is beyond the end
 * and receives the uppermost carry). The lowest column is only cut.
 */
const carryUp = (first: number, last: Code, at: number, kept: number, digit: number): Code =>
  code(
    code(get(first), load(0), constant(DIGIT), and, set(kept)),
    code(last, constant(32), subtract, set(at)),
    code(get(at), get(at), load(32), get(at), load(28), constant(DIGIT_BITS), shiftRight, add, store(32)),
    code(constant(DIGIT), vSplat, set(digit)),
    loop(
      code(
        code(
          get(at),
          get(at),
          vLoad(16),
          get(digit),
          vAnd,
          get(at),
          vLoad(12),
          constant(DIGIT_BITS),
          vShiftRight,
          vAdd,
          vStore(16),
        ),
        code(get(at), get(at), vLoad(0), get(digit), vAnd),
        code(get(at), constant(4), subtract, vLoad(0), constant(DIGIT_BITS), vShiftRight, vAdd, vStore(0)),
        code(get(first), get(at), constant(32), subtract, tee(at), constant(1), add, isLess),
      ),
    ),
    code(get(first), get(kept), store(0)),
  );

/** The address beyond all columns of the rows before this one. */
const beyond = (whole: number, row: number): Code => code(constant(SUMS), get(whole), add, get(row), add);

// ---- times
const times = (): Procedure => {
  const [FACTOR, WHOLE, ROW, LIMIT, AT, KEPT, COLUMN, OTHER, FIRST] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;
  const row: RowLocals = { column: COLUMN, other: OTHER, factors: [9, 10, 11, 12], parts: [13, 14, 15, 16, 17, 18] };
  const one = code(
    code(takeFactors(FACTOR, row), get(FACTOR), constant(2 * ROW_DIGITS), add, set(FACTOR)),
    code(get(ROW), constant(SUMS), add, set(COLUMN), constant(ACC - AHEAD), set(OTHER), rowStart(row)),
    loop(code(rowStep(row), constant(ACC - AHEAD + 32), get(WHOLE), add, isLess)),
    code(get(ROW), constant(4 * ROW_DIGITS), add, tee(ROW)),
  );
  const body = code(
    clear(WHOLE, AT),
    loop(
      code(
        code(get(LIMIT), constant(4 * DIGITS_BETWEEN_CARRIES_MAX), add, set(LIMIT)),
        code(get(LIMIT), get(WHOLE), get(LIMIT), get(WHOLE), isLess, ifFirstElseSecond, set(LIMIT)),
        loop(code(one, get(LIMIT), isLess)),
        code(get(ROW), constant(SUMS), add, set(FIRST)),
        code(
          get(ROW),
          get(WHOLE),
          isLess,
          ifThen(carryUp(FIRST, code(get(FIRST), get(WHOLE), add), AT, KEPT, row.parts[0])),
        ),
        code(get(ROW), get(WHOLE), isLess),
      ),
    ),
    code(get(WHOLE), call(REDUCE)),
  );
  return { name: "times", parameters: 2, integers: 7, vectors: 10, body };
};

/** All columns are 0. */
const clear = (whole: number, at: number): Code =>
  code(
    code(constant(0), set(at)),
    loop(
      code(
        code(get(at), vZero, vStore(SUMS), get(at), vZero, vStore(SUMS + 16)),
        code(get(at), constant(32), add, tee(at), get(whole), get(whole), add, constant(32), add, isLess),
      ),
    ),
  );

// ---- square
const square = (): Procedure => {
  const [WHOLE, ROW, LIMIT, AT, KEPT, COLUMN, OTHER, FIRST, FACTOR] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;
  const row: RowLocals = { column: COLUMN, other: OTHER, factors: [9, 10, 11, 12], parts: [13, 14, 15, 16, 17, 18] };
  const doubled = code(
    code(constant(0), set(AT)),
    loop(
      code(
        code(get(AT), get(AT), vLoad(ACC), constant(1), vShiftLeft, vStore(WORK)),
        code(get(AT), get(AT), vLoad(ACC + 16), constant(1), vShiftLeft, vStore(WORK + 16)),
        code(get(AT), constant(32), add, tee(AT), get(WHOLE), constant(32), add, isLess),
      ),
    ),
  );
  // The row's own eight digits stand once, those below them not at all.
  const own = code(
    code(get(ROW), vZero, vStore(WORK - 32), get(ROW), vZero, vStore(WORK - 16)),
    code(get(ROW), get(ROW), vLoad(ACC), vStore(WORK), get(ROW), get(ROW), vLoad(ACC + 16), vStore(WORK + 16)),
    code(get(ROW), get(ROW), load(ACC), constant(0xffff), and, store(WORK)),
    code(get(ROW), get(ROW), load(ACC + 32), get(ROW), load(ACC + 32), constant(0xffff), and, add, store(WORK + 32)),
  );
  const one = code(
    own,
    code(get(ROW), constant(1), shiftRight, constant(PLAIN), add, set(FACTOR), takeFactors(FACTOR, row)),
    code(get(ROW), constant(1), shiftLeft, constant(SUMS), add, set(COLUMN)),
    code(get(ROW), constant(WORK - AHEAD), add, set(OTHER), rowStart(row)),
    loop(code(rowStep(row), constant(WORK - AHEAD + 32), get(WHOLE), add, isLess)),
    code(get(ROW), constant(4 * ROW_DIGITS), add, tee(ROW)),
  );
  const body = code(
    clear(WHOLE, AT),
    doubled,
    loop(
      code(
        code(get(LIMIT), constant(4 * SQUARE_DIGITS_BETWEEN_CARRIES_MAX), add, set(LIMIT)),
        code(get(LIMIT), get(WHOLE), get(LIMIT), get(WHOLE), isLess, ifFirstElseSecond, set(LIMIT)),
        loop(code(one, get(LIMIT), isLess)),
        // The next row begins at twice its place.
        code(get(ROW), constant(1), shiftLeft, constant(SUMS), add, set(FIRST)),
        code(get(ROW), get(WHOLE), isLess, ifThen(carryUp(FIRST, beyond(WHOLE, ROW), AT, KEPT, row.parts[0]))),
        code(get(ROW), get(WHOLE), isLess),
      ),
    ),
    code(get(WHOLE), call(REDUCE)),
  );
  return { name: "square", parameters: 1, integers: 8, vectors: 10, body };
};

// ---- reduce
const reduce = (): Procedure => {
  const [WHOLE, ROW, LIMIT, AT, KEPT, COLUMN, OTHER, FIRST, NEXT] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;
  const MULTIPLES = [9, 10, 11, 12] as const;
  const row: RowLocals = { column: COLUMN, other: OTHER, factors: [19, 20, 21, 22], parts: [23, 24, 25, 26, 27, 28] };
  const splat = code(...MULTIPLES.map((multiple, i) => code(get(multiple), vSplat, set(row.factors[i]!))));
  const one = code(
    splat,
    code(get(ROW), constant(SUMS + 32), add, tee(COLUMN), set(NEXT), constant(PRIME - AHEAD + 32), set(OTHER)),
    code(rowStart(row), rowStep(row), drop),
    code(get(NEXT), get(NEXT), load(0), get(LONG_CARRY), toInteger, add, store(0)),
    multiplesOf(NEXT, MULTIPLES),
    loop(code(rowStep(row), constant(PRIME - AHEAD + 32), get(WHOLE), add, isLess)),
    code(get(ROW), constant(4 * ROW_DIGITS), add, tee(ROW)),
  );
  const body = code(
    code(constant(SUMS), tee(FIRST), set(NEXT)),
    carryUp(FIRST, beyond(WHOLE, WHOLE), AT, KEPT, row.parts[0]),
    multiplesOf(NEXT, MULTIPLES),
    loop(
      code(
        code(get(LIMIT), constant(4 * DIGITS_BETWEEN_CARRIES_MAX), add, set(LIMIT)),
        code(get(LIMIT), get(WHOLE), get(LIMIT), get(WHOLE), isLess, ifFirstElseSecond, set(LIMIT)),
        loop(code(one, get(LIMIT), isLess)),
        // The next row's lowest eight columns are reckoned with already.
        code(get(ROW), constant(SUMS + 32), add, set(FIRST)),
        code(get(ROW), get(WHOLE), isLess, ifThen(carryUp(FIRST, beyond(WHOLE, ROW), AT, KEPT, row.parts[0]))),
        code(get(ROW), get(WHOLE), isLess),
      ),
    ),
    settle(WHOLE, FIRST, AT, KEPT, row.parts[0]),
  );
  return { name: "reduce", parameters: 1, integers: 12, longs: 6, vectors: 10, body };
};

// 64-bit locals of `reduce`: what the last eight columns carry, four words of the multiple, a sum, N's words, -1/N.
const LONG_CARRY = 13;
const LONG_WORDS = [14, 15, 16, 17] as const;
const LONG_SUM = 18;

/** The eight digits of a multiple of N that make eight columns vanish, two and two, and what these columns carry. */
const multiplesOf = (column: number, into: ReadonlyArray<number>): Code => {
  const primeWord = (i: number): Code => code(constant(0), longLoad(WORDS + 8 * i));
  const words = LONG_WORDS.map((word, i) => {
    const pair = code(
      code(
        get(column),
        longLoad32(8 * i),
        get(column),
        longLoad32(8 * i + 4),
        long(DIGIT_BITS),
        longShiftLeft,
        longAdd,
      ),
    );
    const lower = LONG_WORDS.slice(0, i).map((other, j) => code(get(other), primeWord(i - j), longMultiply, longAdd));
    return code(
      code(pair, ...lower, ...(i === 0 ? [] : [get(LONG_CARRY), longAdd]), tee(LONG_SUM)),
      code(primeWord(4), longMultiply, long(2 ** 26 - 1), longAnd, set(word)),
      code(get(LONG_SUM), get(word), primeWord(0), longMultiply, longAdd, long(26), longShiftRight, set(LONG_CARRY)),
      code(get(word), toInteger, constant(DIGIT), and),
      code(get(word), toInteger, constant(3), shiftLeft, constant(DIGIT << 16), and, or, set(into[i]!)),
    );
  });
  // The products of two upper digits at the end belong to the ninth column, and to the row.
  const over = LONG_WORDS.map((word, i) =>
    code(get(word), long(DIGIT_BITS), longShiftRight, primeWord(5 + 3 - i), longMultiply, longSubtract),
  );
  return code(...words, get(LONG_CARRY), ...over, set(LONG_CARRY));
};

/** The upper columns become digits: the new acc, paired and plain. */
const settle = (whole: number, first: number, at: number, kept: number, digit: number): Code => {
  const last = code(get(first), get(whole), add);
  const paired = (i: number): Code =>
    code(
      code(get(at), get(first), get(at), add, vLoad(i)),
      code(get(first), get(at), add, constant(4), subtract, vLoad(i), constant(16), vShiftLeft, vOr, vStore(ACC + i)),
    );
  const columns = (i: number): Code => code(get(first), get(at), add, vLoad(i));
  return code(
    code(constant(SUMS), get(whole), add, set(first)),
    carryUp(first, last, at, kept, digit),
    carryUp(first, last, at, kept, digit),
    code(get(first), constant(4), subtract, constant(0), store(0), constant(0), set(at)),
    loop(
      code(
        code(paired(0), paired(16)),
        code(get(at), constant(1), shiftRight, columns(0), columns(16), vNarrow, vStore(PLAIN)),
        code(get(at), constant(32), add, tee(at), get(whole), isLess),
      ),
    ),
    code(get(whole), last, constant(4), subtract, load(0), constant(16), shiftLeft, store(ACC)),
  );
};

/** Each entry of the table is read whole and masked, all ones or all zeros, whichever is wanted. */
const select = (): Procedure => {
  const [TABLE, INDEX, COUNT, STRIDE, ENTRY, ADDRESS, PART] = [0, 1, 2, 3, 4, 5, 6] as const;
  const [MASK, WANTED, NOW, FIRST] = [7, 8, 9, 10] as const;
  const parts = Array.from({ length: PARTS_AT_ONCE }, (_, i) => i);
  const body = code(
    code(get(INDEX), vSplat, set(WANTED)),
    loop(
      code(
        code(constant(0), set(ENTRY), constant(0), vSplat, set(NOW), get(TABLE), get(PART), add, set(ADDRESS)),
        ...parts.map((part) => code(vZero, set(FIRST + part))),
        loop(
          code(
            code(get(NOW), get(WANTED), vIsEqual, set(MASK), get(NOW), constant(1), vSplat, vAdd, set(NOW)),
            ...parts.map((part) =>
              code(get(FIRST + part), get(ADDRESS), vLoad(16 * part), get(MASK), vAnd, vOr, set(FIRST + part)),
            ),
            code(get(ADDRESS), get(STRIDE), add, set(ADDRESS)),
            code(get(ENTRY), constant(1), add, tee(ENTRY), get(COUNT), isLess),
          ),
        ),
        ...parts.map((part) => code(get(PART), get(FIRST + part), vStore(CHOSEN + 16 * part))),
        code(get(PART), constant(16 * PARTS_AT_ONCE), add, tee(PART), get(STRIDE), isLess),
      ),
    ),
  );
  return { name: "select", parameters: 4, integers: 3, vectors: 3 + PARTS_AT_ONCE, body };
};
