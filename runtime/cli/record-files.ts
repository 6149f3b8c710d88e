/** Record files read once from begin to end, in pieces. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { Effect } from "effect";
import { HEAD_BYTES } from "../../codecs/cdr/mod.ts";
import { type Stopped, stopped } from "./exit.ts";

const PIECE_BYTES = 262_144;

export interface Pieces {
  readonly head: Uint8Array;
  readonly size: number;
  /** From the first byte to the last; closes the file. */
  readonly all: () => Generator<{ readonly bytes: Uint8Array; readonly end: number }>;
}

export const openPieces = (file: string): Effect.Effect<Pieces, Stopped> =>
  Effect.try({
    try: () => pieces(file),
    catch: (cause) => stopped("usage", `cannot read the records: ${(cause as Error).message}`),
  });

const pieces = (file: string): Pieces => {
  const fd = openSync(file, "r");
  const head = new Uint8Array(HEAD_BYTES);
  const { size } = fstatSync(fd);
  const read = readSync(fd, head, 0, HEAD_BYTES, 0);
  return {
    head: head.subarray(0, read),
    size,
    *all() {
      try {
        const buffer = new Uint8Array(PIECE_BYTES);
        for (let at = 0; ; ) {
          const count = readSync(fd, buffer, 0, PIECE_BYTES, at);
          if (count === 0) return;
          at += count;
          yield { bytes: buffer.slice(0, count), end: at };
        }
      } finally {
        closeSync(fd);
      }
    },
  };
};
