/** What generated readers and writers call: text, wide integers, copies. One scratch of 16 bytes; nothing here waits. */

const scratch = new Uint8Array(16);
const words = new DataView(scratch.buffer);
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

// Below these sizes a loop costs less than the call into the engine.
const LOOP_BYTES = 32;
const ASCII_BYTES = 64;
const SINK_BYTES = 4_096;
const SINK_KEPT_BYTES_MAX = 1_048_576;

/** The same bytes as a Uint8Array and no subclass: Node's Buffer has a `slice` that does not copy. */
export const plain = (bytes: Uint8Array): Uint8Array =>
  bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Always a copy: a view would keep the whole message alive, and would change when its buffer is used again. */
export const take = (b: Uint8Array, from: number, to: number): Uint8Array => {
  const size = to - from;
  if (size > LOOP_BYTES) return b.slice(from, to);
  const out = new Uint8Array(size);
  for (let i = 0; i < size; i++) out[i] = b[from + i]!;
  return out;
};

/** Undefined when the bytes are not UTF-8. A byte order mark is a character like any other. */
export const textAt = (b: Uint8Array, from: number, to: number): string | undefined => {
  if (to - from <= ASCII_BYTES) {
    let out = "";
    let at = from;
    while (at < to && b[at]! < 0x80) out += String.fromCharCode(b[at++]!);
    if (at === to) return out;
  }
  try {
    return decoder.decode(b.subarray(from, to));
  } catch {
    return undefined;
  }
};

export const u64At = (b: Uint8Array, p: number): bigint => {
  for (let i = 0; i < 8; i++) scratch[i] = b[p + i]!;
  return words.getBigUint64(0);
};

export const u128At = (b: Uint8Array, p: number): bigint => {
  for (let i = 0; i < 16; i++) scratch[i] = b[p + i]!;
  return (words.getBigUint64(0) << 64n) | words.getBigUint64(8);
};

export const putU64 = (b: Uint8Array, p: number, value: bigint): void => {
  words.setBigUint64(0, value);
  for (let i = 0; i < 8; i++) b[p + i] = scratch[i]!;
};

export const putU128 = (b: Uint8Array, p: number, value: bigint): void => {
  words.setBigUint64(0, value >> 64n);
  words.setBigUint64(8, value);
  for (let i = 0; i < 16; i++) b[p + i] = scratch[i]!;
};

export const put = (b: Uint8Array, p: number, value: Uint8Array): void => {
  const size = value.length;
  if (size > LOOP_BYTES) b.set(value, p);
  else for (let i = 0; i < size; i++) b[p + i] = value[i]!;
};

/** Where every encode writes: one buffer that grows and is used again. */
export interface Sink {
  b: Uint8Array;
}
export const sink: Sink = { b: new Uint8Array(SINK_BYTES) };

/** The sink's buffer, now with room for `size` bytes, holding what it held. */
export const grow = (size: number): Uint8Array => {
  const wider = new Uint8Array(Math.max(size, 2 * sink.b.length));
  wider.set(sink.b);
  sink.b = wider;
  return wider;
};

let busy = false;
/** Runs a writer on the sink and copies what it wrote. A writer called by a writer gets a buffer of its own. */
export const written = <A>(write: (value: A, p: number) => number, value: A): Uint8Array => {
  if (busy) return aside(write, value);
  busy = true;
  try {
    const size = write(value, 0);
    return sink.b.slice(0, size);
  } finally {
    busy = false;
    if (sink.b.length > SINK_KEPT_BYTES_MAX) sink.b = new Uint8Array(SINK_BYTES);
  }
};
const aside = <A>(write: (value: A, p: number) => number, value: A): Uint8Array => {
  const outer = sink.b;
  sink.b = new Uint8Array(SINK_BYTES);
  try {
    const size = write(value, 0);
    return sink.b.slice(0, size);
  } finally {
    sink.b = outer;
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
