/**
 * Received bytes whose message is not complete yet, in pieces as they arrived.
 * A piece is joined to the one before it when that is no larger: a stream that arrives byte by byte then costs n log n
 * copied bytes and log n pieces, not n squared.
 */
import { concat } from "../../codecs/shared/mod.ts";

/** Oldest first. */
export type BufferedBytes = ReadonlyArray<Uint8Array>;

export const noBytes: BufferedBytes = [];

export const bufferedSize = (buffered: BufferedBytes): number => buffered.reduce((sum, piece) => sum + piece.length, 0);

/** `piece` is kept as a view, not copied, until it is joined to others. */
export const append = (buffered: BufferedBytes, piece: Uint8Array): BufferedBytes => {
  if (piece.length === 0) return buffered;
  const pieces = [...buffered];
  const tail = [piece];
  let size = piece.length;
  while (pieces.length > 0 && pieces.at(-1)!.length <= size) {
    const before = pieces.pop()!;
    tail.unshift(before);
    size += before.length;
  }
  return [...pieces, tail.length === 1 ? piece : concat(...tail)];
};

/** The first bytes, at most `size` of them; they stay in the buffer. */
export const peek = (buffered: BufferedBytes, size: number): Uint8Array => take(buffered, size)[0];

/** The first `size` bytes (or all there are), and what remains. */
export const take = (buffered: BufferedBytes, size: number): readonly [Uint8Array, BufferedBytes] => {
  const taken: Array<Uint8Array> = [];
  let missing = size;
  let index = 0;
  while (index < buffered.length && buffered[index]!.length <= missing) {
    missing -= buffered[index]!.length;
    taken.push(buffered[index++]!);
  }
  const rest = buffered.slice(index);
  if (missing > 0 && rest.length > 0) {
    taken.push(rest[0]!.subarray(0, missing));
    rest[0] = rest[0]!.subarray(missing);
  }
  return [taken.length === 1 ? taken[0]! : concat(...taken), rest];
};
