/**
 * AES in counter mode as SRTP has it, over a block cipher that is kept. RFC 3711 §4.1.1.
 *
 *   IV = (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16)
 *
 *    0        4          8                  14         16
 *   |  salt, 14 bytes                       |  counter  |
 *            | XOR SSRC  | XOR index, 6     |
 */
import type { Keyed } from "./primitives.ts";

export const SALT_BYTES = 14;
const BLOCK_BYTES = 16;
/** Far beyond a datagram that a path carries; the counter has 16 bits. */
export const PACKET_BYTES_MAX = 4_096;

/** Counters of the longest packet, written again for each. */
const counters = new Uint8Array(PACKET_BYTES_MAX);
for (let block = 0; block < PACKET_BYTES_MAX / BLOCK_BYTES; block++) {
  counters[block * BLOCK_BYTES + 14] = block >> 8;
  counters[block * BLOCK_BYTES + 15] = block;
}

/** Encrypts or decrypts `bytes` from `from` to `to` in place. `index` has up to 48 bits. */
export const applyKeystream = (
  cipher: Keyed,
  salt: Uint8Array,
  ssrc: number,
  index: number,
  bytes: Uint8Array,
  from: number,
  to: number,
): void => {
  const size = to - from;
  if (size <= 0) return;
  const end = (size + BLOCK_BYTES - 1) & ~(BLOCK_BYTES - 1);
  const high = Math.floor(index / 0x1_0000_0000);
  for (let i = 0; i < 4; i++) counters[i] = salt[i]!;
  counters[4] = salt[4]! ^ (ssrc >>> 24);
  counters[5] = salt[5]! ^ (ssrc >>> 16);
  counters[6] = salt[6]! ^ (ssrc >>> 8);
  counters[7] = salt[7]! ^ ssrc;
  counters[8] = salt[8]! ^ (high >>> 8);
  counters[9] = salt[9]! ^ high;
  counters[10] = salt[10]! ^ (index >>> 24);
  counters[11] = salt[11]! ^ (index >>> 16);
  counters[12] = salt[12]! ^ (index >>> 8);
  counters[13] = salt[13]! ^ index;
  for (let at = BLOCK_BYTES; at < end; at += BLOCK_BYTES) counters.copyWithin(at, 0, SALT_BYTES);
  const stream = cipher.of(counters.subarray(0, end));
  for (let i = 0; i < size; i++) bytes[from + i]! ^= stream[i]!;
};
