/**
 * One record file followed as the exchange writes it. Looked at now and then: no runtime tells of changes on all file systems.
 *
 *   renamed       the old one is read on until the new one is there and the old one rests; then the new one from its begin
 *   truncated     what was copied away meanwhile is looked for beside it; then it is read from its begin
 *   removed       the open one is read to its end; then we wait for another
 *   half a line   waits for the rest
 *   missed        what was renamed between two looks, or while we did not run, lies beside it: it is read first
 */
import { closeSync, fstatSync, openSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { FilePlace } from "../../actors/records/mod.ts";
import { equalBytes } from "../../codecs/shared/mod.ts";
import { bytesAt, HEAD_BYTES_MAX, knownPlace, tailHash } from "./fingerprint.ts";

export const PIECE_BYTES = 65_536;
/** A renamed file is left after so many looks that found nothing new in it, once another file has its name. */
const RESTING_LOOKS = 4;
/** Files beside the followed one that are looked at, the newest. */
const SIBLINGS_MAX = 1_000;
/** A file's time may be that much earlier than the clock said when it was written: file systems keep a coarser one. */
const COARSE_MS = 20;
/** Files read to their end in this run that are remembered, so as not to be read again. */
const LEFT_MAX = SIBLINGS_MAX;
const PACKED = /\.(gz|bz2|xz|zst|zip|Z)$/;

export interface TailedFile {
  readonly fd: number;
  readonly path: string;
  /** Undefined: it is read from its begin. */
  readonly known: FilePlace | undefined;
}

export type TailStep =
  | { readonly type: "begun"; readonly file: TailedFile }
  | { readonly type: "bytes"; readonly bytes: Uint8Array; readonly size: number }
  /** Nothing more will come of this file; `why`: truncation took what had not been read. */
  | { readonly type: "ended"; readonly why: "rotated" | "truncated" }
  | { readonly type: "idle" };

export interface Tail {
  /** What the next look shows. */
  readonly step: () => TailStep;
  readonly close: () => void;
}

interface Open extends TailedFile {
  readonly inode: string;
  readonly isCurrent: boolean;
  at: number;
  /** Hash of the bytes before `at`: where it is another, the file was written anew under the same name. */
  guard: string;
}

/** A file that was read to its end. */
type Left = Pick<Open, "inode" | "at" | "guard">;

/** `places`: what was read before; asked again whenever a file is opened. */
export const openTail = (path: string, places: () => Iterable<FilePlace>): Tail => {
  let open: Open | undefined;
  let waiting: Array<string> = [];
  let resting = 0;
  let left: Array<Left> = [];

  const opened = (file: string, isCurrent: boolean): TailStep | undefined => {
    const fd = openOr(file);
    if (fd === undefined) return undefined;
    const known = knownPlace(fd, places());
    const at = known?.offset ?? 0;
    open = { fd, path: file, known, inode: inodeOf(fstatSync(fd)), isCurrent, at, guard: tailHash(fd, at) };
    resting = 0;
    return { type: "begun", file: open };
  };
  const next = (): TailStep => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const step = opened(file, false);
      if (step !== undefined) return step;
    }
    if (statOr(path) === undefined) return IDLE;
    waiting = missed(path, [...places()], left);
    return waiting.length > 0 ? next() : (opened(path, true) ?? IDLE);
  };
  const end = (why: "rotated" | "truncated"): TailStep => {
    const { fd, inode, at, guard } = open!;
    if (why === "rotated") left = [...left, { inode, at, guard }].slice(-LEFT_MAX);
    closeSync(fd);
    open = undefined;
    return { type: "ended", why };
  };
  const step = (): TailStep => {
    if (open === undefined) return next();
    const { size } = fstatSync(open.fd);
    if (size < open.at || (size > open.at && tailHash(open.fd, open.at) !== open.guard)) {
      waiting = copiesOf(open, path);
      return end("truncated");
    }
    if (size > open.at) {
      const bytes = bytesAt(open.fd, open.at, Math.min(PIECE_BYTES, size - open.at));
      open.at += bytes.length;
      open.guard = tailHash(open.fd, open.at);
      resting = 0;
      return { type: "bytes", bytes, size };
    }
    if (!open.isCurrent) return end("rotated");
    const named = statOr(path);
    if (named === undefined || inodeOf(named) === open.inode) return IDLE;
    resting += 1;
    return resting < RESTING_LOOKS ? IDLE : end("rotated");
  };
  return {
    step,
    close: () => {
      if (open !== undefined) closeSync(open.fd);
      open = undefined;
    },
  };
};

