/**
 * DER, read strictly: each value has one encoding, and any other is refused. ITU-T X.690 §8, §10, §11.
 *
 *   identifier (one byte) | length (shortest form) | contents
 *
 * The tag numbers of X.509 are all below 31, so an identifier is one byte. Nothing is copied: elements are views.
 */
import { hexOf } from "../shared/mod.ts";

export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Contents of a constructed [n] of context class, and of a primitive one. */
export const constructed = (n: number): number => 0xa0 | n;
export const primitive = (n: number): number => 0x80 | n;

/** Elements read out of one certificate, whatever it contains. */
export const ELEMENTS_MAX = 8_192;
/** Bytes of an object identifier, and of a length field. */
const OID_BYTES_MAX = 64;
const LENGTH_BYTES_MAX = 3;

export interface DerElement {
  readonly tag: number;
  /** Identifier, length and contents. */
  readonly whole: Uint8Array;
  readonly contents: Uint8Array;
}

/** Thrown inside this room only, and made a value by its readers: no Error, since nobody reads its stack. */
export class DerFault {
  readonly at: string;
  readonly why: string;
  constructor(at: string, why: string) {
    this.at = at;
    this.why = why;
  }
}

/** Counts the elements of one certificate over all its cursors. */
export interface Budget {
  elements: number;
}

/** Reads the elements of some contents one after another. */
export class Cursor {
  readonly #bytes: Uint8Array;
  readonly #budget: Budget;
  #next = 0;

  constructor(bytes: Uint8Array, budget: Budget) {
    this.#bytes = bytes;
    this.#budget = budget;
  }

  get isAtEnd(): boolean {
    return this.#next === this.#bytes.length;
  }

  /** The tag of the next element; undefined at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#next];
  }

  /** The next element, whatever it is. */
  any(at: string): DerElement {
    if (++this.#budget.elements > ELEMENTS_MAX) throw new DerFault(at, `over ${ELEMENTS_MAX} elements`);
    const bytes = this.#bytes;
    const start = this.#next;
    if (start + 2 > bytes.length) throw new DerFault(at, "ends too early");
    const identifier = bytes[start]!;
    if ((identifier & 0x1f) === 0x1f) throw new DerFault(at, "a tag number of several bytes");
    const [length, from] = lengthAt(bytes, start + 1, at);
    if (length > bytes.length - from) throw new DerFault(at, "longer than what it stands in");
    this.#next = from + length;
    return {
      tag: identifier,
      whole: bytes.subarray(start, this.#next),
      contents: bytes.subarray(from, this.#next),
    };
  }

  /** The next element, which must have this tag. */
  take(expected: number, at: string): DerElement {
    const element = this.any(at);
    if (element.tag !== expected)
      throw new DerFault(at, `tag ${element.tag.toString(16)} instead of ${expected.toString(16)}`);
    return element;
  }

  /** The next element if it has this tag: an OPTIONAL field. */
  optional(expected: number, at: string): DerElement | undefined {
    return this.nextTag === expected ? this.take(expected, at) : undefined;
  }

  /** The fields of the next element. */
  enter(expected: number, at: string): Cursor {
    return this.inside(this.take(expected, at));
  }

  inside({ contents }: DerElement): Cursor {
    return new Cursor(contents, this.#budget);
  }

  /** Nothing may stand behind what was read. */
  end(at: string): void {
    if (!this.isAtEnd) throw new DerFault(at, `${this.#bytes.length - this.#next} bytes behind its end`);
  }
}

/** Definite and in the shortest form, X.690 §10.1; and where the contents begin. */
const lengthAt = (bytes: Uint8Array, at: number, path: string): readonly [length: number, from: number] => {
  const first = bytes[at]!;
  if (first < 0x80) return [first, at + 1];
  const count = first & 0x7f;
  if (count === 0) throw new DerFault(path, "an indefinite length");
  if (count > LENGTH_BYTES_MAX) throw new DerFault(path, "a length of too many bytes");
  if (at + 1 + count > bytes.length) throw new DerFault(path, "ends too early");
  let length = 0;
  for (let i = 1; i <= count; i++) length = length * 256 + bytes[at + i]!;
  if (length < 0x80 || bytes[at + 1] === 0) throw new DerFault(path, "a length that is not in its shortest form");
  return [length, at + 1 + count];
};

/** X.690 §11.1: TRUE is 0xff. */
export const booleanOf = ({ contents }: DerElement, at: string): boolean => {
  if (contents.length !== 1 || (contents[0] !== 0 && contents[0] !== 0xff)) throw new DerFault(at, "no BOOLEAN of DER");
  return contents[0] === 0xff;
};

/** The bytes of an INTEGER in its shortest form, X.690 §8.3.2. */
export const integerOf = ({ contents }: DerElement, at: string): Uint8Array => {
  const [first, second = 0] = contents;
  if (first === undefined) throw new DerFault(at, "an INTEGER without contents");
  const isPadded = contents.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (isPadded) throw new DerFault(at, "a padded INTEGER");
  return contents;
};

/** A non-negative INTEGER; all that X.509 counts with fits into 31 bits. */
export const smallOf = (element: DerElement, at: string): number => {
  const bytes = integerOf(element, at);
  if (bytes[0]! >= 0x80) throw new DerFault(at, "a negative number");
  if (bytes.length > 4) throw new DerFault(at, "a number over 31 bits");
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
};

/** A positive INTEGER without its sign byte. */
export const magnitudeOf = (element: DerElement, at: string): Uint8Array => {
  const bytes = integerOf(element, at);
  if (bytes[0]! >= 0x80 || (bytes.length === 1 && bytes[0] === 0)) throw new DerFault(at, "no positive number");
  return bytes[0] === 0 ? bytes.subarray(1) : bytes;
};

/** A BIT STRING that holds whole bytes. */
export const octetsOf = ({ contents }: DerElement, at: string): Uint8Array => {
  if (contents[0] !== 0) throw new DerFault(at, "a BIT STRING that is not of whole bytes");
  return contents.subarray(1);
};

/** A BIT STRING of named bits as a mask, bit 0 being 1; no zero bits at its end, X.690 §11.2.2. */
export const namedBitsOf = ({ contents }: DerElement, at: string): number => {
  const [unused, ...bytes] = contents;
  if (unused === undefined || unused > 7 || (bytes.length === 0 && unused > 0) || bytes.length > 2)
    throw new DerFault(at, "no BIT STRING of named bits");
  const last = bytes.at(-1);
  if (last !== undefined && ((last >> unused) & 1) === 0) throw new DerFault(at, "zero bits at the end of named bits");
  if (last !== undefined && (last & ((1 << unused) - 1)) !== 0) throw new DerFault(at, "unused bits that are set");
  let mask = 0;
  bytes.forEach((byte, i) => {
    for (let bit = 0; bit < 8; bit++) if ((byte & (0x80 >> bit)) !== 0) mask |= 1 << (i * 8 + bit);
  });
  return mask;
};

/** An object identifier as hexadecimal digits of its contents: compared, and never shown to people. */
export const oidOf = ({ contents }: DerElement, at: string): string => {
  if (contents.length === 0 || contents.length > OID_BYTES_MAX || contents.at(-1)! >= 0x80)
    throw new DerFault(at, "no object identifier");
  contents.forEach((byte, i) => {
    const begins = i === 0 || contents[i - 1]! < 0x80;
    if (begins && byte === 0x80) throw new DerFault(at, "a padded object identifier");
  });
  return hexOf(contents);
};
