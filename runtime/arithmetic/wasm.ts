/**
 * The few words of WebAssembly that montgomery.ts is written in: each gives bytes, and a module is bytes put together.
 * WebAssembly Core Specification 2.0, §5 (binary format); vector instructions §5.4.7.
 *
 *   code(get(0), constant(1), add, set(0))   -->   local 0 becomes local 0 + 1
 */

/** Bytes, in parts of parts: they are put in a row once, at the end. */
export type Code = ReadonlyArray<number | Code>;

export const code = (...parts: ReadonlyArray<Code>): Code => parts;

const inRow = (parts: Code, into: Array<number> = []): ReadonlyArray<number> => {
  for (const part of parts) {
    if (typeof part === "number") into.push(part);
    else inRow(part, into);
  }
  return into;
};
const unsigned = (value: number): ReadonlyArray<number> => {
  const out: Array<number> = [];
  let left = value;
  do {
    out.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    left >>>= 7;
  } while (left !== 0);
  return out;
};
const signed = (value: number): ReadonlyArray<number> => {
  const out: Array<number> = [];
  let left = value;
  while (true) {
    const low = left & 0x7f;
    left >>= 7;
    if ((left === 0 && low < 0x40) || (left === -1 && low >= 0x40)) return [...out, low];
    out.push(low | 0x80);
  }
};
const vectorOf = (items: ReadonlyArray<Code>): Code => [...unsigned(items.length), ...items];
const sized = (parts: Code): Code => {
  const bytes = inRow(parts);
  return [...unsigned(bytes.length), bytes];
};
const simd = (opcode: number): ReadonlyArray<number> => [0xfd, ...unsigned(opcode)];
const at = (opcode: ReadonlyArray<number>, offset: number): Code => [...opcode, 0, ...unsigned(offset)];

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number): Code => [0x21, ...unsigned(local)];
export const tee = (local: number): Code => [0x22, ...unsigned(local)];
export const constant = (value: number): Code => [0x41, ...signed(value)];
/** Takes two values and a condition. */
export const ifFirstElseSecond: Code = [0x1b];
export const isEqual: Code = [0x46];
export const isLess: Code = [0x49];
export const add: Code = [0x6a];
export const subtract: Code = [0x6b];
export const multiply: Code = [0x6c];
export const and: Code = [0x71];
export const or: Code = [0x72];
export const shiftLeft: Code = [0x74];
export const shiftRight: Code = [0x76];
export const load = (offset: number): Code => at([0x28], offset);
export const store = (offset: number): Code => at([0x36], offset);
/** Of 64 bits; the constant is below 2^31. */
export const long = (value: number): Code => [0x42, ...signed(value)];
export const longLoad = (offset: number): Code => at([0x29], offset);
/** 32 bits, and zeros above them. */
export const longLoad32 = (offset: number): Code => at([0x35], offset);
export const longAdd: Code = [0x7c];
export const longSubtract: Code = [0x7d];
export const longMultiply: Code = [0x7e];
export const longAnd: Code = [0x83];
export const longShiftLeft: Code = [0x86];
export const longShiftRight: Code = [0x88];
/** The lower 32 of 64 bits. */
export const toInteger: Code = [0xa7];
export const vLoad = (offset: number): Code => at(simd(0), offset);
/** The same 32 bits in each of four places. */
export const vLoadSplat = (offset: number): Code => at(simd(9), offset);
export const vStore = (offset: number): Code => at(simd(11), offset);
export const vSplat: Code = simd(17);
export const vIsEqual: Code = simd(55);
export const vAnd: Code = simd(78);
export const vOr: Code = simd(80);
/** Two vectors of 32-bit places into one of 16-bit places. */
export const vNarrow: Code = simd(134);
export const vShiftLeft: Code = simd(171);
export const vShiftRight: Code = simd(173);
export const vAdd: Code = simd(174);
/** Eight products of 16 bits each, added in pairs to four sums of 32 bits. */
export const vDot: Code = simd(186);
export const vZero: Code = [...simd(12), ...new Array<number>(16).fill(0)];

/** Repeats while the last word of the body leaves something other than 0. */
export const loop = (body: Code): Code => [0x03, 0x40, body, 0x0d, 0, 0x0b];

/** Takes a condition. */
export const ifThen = (body: Code): Code => [0x04, 0x40, body, 0x0b];
export const drop: Code = [0x1a];
/** By the procedure's place in the module. */
export const call = (procedure: number): Code => [0x10, ...unsigned(procedure)];

export interface Procedure {
  readonly name: string;
  /** Each an i32. */
  readonly parameters: number;
  /** After the parameters: so many i32, i64, v128. */
  readonly integers: number;
  readonly longs?: number;
  readonly vectors: number;
  readonly body: Code;
}

const I32 = 0x7f;
const I64 = 0x7e;
const V128 = 0x7b;

/** A module of procedures without results, over one memory, exported as `memory`. */
export const moduleOf = (procedures: ReadonlyArray<Procedure>): Uint8Array<ArrayBuffer> => {
  const text = (name: string): Code => sized([...new TextEncoder().encode(name)]);
  const section = (id: number, items: ReadonlyArray<Code>): Code => [id, sized(vectorOf(items))];
  const bodies = procedures.map(({ integers, longs = 0, vectors, body }) => {
    const locals = vectorOf([
      [...unsigned(integers), I32],
      [...unsigned(longs), I64],
      [...unsigned(vectors), V128],
    ]);
    return sized([locals, body, 0x0b]);
  });
  const types = procedures.map(({ parameters }) => [0x60, vectorOf(new Array<Code>(parameters).fill([I32])), 0]);
  const indexes = procedures.map((_, index) => unsigned(index));
  const exported = procedures.map(({ name }, index) => [text(name), 0, ...unsigned(index)]);
  const sections = [
    section(1, types),
    section(3, indexes),
    section(5, [[0, 1]]),
    section(7, [[text("memory"), 2, 0], ...exported]),
    section(10, bodies),
  ];
  return Uint8Array.from(inRow([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections]));
};

/** As far as we use it; the language's own library does not declare it. */
interface Engine {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: { readonly [name: string]: unknown } };
}

/** The module's memory, grown to so many pages, and its procedures, ready to be called. */
export const instanceOf = <P>(module: object, pages: number): P & { readonly memory: Memory } => {
  const { exports } = new (engine().Instance)(module);
  (exports.memory as Memory).grow(pages - 1);
  return exports as never;
};

export const compiled = (bytes: Uint8Array): object => new (engine().Module)(bytes);

const engine = (): Engine => (globalThis as unknown as { readonly WebAssembly: Engine }).WebAssembly;

interface Memory {
  readonly buffer: ArrayBuffer;
  readonly grow: (pages: number) => number;
}
