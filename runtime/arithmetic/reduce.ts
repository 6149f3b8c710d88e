/** Montgomery's reduction: multiples of N make the lower half of the columns vanish; the upper half is the number. */
import { ACC, DIGIT, DIGIT_BITS, DIGITS_BETWEEN_CARRIES_MAX, PLAIN, PRIME, ROW_DIGITS, SUMS, WORDS } from "./layout.ts";
import { AHEAD, beyond, carryUp, type RowLocals, rowStart, rowStep } from "./rows.ts";
import {
  add,
  and,
  type Code,
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
  or,
  type Procedure,
  set,
  shiftLeft,
  shiftRight,
  store,
  subtract,
  tee,
  toInteger,
  vLoad,
  vNarrow,
  vOr,
  vShiftLeft,
  vSplat,
  vStore,
} from "./wasm.ts";

export const reduce = (): Procedure => {
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
