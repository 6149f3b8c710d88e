/**
 * What products, squares and their reduction have in common: eight digits times a whole number, and carries.
 *
 *   column  k+7 .. k+4   k+3 .. k     each a vector of four sums; four dot products of digit pairs are added to each
 */
import { DIGIT, DIGIT_BITS, SUMS } from "./layout.ts";
import {
  add,
  and,
  type Code,
  code,
  constant,
  get,
  isLess,
  load,
  loop,
  set,
  shiftRight,
  store,
  subtract,
  tee,
  vAdd,
  vAnd,
  vDot,
  vLoad,
  vLoadSplat,
  vShiftRight,
  vSplat,
  vStore,
  vZero,
} from "./wasm.ts";

export interface RowLocals {
  readonly column: number;
  readonly other: number;
  readonly factors: readonly [number, number, number, number];
  /** Six vectors. */
  readonly parts: readonly [number, number, number, number, number, number];
}

/** The parts of the other number that lie below where the row begins. */
export const rowStart = ({ other, parts: [below4, below6] }: RowLocals): Code =>
  code(get(other), vLoadBelow(16), set(below4), get(other), vLoadBelow(24), set(below6));
/** Addresses cannot be negative offsets: `other` always runs this far ahead of the place it means. */
export const AHEAD = 32;
export const vLoadBelow = (bytes: number): Code => vLoad(AHEAD - bytes);

/** Eight columns, and both addresses moved on. Leaves `other`. */
export const rowStep = ({ column, other, factors, parts }: RowLocals): Code => {
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

export const takeFactors = (from: number, { factors }: RowLocals): Code =>
  code(...factors.map((factor, i) => code(get(from), vLoadSplat(4 * i), set(factor))));

/**
 * What exceeds a digit goes one column up, from `first` to `last` (addresses of whole vectors; `last` is beyond the end
 * and receives the uppermost carry). The lowest column is only cut.
 */
export const carryUp = (first: number, last: Code, at: number, kept: number, digit: number): Code =>
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
export const beyond = (whole: number, row: number): Code => code(constant(SUMS), get(whole), add, get(row), add);

/** All columns are 0. */
export const clear = (whole: number, at: number): Code =>
  code(
    code(constant(0), set(at)),
    loop(
      code(
        code(get(at), vZero, vStore(SUMS), get(at), vZero, vStore(SUMS + 16)),
        code(get(at), constant(32), add, tee(at), get(whole), get(whole), add, constant(32), add, isLess),
      ),
    ),
  );
