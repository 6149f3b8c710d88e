/**
 * The product of two numbers in one SRP group, in WebAssembly, in a time that depends on the group alone.
 *
 *   number   n digits of 13 bits each, 16 bits apart ("plain"), or with each digit's lower neighbour beside it ("paired")
 *   times    acc <- acc * factor / 2^(13n) mod N, P. Montgomery's product, Mathematics of Computation 44 (1985)
 *   select   one of a table's numbers, by reading all of them
 *
 * Four digits of the factor a round: what they and a multiple of N add to sixteen columns are four instructions. Every
 * address and every branch follows from the group and the round, none from a digit. All numbers stay below 2N, so that
 * nothing is compared or subtracted at the end.
 *
 *   column  k+7  k+6  k+5  k+4 | k+3 .. k      sum of products of 13-bit digits, in 32 bits: up to 31 rounds' digits,
 *            +--- vAdd, vDot --+   become 0     then what exceeds a digit is moved to the column above
 */
import type { SrpGroup } from "../../codecs/tls/mod.ts";
import {
  add,
  and,
  type Code,
  code,
  constant,
  get,
  ifFirstElseSecond,
  isEqual,
  isLess,
  load,
  loop,
  moduleOf,
  multiply,
  or,
  type Procedure,
  set,
  shiftLeft,
  shiftRight,
  store,
  store16,
  subtract,
  tee,
  vAdd,
  vAnd,
  vDot,
  vLoad,
  vLoadSplat,
  vOr,
  vShiftRight,
  vSplat,
  vStore,
  vZero,
} from "./wasm.ts";

export const DIGIT_BITS = 13;
const DIGIT = 2 ** DIGIT_BITS - 1;
/** Of the factor, in one round. */
const ROUND_DIGITS = 4;
/** 28 digits' products stay below 28 * 2 * 2^26, and 2^32 has room for what was left of the columns before. */
const DIGITS_BETWEEN_CARRIES_MAX = 28;
/** Registers of a processor: so many parts of a number are selected at once. */
const PARTS_AT_ONCE_MAX = 11;

/** Where a group's numbers lie in the memory, in bytes. */
export interface Layout {
  readonly digits: number;
  /** Of a plain number, with its share of padding. */
  readonly size: number;
  /** Of a paired one. */
  readonly paired: number;
  /** N, paired. */
  readonly prime: number;
  /** The number that is multiplied, paired; and the same, plain. */
  readonly acc: number;
  readonly plain: number;
  /** Where `select` leaves its choice. */
  readonly chosen: number;
  /** The columns. */
  readonly sums: number;
  /** From here on the memory is the caller's. */
  readonly end: number;
}

export const layoutOf = (group: SrpGroup): Layout => {
  // 2^(13n) of 4N or more keeps products of numbers below 2N below 2N.
  const digits = ROUND_DIGITS * Math.ceil((group.bits + 2) / DIGIT_BITS / ROUND_DIGITS);
  const size = 16 * Math.ceil((2 * digits) / 16);
  // Two zero pairs before the lowest digit and some after the highest, for the rounds that reach beyond.
  const paired = 16 * Math.ceil((4 * (digits + 12)) / 16);
  const prime = 16;
  const acc = prime + paired + 16;
  const plain = acc + paired;
  const chosen = plain + size;
  const sums = chosen + size;
  return { digits, size, paired, prime, acc, plain, chosen, sums, end: sums + 16 * Math.ceil((8 * digits + 64) / 16) };
};

/** `times(factor)`: factor is a plain number's address. `select(table, index, count)`. */
export const montgomeryModule = (group: SrpGroup, pages: number): Uint8Array<ArrayBuffer> => {
  const layout = layoutOf(group);
  return moduleOf([times(group, layout), select(layout)], pages);
};

// Locals of `times`: addresses of the factor's digit and of column k; multiples of N; what is carried; a scratch place;
// the address at which columns must be carried up.
const [FACTOR, AT, M0, M1, M2, M3, CARRY, SCRATCH, LIMIT] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;
const [FACTORS_LOW, FACTORS_HIGH, MULTIPLES_LOW, MULTIPLES_HIGH] = [9, 10, 11, 12] as const;

