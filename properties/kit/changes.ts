/** Changes to bytes by number, for laws and searches: of bits, of integers, of lines and of the marks that texts are made of. */
import fc from "fast-check";

export const KINDS = [
  "set",
  "flip",
  "cut",
  "drop",
  "double",
  "join",
  "splice",
  "lf",
  "cr",
  "fold",
  "mark",
  "line",
  "number",
  "limit",
  "insert",
] as const;

/** One change. What its numbers mean depends on its kind; any numbers will do. */
export interface Change {
  readonly kind: (typeof KINDS)[number];
  readonly at: number;
  readonly size: number;
  readonly to: number;
}

/** A message never grows beyond this, whatever is done to it. */
export const MUTATED_BYTES_MAX = 40_000;

const CHANGES_MAX = 6;

/** These bytes changed at some places; a counter-example shrinks to fewer changes. */
export const changesOf = (bytes: Uint8Array, others: ReadonlyArray<Uint8Array>): fc.Arbitrary<Uint8Array> => {
  const change: fc.Arbitrary<Change> = fc.record({
    kind: fc.constantFrom(...KINDS),
    at: fc.nat(),
    size: fc.nat(200),
    to: fc.nat(1_000),
  });
  return fc.array(change, { maxLength: CHANGES_MAX }).map((changes) => mutated(bytes, changes, others));
};

/** The bytes with all these changes, one after the other. `others`: what is joined to them. `marks`: what is put among them. */
export const mutated = (
  bytes: Uint8Array,
  changes: ReadonlyArray<Change>,
  others: ReadonlyArray<Uint8Array>,
  marks: ReadonlyArray<Uint8Array> = MARKS,
): Uint8Array => {
  let now: Uint8Array = bytes.slice();
  for (const change of changes) {
    if (now.length === 0) break;
    const next = changed(now, change, others, marks);
    if (next.length <= MUTATED_BYTES_MAX) now = next;
  }
  return now;
};

const changed = (
  bytes: Uint8Array,
  { kind, at, size, to }: Change,
  others: ReadonlyArray<Uint8Array>,
  marks: ReadonlyArray<Uint8Array>,
): Uint8Array => {
  const from = at % bytes.length;
  const end = Math.min(bytes.length, from + 1 + (size % 64));
  switch (kind) {
    case "set":
      bytes[from] = to & 255;
      return bytes;
    case "flip":
      bytes[from] = bytes[from]! ^ (1 << (to & 7));
      return bytes;
    case "cut":
      return bytes.subarray(0, from);
    case "drop":
      return replaced(bytes, from, end, NOTHING);
    case "double":
      return replaced(bytes, end, end, bytes.slice(from, end));
    case "join":
      return replaced(bytes, bytes.length, bytes.length, others[to % others.length]!);
    case "splice": {
      const other = others[to % others.length]!;
      return replaced(bytes, from, bytes.length, other.subarray(size % other.length));
    }
    case "lf":
    case "cr": {
      const cr = bytes.indexOf(CR, from);
      return cr < 0 ? bytes : replaced(bytes, cr, cr + 2, kind === "lf" ? ONE_LF : ONE_CR);
    }
    case "fold":
      return replaced(bytes, from, from, FOLD);
    case "mark":
      return replaced(bytes, from, from, marks[to % marks.length]!);
    case "line": {
      const [start, stop] = [bytes.lastIndexOf(LF, from) + 1, bytes.indexOf(LF, from)];
      return stop < 0 ? bytes : replaced(bytes, start, start, bytes.slice(start, stop + 1));
    }
    case "number":
      return numbered(bytes, from, NUMBERS[to % NUMBERS.length]!);
    case "insert":
      return replaced(bytes, from + (size & 1), from + (size & 1), Uint8Array.of(to));
    case "limit": {
      const limit = LIMITS[to % LIMITS.length]!;
      return replaced(bytes, from, Math.min(bytes.length, from + limit.length), limit);
    }
  }
};

/** The next number from there on becomes another. */
const numbered = (bytes: Uint8Array, from: number, number: Uint8Array): Uint8Array => {
  let start = from;
  while (start < bytes.length && !isDigit(bytes[start]!)) start++;
  let end = start;
  while (end < bytes.length && isDigit(bytes[end]!)) end++;
  return replaced(bytes, start, end, number);
};

const replaced = (bytes: Uint8Array, from: number, to: number, by: Uint8Array): Uint8Array => {
  const out = new Uint8Array(from + by.length + Math.max(0, bytes.length - to));
  out.set(bytes.subarray(0, from));
  out.set(by, from);
  out.set(bytes.subarray(Math.min(to, bytes.length)), from + by.length);
  return out;
};
const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57;
const CR = 13;
const LF = 10;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const NOTHING = new Uint8Array();
const ONE_LF = bytesOf("\n");
const ONE_CR = bytesOf("\r");
const FOLD = bytesOf("\r\n ");
const MARKS = [...'\0\t "\\<>;:,@=?%[]().{}/+*', "\r\n", "\r\n\r\n", "%00", '"<', "é", "SIP/2.0", ";lr", "\ufeff"]
  .map(bytesOf)
  .concat(Uint8Array.of(0xff), Uint8Array.of(0x80));
/** Integers of one, two and four bytes at their ends. */
const LIMITS = [1, 2, 4].flatMap((size) => {
  const half = Uint8Array.from({ length: size }, (_, i) => (i === 0 ? 0x80 : 0));
  const one = Uint8Array.from({ length: size }, (_, i) => (i === size - 1 ? 1 : 0));
  return [new Uint8Array(size), one, half, half.map((_, i) => (i === 0 ? 0x7f : 0xff)), half.map(() => 0xff)];
});
const NUMBERS = [
  "0",
  "00",
  "-1",
  "1",
  "65536",
  "2147483648",
  "4294967296",
  "18446744073709551616",
  "9".repeat(400),
].map(bytesOf);
