/** Sound that is told apart at every place, and what of it has come: waves of 16 bits on the grid of G.711's mu-law. */
import { readFileSync, writeFileSync } from "node:fs";

const RATE = 8_000;
const HEADER_BYTES = 44;
/** 20 ms: one packet. */
const PIECE = 160;
const KEY = 12;

/** ITU-T G.711: what a byte of mu-law stands for. */
const sampleOf = (byte: number): number => {
  const code = ~byte & 255;
  const size = (((code & 15) << 3) + 132) << ((code >> 4) & 7);
  return code & 128 ? 132 - size : size - 132;
};

/** So many seconds of noise; a seed tells one from another. */
export const noise = (seed: number, seconds: number): Int16Array => {
  let state = seed;
  return Int16Array.from({ length: seconds * RATE }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // Some write 0 as 2: of 0 there are two bytes.
    return sampleOf(state >>> 24) || 8;
  });
};

export const writeWave = (file: string, samples: Int16Array): void => {
  const bytes = new Uint8Array(HEADER_BYTES + 2 * samples.length);
  const view = new DataView(bytes.buffer);
  const text = (at: number, word: string) => bytes.set(new TextEncoder().encode(word), at);
  text(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true);
  view.setUint32(28, 2 * RATE, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, i) => view.setInt16(HEADER_BYTES + 2 * i, sample, true));
  writeFileSync(file, bytes);
};

/** Whatever its header says of the size: a program that is killed does not mend it. */
export const readWave = (file: string): Int16Array => {
  const bytes = readFileSync(file);
  const samples = new Int16Array(Math.max(0, (bytes.length - HEADER_BYTES) >> 1));
  for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(HEADER_BYTES + 2 * i);
  return samples;
};

/** How many pieces of 20 ms have come, and how many of them are of what was played, sample by sample. */
export const heard = (played: Int16Array, recorded: Int16Array): { readonly pieces: number; readonly true: number } => {
  const keyAt = (samples: Int16Array, at: number) => samples.subarray(at, at + KEY).join();
  const places = new Map<string, number>();
  for (let at = 0; at + KEY <= played.length; at++) places.set(keyAt(played, at), at);
  let pieces = 0;
  let same = 0;
  for (let at = 0; at + PIECE <= recorded.length; at += PIECE) {
    if (recorded.subarray(at, at + PIECE).every((sample) => Math.abs(sample) < 16)) continue;
    pieces++;
    const place = places.get(keyAt(recorded, at));
    if (place !== undefined && recorded.subarray(at, at + PIECE).every((sample, i) => sample === played[place + i]))
      same++;
  }
  return { pieces, true: same };
};
