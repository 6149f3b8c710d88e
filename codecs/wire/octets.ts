/** What generated readers and writers call: text, wide integers, copies. One scratch of 16 bytes; nothing here waits. */
import { sourceOf } from "./source.ts";

const scratch = new Uint8Array(16);
const words = new DataView(scratch.buffer);
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

// Below these sizes a loop costs less than the call into the engine.
const LOOP_BYTES = 32;
const ASCII_BYTES = 64;
const SPELT_BYTES = 32;
/** So much a message that is kept may hold in memory beyond its own bytes. */
const POOL_BYTES = 16_384;
/** Keys and other small things are what is kept for long: they get buffers of their own, which engines make quickly. */
const OWN_BYTES = 64;
/** JavaScriptCore makes a buffer of its own in a third of the time of a view; on V8 it is the other way round. */
const IS_POOLED = !("Bun" in globalThis);
/** What is left of a pool at most when the next one is begun. */
const POOL_ROOM_BYTES = 2_048;
const WIDE_KEPT_BYTES_MAX = 1_048_576;

/** The same bytes as a Uint8Array and no subclass: Node's Buffer has a `slice` that does not copy. */
export const plain = (bytes: Uint8Array): Uint8Array =>
  bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** How a reader gives a field of bytes: a copy, or a view. */
export type Take = (b: Uint8Array, from: number, to: number) => Uint8Array;

export const takeCopy: Take = (b, from, to) => {
  const size = to - from;
  if (size > OWN_BYTES) return b.slice(from, to);
  const out = new Uint8Array(size);
  for (let i = 0; i < size; i++) out[i] = b[from + i]!;
  return out;
};
export const takeView: Take = IS_POOLED
  ? (b, from, to) => new Uint8Array(b.buffer, b.byteOffset + from, to - from)
  : (b, from, to) => (to - from > LOOP_BYTES ? b.subarray(from, to) : takeCopy(b, from, to));

/** Undefined when the bytes are not UTF-8. A byte order mark is a character like any other. */
export const textAt = (b: Uint8Array, from: number, to: number): string | undefined => {
  if (to - from <= ASCII_BYTES) {
    let at = from;
    while (at < to && b[at]! < 0x80) at++;
    if (at === to) return asciiAt(b, from, to);
  }
  try {
    return decoder.decode(b.subarray(from, to));
  } catch {
    return undefined;
  }
};

/**
 * `String.fromCharCode` of exactly so many bytes, by their number: the one way that is quick on all three engines. A loop
 * that appends is five times slower on V8, and arguments from an array are on JavaScriptCore.
 */
const spellers: Array<(b: Uint8Array, p: number) => string> = [];
const asciiAt = (b: Uint8Array, from: number, to: number): string => {
  if (to - from > SPELT_BYTES) return asciiAt(b, from, from + SPELT_BYTES) + asciiAt(b, from + SPELT_BYTES, to);
  const size = to - from;
  spellers[size] ??= spellerOf(size);
  return spellers[size](b, from);
};
const spellerOf = (size: number): ((b: Uint8Array, p: number) => string) => {
  const units = Array.from({ length: size }, (_, i) => `b[p + ${i}]`);
  return sourceOf().build({}, `return (b, p) => String.fromCharCode(${units.join(", ")});`);
};

export const u64At = (b: Uint8Array, p: number): bigint => {
  for (let i = 0; i < 8; i++) scratch[i] = b[p + i]!;
  return words.getBigUint64(0);
};

/**
 * The same 128 bits come again and again: a node meets its neighbours' Node-IDs in nearly every message. To make such a
 * number takes four allocations, to find it again takes four comparisons. Each place holds the last number that fell on it.
 */
const KNOWN_MAX = 1_024;
const knownWords = new Uint32Array(4 * KNOWN_MAX);
const known: Array<bigint> = Array.from({ length: KNOWN_MAX }, () => 0n);

