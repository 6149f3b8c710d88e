/**
 * By what a record file is known again, whatever it is called by now: its first bytes, and those before the place up to
 * which it was read. A file that grew has both, one that was truncated or begun anew has not. DECISIONS.md D-096.
 */
import { createHash } from "node:crypto";
import { fstatSync, readSync } from "node:fs";
import type { FilePlace } from "../../actors/records/mod.ts";

/** Beyond the names of columns that all files of an exchange begin with. */
export const HEAD_BYTES_MAX = 16_384;
const TAIL_BYTES = 512;

export const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex").slice(0, 32);

/** Bytes of an open file; fewer where it ends. */
export const bytesAt = (fd: number, offset: number, count: number): Uint8Array => {
  const bytes = new Uint8Array(count);
  let got = 0;
  while (got < count) {
    const more = readSync(fd, bytes, got, count - got, offset + got);
    if (more === 0) break;
    got += more;
  }
  return bytes.subarray(0, got);
};

/** What stands before an offset: when it is another, the file is another. */
export const tailHash = (fd: number, offset: number): string => {
  const from = Math.max(0, offset - TAIL_BYTES);
  return hashOf(bytesAt(fd, from, offset - from));
};

export const placeOf = (fd: number, of: Pick<FilePlace, "id" | "path" | "offset" | "line" | "atMs">): FilePlace => {
  const head = bytesAt(fd, 0, HEAD_BYTES_MAX);
  return { ...of, headBytes: head.length, headHash: hashOf(head), tailHash: tailHash(fd, of.offset) };
};

/** That a file is followed since then, before anything of it is known. */
export const beginOf = (id: number, path: string, atMs: number): FilePlace => ({
  ...{ id, path, atMs },
  ...{ offset: 0, line: 0, headBytes: 0, headHash: "", tailHash: "" },
});

/** The place in this very content, the furthest one; undefined: it was never read. */
export const knownPlace = (fd: number, places: Iterable<FilePlace>): FilePlace | undefined => {
  const { size } = fstatSync(fd);
  const heads = new Map<number, string>();
  let found: FilePlace | undefined;
  for (const place of places) {
    // Of a file that was empty when it was begun there is nothing to know it by.
    if (place.headBytes === 0 || place.offset > size || place.offset <= (found?.offset ?? -1)) continue;
    const head = heads.get(place.headBytes) ?? hashOf(bytesAt(fd, 0, place.headBytes));
    heads.set(place.headBytes, head);
    if (head === place.headHash && tailHash(fd, place.offset) === place.tailHash) found = place;
  }
  return found;
};
