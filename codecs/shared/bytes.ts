/** Bytes to text and numbers, and back. Hex is lower case; big integers are big-endian. */

const encoder = new TextEncoder();

export const utf8 = (text: string): Uint8Array => encoder.encode(text);

export const hexOf = (bytes: Uint8Array): string => {
  let out = "";
  for (const byte of bytes) out += byte.toString(16).padStart(2, "0");
  return out;
};

/** Throws on anything but an even number of hex digits: for constants and tests, not for input. */
export const bytesOfHex = (hex: string): Uint8Array => {
  if (!/^([0-9a-fA-F]{2})*$/.test(hex)) throw new Error("not hex");
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
};

export const concat = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

/** As equalBytes, in a time that depends on the lengths alone: for integrity values. */
export const equalSecrets = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
};

export const bigOf = (bytes: Uint8Array): bigint => (bytes.length === 0 ? 0n : BigInt(`0x${hexOf(bytes)}`));

/** Throws when the number does not fit. */
export const bytesOfBig = (value: bigint, size: number): Uint8Array => {
  const hex = value.toString(16);
  if (value < 0n || hex.length > 2 * size) throw new Error(`number does not fit ${size} bytes`);
  return bytesOfHex(hex.padStart(2 * size, "0"));
};

/** A Node-ID as it is written: 32 hex digits. */
export const nodeIdText = (id: bigint): string => id.toString(16).padStart(32, "0");