export const u128At = (b: Uint8Array, p: number): bigint => {
  const w0 = (b[p]! << 24) | (b[p + 1]! << 16) | (b[p + 2]! << 8) | b[p + 3]!;
  const w1 = (b[p + 4]! << 24) | (b[p + 5]! << 16) | (b[p + 6]! << 8) | b[p + 7]!;
  const w2 = (b[p + 8]! << 24) | (b[p + 9]! << 16) | (b[p + 10]! << 8) | b[p + 11]!;
  const w3 = (b[p + 12]! << 24) | (b[p + 13]! << 16) | (b[p + 14]! << 8) | b[p + 15]!;
  const mixed = Math.imul(w0 ^ w1 ^ w2 ^ w3, 0x9e37_79b1);
  const place = (mixed >>> 16) & (KNOWN_MAX - 1);
  const at = 4 * place;
  if (
    (knownWords[at]! | 0) === w0 &&
    (knownWords[at + 1]! | 0) === w1 &&
    (knownWords[at + 2]! | 0) === w2 &&
    (knownWords[at + 3]! | 0) === w3
  )
    return known[place]!;
  knownWords[at] = w0;
  knownWords[at + 1] = w1;
  knownWords[at + 2] = w2;
  knownWords[at + 3] = w3;
  words.setUint32(0, w0);
  words.setUint32(4, w1);
  words.setUint32(8, w2);
  words.setUint32(12, w3);
  const value = (words.getBigUint64(0) << 64n) | words.getBigUint64(8);
  known[place] = value;
  return value;
};

export const put = (b: Uint8Array, p: number, value: Uint8Array): void => {
  const size = value.length;
  if (size > LOOP_BYTES) b.set(value, p);
  else for (let i = 0; i < size; i++) b[p + i] = value[i]!;
};

/**
 * Where every encode writes. What it has written stays where it is, and is given away as a view: to make a buffer for each
 * message would cost more than to write it. So the messages of one pool share an ArrayBuffer, as those of Node's
 * `Buffer.allocUnsafe` do; each byte of it is given away once.
 */
export interface Sink {
  b: Uint8Array;
  /** The same buffer, for integers of 64 bits. */
  v: DataView;
}
const sinkOf = (size: number): Sink => {
  const b = new Uint8Array(size);
  return { b, v: new DataView(b.buffer) };
};
export const sink: Sink = sinkOf(POOL_BYTES);
const writeTo = ({ b, v }: Sink): void => {
  sink.b = b;
  sink.v = v;
};
let pool = sinkOf(POOL_BYTES);
let free = 0;
/** For messages that do not fit what is left of the pool; kept, as they come again. */
let wide = sinkOf(0);

/** Room for `size` bytes from the pool's beginning, with what the message has so far where it was. */
export const grow = (size: number): Uint8Array => {
  const from = sink.b;
  const isKept = !isAside && from !== wide.b && wide.b.length >= size;
  const into = isKept ? wide : sinkOf(Math.max(size, 2 * from.length));
  into.b.set(from.subarray(free), free);
  if (!isAside) wide = into;
  writeTo(into);
  return into.b;
};

let busy = false;
let isAside = false;
/** Runs a writer and gives what it wrote. `hint`: how many bytes that may be. A writer called by a writer writes apart. */
export const written = <A>(write: (value: A, p: number) => number, value: A, hint: number): Uint8Array => {
  if (busy) return aside(write, value);
  if (POOL_BYTES - free < Math.min(hint, POOL_ROOM_BYTES)) {
    pool = sinkOf(POOL_BYTES);
    free = 0;
  }
  writeTo(pool);
  busy = true;
  try {
    const end = write(value, free);
    if (end - free <= OWN_BYTES) return takeCopy(sink.b, free, end);
    if (!IS_POOLED || sink.b !== pool.b) return sink.b.slice(free, end);
    const bytes = new Uint8Array(pool.b.buffer, free, end - free);
    free = end;
    return bytes;
  } finally {
    busy = false;
    if (wide.b.length > WIDE_KEPT_BYTES_MAX) wide = sinkOf(0);
  }
};
const aside = <A>(write: (value: A, p: number) => number, value: A): Uint8Array => {
  const outer = { ...sink };
  const wasAside = isAside;
  writeTo(sinkOf(POOL_BYTES));
  isAside = true;
  try {
    const end = write(value, free);
    return sink.b.slice(free, end);
  } finally {
    writeTo(outer);
    isAside = wasAside;
  }
};

/** Writes text as UTF-8 at p and gives its end; -1 when it is longer than `max`, -2 when no UTF-8 can say it. */
export const putText = (value: string, p: number, max: number): number => {
  if (typeof value !== "string") return -2;
  const size = value.length;
  let b = sink.b;
  if (p + size > b.length) b = grow(p + size);
  let i = 0;
  if (size <= ASCII_BYTES)
    for (; i < size; i++) {
      const unit = value.charCodeAt(i);
      if (unit >= 0x80) break;
      b[p + i] = unit;
    }
  if (i === size) return size > max ? -1 : p + size;
  if (!value.isWellFormed()) return -2;
  const bytes = encoder.encode(value);
  if (bytes.length > max) return -1;
  if (p + bytes.length > b.length) b = grow(p + bytes.length);
  b.set(bytes, p);
  return p + bytes.length;
};
