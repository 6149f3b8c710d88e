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
import {
  ACC,
  CHOSEN,
  DIGITS_BETWEEN_CARRIES_MAX,
  PARTS_AT_ONCE,
  PLAIN,
  ROW_DIGITS,
  SQUARE_DIGITS_BETWEEN_CARRIES_MAX,
  SUMS,
  WORK,
} from "./layout.ts";
import { reduce } from "./reduce.ts";
import { AHEAD, beyond, carryUp, clear, type RowLocals, rowStart, rowStep, takeFactors } from "./rows.ts";
import {
  add,
  and,
  call,
  code,
  constant,
  get,
  ifFirstElseSecond,
  ifThen,
  isLess,
  load,
  loop,
  moduleOf,
  type Procedure,
  set,
  shiftLeft,
  shiftRight,
  store,
  tee,
  vAdd,
  vAnd,
  vIsEqual,
  vLoad,
  vOr,
  vShiftLeft,
  vSplat,
  vStore,
  vZero,
} from "./wasm.ts";

export interface Montgomery {
  /** By the plain number at that address; `whole` is 4n. */
  readonly times: (factor: number, whole: number) => void;
  readonly square: (whole: number) => void;
  /** Of so many numbers, `stride` bytes apart. */
  readonly select: (table: number, index: number, count: number, stride: number) => void;
}

export const montgomeryModule = (): Uint8Array<ArrayBuffer> => moduleOf([reduce(), times(), square(), select()]);
const REDUCE = 0;

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