const IDLE: TailStep = { type: "idle" };

const openOr = (file: string): number | undefined => {
  try {
    return openSync(file, "r");
  } catch (error) {
    if ((error as { readonly code?: string }).code === "ENOENT") return undefined;
    throw error;
  }
};
const statOr = (file: string) => statSync(file, { throwIfNoEntry: false });
const inodeOf = ({ dev, ino }: { readonly dev: number; readonly ino: number }): string => `${dev}:${ino}`;

interface Sibling {
  readonly one: string;
  readonly ms: number;
}
/** `Master.csv.1`, `Master.csv-20261130`, `Master.csv.2026-11-30-00-00-00`: the oldest first. */
const siblings = (path: string): ReadonlyArray<Sibling> => {
  const name = basename(path);
  try {
    return readdirSync(dirname(path))
      .filter((one) => one.startsWith(name) && one !== name && !PACKED.test(one))
      .map((one) => join(dirname(path), one))
      .flatMap((one) => {
        const about = statOr(one);
        return about?.isFile() === true ? [{ one, ms: about.mtimeMs }] : [];
      })
      .sort((a, b) => a.ms - b.ms)
      .slice(-SIBLINGS_MAX);
  } catch {
    return [];
  }
};

/**
 * What was rotated away while nobody looked: files that were read in part, and files never read that are newer than those or
 * were written since the following began. What lay there before that is not followed.
 */
const missed = (path: string, places: ReadonlyArray<FilePlace>, left: ReadonlyArray<Left>): Array<string> => {
  const own = places.filter((place) => place.path === path);
  if (own.length === 0) return [];
  const sinceMs = Math.min(...own.map(({ atMs }) => atMs));
  const all = siblings(path).map((sibling) => ({ ...sibling, ...placeIn(sibling.one, places) }));
  const last = all.findLastIndex(({ place }) => place !== undefined);
  const isAfterLast = (i: number) => last >= 0 && i > last;
  return all.flatMap(({ one, ms, place, size = 0 }, i) => {
    const isMissed = place === undefined ? isAfterLast(i) || ms >= sinceMs - COARSE_MS : place.offset < size;
    return isMissed && !isCopyOf(one, path) && !isLeft(one, left) ? [one] : [];
  });
};

/** A place tells two files apart only when it is behind what all files begin with: so the bytes are compared. */
const isCopyOf = (file: string, path: string): boolean =>
  using(file, (fd) =>
    using(path, (current) => {
      const head = bytesAt(fd, 0, HEAD_BYTES_MAX);
      return fstatSync(fd).size <= fstatSync(current).size && equalBytes(head, bytesAt(current, 0, head.length));
    }),
  ) ?? false;

/** Whether it was read to its end in this run: its place may not be on disk yet, or stand before half a line. */
const isLeft = (file: string, left: ReadonlyArray<Left>): boolean =>
  using(file, (fd) => {
    const about = fstatSync(fd);
    const inode = inodeOf(about);
    return left.some((one) => one.inode === inode && one.at === about.size && tailHash(fd, one.at) === one.guard);
  }) ?? false;

const using = <A>(file: string, use: (fd: number) => A): A | undefined => {
  const fd = openOr(file);
  if (fd === undefined) return undefined;
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
};

/** Undefined: there is no such file. */
const placeIn = (file: string, places: Iterable<FilePlace>) =>
  using(file, (fd) => ({ place: knownPlace(fd, places), size: fstatSync(fd).size }));

/** What was copied away before the truncation: it goes on behind the place up to which we have read. */
const copiesOf = ({ at, guard }: Open, path: string): Array<string> =>
  siblings(path)
    .map(({ one }) => one)
    .filter((one) => using(one, (fd) => fstatSync(fd).size > at && tailHash(fd, at) === guard) ?? false)
    .slice(-1);
