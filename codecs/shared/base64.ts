/**
 * Base64 in its one canonical form: RFC 4648 §4, with padding, without white space, and with no bit set that means nothing
 * (§3.5). Two texts never stand for the same bytes.
 */

/** The language's own (ECMAScript 2026), where a runtime has it. */
const native: { readonly toBase64?: (this: Uint8Array) => string } = Uint8Array.prototype as object;
const { fromBase64 }: { readonly fromBase64?: (text: string, how: object) => Uint8Array } = Uint8Array as object;
const STRICT = { lastChunkHandling: "strict" };

/** The canonical base64 of the bytes, with padding; "" for none. */
export const base64Of = (bytes: Uint8Array): string => {
  if (native.toBase64 !== undefined) return native.toBase64.call(bytes);
  let out = "";
  for (let i = 0; i < bytes.length; i++) out += String.fromCharCode(bytes[i]!);
  return btoa(out);
};

/** Undefined for anything but canonical base64. */
export const bytesOfBase64 = (text: string): Uint8Array | undefined => {
  const { length } = text;
  if (length % 4 !== 0) return undefined;
  if (length === 0) return new Uint8Array();
  const padding = text.charCodeAt(length - 1) !== EQUALS ? 0 : text.charCodeAt(length - 2) !== EQUALS ? 1 : 2;
  const size = (length >> 2) * 3 - padding;
  if (fromBase64 === undefined) return readBase64(text, size, padding);
  try {
    // It passes over white space, which leaves fewer bytes than the length promises.
    const bytes = fromBase64.call(Uint8Array, text, STRICT);
    return bytes.length === size ? bytes : undefined;
  } catch {
    return undefined;
  }
};

const EQUALS = 61;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/**
 * By character code, and for each place of a group with the digit where it belongs there; -1 for what is no digit, so that
 * one look at the sign of all digits together finds it.
 */
const placed = (shift: number): Int32Array => {
  const digits = new Int32Array(128).fill(-1);
  for (let i = 0; i < ALPHABET.length; i++) digits[ALPHABET.charCodeAt(i)] = i << shift;
  return digits;
};
const [FIRST, SECOND, THIRD, FOURTH] = [placed(18), placed(12), placed(6), placed(0)] as const;

const readBase64 = (text: string, size: number, padding: number): Uint8Array | undefined => {
  const out = new Uint8Array(size);
  const whole = padding === 0 ? text.length : text.length - 4;
  let digits = 0;
  let codes = 0;
  let to = 0;
  for (let i = 0; i < whole; i += 4) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = text.charCodeAt(i + 2);
    const d = text.charCodeAt(i + 3);
    const bits = FIRST[a & 127]! | SECOND[b & 127]! | THIRD[c & 127]! | FOURTH[d & 127]!;
    digits |= bits;
    codes |= a | b | c | d;
    out[to] = bits >> 16;
    out[to + 1] = bits >> 8;
    out[to + 2] = bits;
    to += 3;
  }
  if (padding === 0) return digits < 0 || codes > 127 ? undefined : out;
  const a = text.charCodeAt(whole);
  const b = text.charCodeAt(whole + 1);
  const c = text.charCodeAt(whole + 2);
  const third = padding === 2 ? 0 : THIRD[c & 127]!;
  const bits = FIRST[a & 127]! | SECOND[b & 127]! | third;
  const beyond = padding === 2 ? bits & 0xffff : bits & 0xff;
  if ((digits | bits) < 0 || (codes | a | b | (padding === 2 ? 0 : c)) > 127 || beyond !== 0) return undefined;
  out[to++] = bits >> 16;
  if (padding === 1) out[to] = bits >> 8;
  return out;
};