const times = (group: SrpGroup, layout: Layout): Procedure => {
  const { digits, sums } = layout;
  const [whole, some] = [4 * digits, 4 * DIGITS_BETWEEN_CARRIES_MAX];
  const nextLimit = code(get(LIMIT), constant(some), add, tee(LIMIT), constant(whole));
  const rounds = loop(
    code(
      code(nextLimit, get(LIMIT), constant(whole), isLess, ifFirstElseSecond, set(LIMIT)),
      loop(code(round(group, layout), get(LIMIT), isLess)),
      code(carryUp(layout), get(AT), constant(whole), isLess),
    ),
  );
  const clear = Array.from({ length: (layout.end - sums) / 16 }, (_, i) =>
    code(constant(0), vZero, vStore(sums + 16 * i)),
  );
  const body = code(...clear, constant(0), set(AT), constant(0), set(LIMIT), rounds, settle(layout));
  return { name: "times", parameters: 1, integers: 8, vectors: 4, body };
};

/** Adds four digits' products, and as much of N as makes the four lowest columns vanish. Leaves column k + 4's address. */
const round = (group: SrpGroup, layout: Layout): Code => {
  const { digits, sums, acc, prime } = layout;
  const products = (factors: number, at: number): Code => code(get(factors), constant(0), vLoad(at), vDot, vAdd);
  const byFactors = (column: number): Code =>
    code(products(FACTORS_LOW, acc + 4 * column), products(FACTORS_HIGH, acc + 4 * (column - 2)));
  const byMultiples = (column: number): Code =>
    code(products(MULTIPLES_LOW, prime + 4 * column), products(MULTIPLES_HIGH, prime + 4 * (column - 2)));
  const columns = Array.from({ length: Math.ceil((digits + 3) / 4) }, (_, i) => 4 * i);
  return code(
    get(FACTOR),
    vLoadSplat(0),
    set(FACTORS_LOW),
    get(FACTOR),
    vLoadSplat(4),
    set(FACTORS_HIGH),
    code(get(AT), get(AT), vLoad(sums), byFactors(0), vStore(sums)),
    multiplesOf(group, sums),
    ...columns
      .slice(1)
      .map((column) =>
        code(
          get(AT),
          get(AT),
          vLoad(sums + 4 * column),
          byFactors(column),
          byMultiples(column),
          vStore(sums + 4 * column),
        ),
      ),
    get(FACTOR),
    constant(2 * ROUND_DIGITS),
    add,
    set(FACTOR),
    get(AT),
    constant(4 * ROUND_DIGITS),
    add,
    tee(AT),
  );
};

/** The four digits by which N is multiplied, two at a time, and the carry out of the columns that they clear. */
const multiplesOf = (group: SrpGroup, sums: number): Code => {
  const n = Array.from({ length: ROUND_DIGITS }, (_, i) => Number((group.prime >> BigInt(DIGIT_BITS * i)) & 8191n));
  const column = (i: number): Code => code(get(AT), load(sums + 4 * i));
  const of = (multiple: number, digit: number): Code => code(get(multiple), constant(n[digit]!), multiply, add);
  const two = inverseOf(group.prime);
  const pair = (low: number, high: number, first: Code, second: Code): Code =>
    code(
      code(first, set(SCRATCH), second, tee(CARRY), constant(DIGIT_BITS), shiftLeft, get(SCRATCH), add),
      code(constant(two), multiply, tee(high), constant(DIGIT), and, set(low)),
      code(get(high), constant(DIGIT_BITS), shiftRight, constant(DIGIT), and, set(high)),
      code(get(SCRATCH), of(low, 0), constant(DIGIT_BITS), shiftRight),
      code(get(CARRY), add, of(low, 1), of(high, 0), constant(DIGIT_BITS), shiftRight, set(CARRY)),
    );
  const splat = (low: number, high: number, into: number): Code =>
    code(get(high), constant(16), shiftLeft, get(low), or, vSplat, set(into));
  return code(
    pair(M0, M1, column(0), column(1)),
    pair(
      M2,
      M3,
      code(column(2), get(CARRY), add, of(M0, 2), of(M1, 1)),
      code(column(3), of(M0, 3), of(M1, 2)), // and what M2 and M3 add is `pair`'s own
    ),
    code(get(AT), column(4), get(CARRY), add, store(sums + 16)),
    splat(M0, M1, MULTIPLES_LOW),
    splat(M2, M3, MULTIPLES_HIGH),
  );
};

