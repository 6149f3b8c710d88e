/** Record files, and such a file read once from begin to end, in pieces. */
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

/** A file that can be read from any place, again and again: no directory, no pipe, and nothing packed. Gives it open. */
export const openRecordFile = (file: string): number => {
  const fd = openSync(file, "r");
  const why = unfit(fd);
  if (why === undefined) return fd;
  closeSync(fd);
  throw new Error(`${file}: ${why}`);
};

const unfit = (fd: number): string | undefined => {
  const stat = fstatSync(fd);
  if (stat.isDirectory()) return "is a directory, not a file";
  if (!stat.isFile()) return "is no ordinary file: what comes out of a pipe must be in a file first";
  const mark = Buffer.alloc(6);
  const head = mark.toString("latin1", 0, readSync(fd, mark, 0, mark.length, 0));
  if (PACKED.some((one) => head.startsWith(one))) return "is packed: unpack it first";
  return UTF_16.some((one) => head.startsWith(one)) ? "is in UTF-16: records are read in UTF-8" : undefined;
};
/** gzip, bzip2, xz, zstd, zip. */
const PACKED = ["\x1f\x8b", "BZh", "\xfd7zXZ", "\x28\xb5\x2f\xfd", "PK\x03\x04"];
const UTF_16 = ["\xff\xfe", "\xfe\xff"];

const pieces = (file: string): Pieces => {
  const fd = openRecordFile(file);
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
