/** Bytes to text and numbers, and back. Hex is lower case; big integers are big-endian. */

const encoder = new TextEncoder();

/** A text's bytes in UTF-8; half a surrogate pair becomes U+FFFD. */
export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/**
 * One key of several texts, in memory of its own. Engines make of `${a} ${b}` a tree that holds its pieces, and of a piece
 * that was cut out of a message a view of the whole: a table's key would hold the message. DECISIONS.md D-360.
 */
export const keyText = (...parts: ReadonlyArray<string>): string => parts.join(" ");

const HEX: ReadonlyArray<string> = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** The language's own function (ECMAScript 2026), where a runtime has it: a tenth of the time. */
const native: { readonly toHex?: (this: Uint8Array) => string } = Uint8Array.prototype as object;
const { fromHex }: { readonly fromHex?: (hex: string) => Uint8Array } = Uint8Array as object;

/** Two lower-case digits a byte. */
export const hexOf = (bytes: Uint8Array): string =>
  native.toHex === undefined ? spelt(bytes) : native.toHex.call(bytes);
const spelt = (bytes: Uint8Array): string => {
  let out = "";
  for (let i = 0; i < bytes.length; i++) out += HEX[bytes[i]!];
  return out;
};

/** Throws on anything but an even number of hex digits: for constants and tests, not for input. */
export const bytesOfHex = (hex: string): Uint8Array => {
  if (!/^([0-9a-fA-F]{2})*$/.test(hex)) throw new Error("not hex");
  return readHex(hex, hex.length / 2);
};

/** `size` bytes: zeros, then these hex digits. The digits of a bigint are valid, so they are not checked. */
const readHex = (hex: string, size: number): Uint8Array => {
  if (fromHex !== undefined) return fromHex.call(Uint8Array, hex.padStart(2 * size, "0"));
  const out = new Uint8Array(size);
  for (let at = hex.length - 1, i = size - 1; at >= 0; at -= 2, i--)
    out[i] = digitAt(hex, at) | (at > 0 ? digitAt(hex, at - 1) << 4 : 0);
  return out;
};
/** "0" is 0x30, "A" 0x41, "a" 0x61. */
const digitAt = (hex: string, at: number): number => {
  const code = hex.charCodeAt(at);
  return (code & 0x0f) + (code > 0x39 ? 9 : 0);
};

/** The parts one after the other, copied. */
export const concat = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

/** Its time tells where they differ: for what is no secret. See equalSecrets. */
export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

/** Like equalBytes, in a time that depends on the lengths alone: for integrity values. */
export const equalSecrets = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
};

/** The number that the bytes are, the first one the most significant; 0 for no bytes. */
export const bigOf = (bytes: Uint8Array): bigint => (bytes.length === 0 ? 0n : BigInt(`0x${hexOf(bytes)}`));

/** Big-endian, in as few bytes as possible unless a size is given; throws when the number does not fit. */
export const bytesOfBig = (value: bigint, wanted?: number): Uint8Array => {
  const hex = value.toString(16);
  const size = wanted ?? (hex.length + 1) >> 1;
  if (value < 0n || hex.length > 2 * size) throw new Error(`number does not fit ${size} bytes`);
  return readHex(hex, size);
};