/** -1/N modulo two digits, by Newton's steps. */
const inverseOf = (prime: bigint): number => {
  const modulus = 1n << BigInt(2 * DIGIT_BITS);
  let inverse = 1n;
  for (let bits = 1; bits < 2 * DIGIT_BITS; bits *= 2) inverse = (inverse * (2n - prime * inverse)) % modulus;
  return Number((2n * modulus - inverse) % modulus);
};

/** In each column that is still to come: what exceeds a digit goes to the column above. */
const carryUp = ({ digits, sums }: Layout): Code => {
  const vectors = Math.ceil((digits + 4) / 4);
  const fromTheTop = Array.from({ length: vectors }, (_, i) => sums + 4 + 16 * (vectors - 1 - i));
  const digitOf = code(constant(DIGIT), vSplat, vAnd);
  const carryOf = code(constant(DIGIT_BITS), vShiftRight);
  return code(
    ...fromTheTop.map((at) =>
      code(get(AT), get(AT), vLoad(at), digitOf, get(AT), vLoad(at - 4), carryOf, vAdd, vStore(at)),
    ),
    code(get(AT), get(AT), load(sums), constant(DIGIT), and, store(sums)),
  );
};

/** The upper columns become digits: the new acc, paired and plain. */
const settle = ({ digits, sums, acc, plain }: Layout): Code => {
  const [digit, below] = [M1, M0];
  const place = acc - 4 * digits;
  return code(
    code(constant(0), set(CARRY), constant(0), set(below), constant(plain), set(M2)),
    loop(
      code(
        code(get(AT), load(sums), get(CARRY), add, tee(SCRATCH), constant(DIGIT_BITS), shiftRight, set(CARRY)),
        code(get(SCRATCH), constant(DIGIT), and, set(digit)),
        code(get(AT), get(below), constant(16), shiftLeft, get(digit), or, store(place)),
        code(get(M2), get(digit), store16(0), get(M2), constant(2), add, set(M2), get(digit), set(below)),
        code(get(AT), constant(4), add, tee(AT), constant(8 * digits), isLess),
      ),
    ),
    code(constant(0), get(below), constant(16), shiftLeft, store(acc + 4 * digits)),
  );
};

/** Each entry of the table is read whole and masked, all ones or all zeros, whichever is wanted. */
const select = ({ size, chosen }: Layout): Procedure => {
  const [TABLE, INDEX, COUNT, ENTRY, ADDRESS, MASK, FIRST] = [0, 1, 2, 3, 4, 5, 6] as const;
  const parts = Array.from({ length: size / 16 }, (_, i) => i);
  const some = (part: ReadonlyArray<number>): Code =>
    code(
      code(constant(0), set(ENTRY), get(TABLE), set(ADDRESS)),
      ...part.map((_, i) => code(vZero, set(FIRST + i))),
      loop(
        code(
          code(constant(0), get(ENTRY), get(INDEX), isEqual, subtract, vSplat, set(MASK)),
          ...part.map((p, i) =>
            code(get(FIRST + i), get(ADDRESS), vLoad(16 * p), get(MASK), vAnd, vOr, set(FIRST + i)),
          ),
          code(get(ADDRESS), constant(size), add, set(ADDRESS)),
          code(get(ENTRY), constant(1), add, tee(ENTRY), get(COUNT), isLess),
        ),
      ),
      ...part.map((p, i) => code(constant(0), get(FIRST + i), vStore(chosen + 16 * p))),
    );
  const chunks: Array<Code> = [];
  for (let from = 0; from < parts.length; from += PARTS_AT_ONCE_MAX)
    chunks.push(some(parts.slice(from, from + PARTS_AT_ONCE_MAX)));
  return { name: "select", parameters: 3, integers: 2, vectors: 1 + PARTS_AT_ONCE_MAX, body: code(...chunks) };
};
