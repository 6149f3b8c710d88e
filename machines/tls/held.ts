/**
 * Bytes that wait for the rest of their message, in pieces as they came.
 * A piece is joined to the one before it when that is no larger, so that a stream fed byte by byte costs n log n copies
 * and log n pieces, not n squared.
 */
import { concat } from "../../codecs/shared/mod.ts";

export type Held = ReadonlyArray<Uint8Array>;

export const nothing: Held = [];

export const heldSize = (held: Held): number => held.reduce((sum, piece) => sum + piece.length, 0);

export const hold = (held: Held, piece: Uint8Array): Held => {
  if (piece.length === 0) return held;
  const pieces = [...held];
  const tail = [piece];
  let size = piece.length;
  while (pieces.length > 0 && pieces.at(-1)!.length <= size) {
    const before = pieces.pop()!;
    tail.unshift(before);
    size += before.length;
  }
  return [...pieces, tail.length === 1 ? piece : concat(...tail)];
};

/** The first bytes, at most `size` of them, left where they are. */
export const peek = (held: Held, size: number): Uint8Array => take(held, size)[0];

/** The first `size` bytes (or all there are), and what stays. */
export const take = (held: Held, size: number): readonly [Uint8Array, Held] => {
  const taken: Array<Uint8Array> = [];
  let missing = size;
  let index = 0;
  while (index < held.length && held[index]!.length <= missing) {
    missing -= held[index]!.length;
    taken.push(held[index++]!);
  }
  const rest = held.slice(index);
  if (missing > 0 && rest.length > 0) {
    taken.push(rest[0]!.subarray(0, missing));
    rest[0] = rest[0]!.subarray(missing);
  }
  return [taken.length === 1 ? taken[0]! : concat(...taken), rest];
};
