/**
 * One record file followed as the exchange writes it. Looked at now and then: no runtime tells of changes on all file systems.
 *
 *   renamed       the old one is read on until the new one is there and the old one rests; then the new one from its begin
 *   truncated     what was copied away meanwhile is looked for beside it; then it is read from its begin
 *   removed       the open one is read to its end; then we wait for another
 *   half a line   waits for the rest
 *   away at start what was renamed while we did not run is found by its content, and read first
 */
import { closeSync, fstatSync, openSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { FilePlace } from "../../actors/records/mod.ts";
import { bytesAt, knownPlace, tailHash } from "./fingerprint.ts";

export const PIECE_BYTES = 65_536;
/** Looks at a renamed file without finding anything new in it, while another has its name, before it is left. */
const RESTING_LOOKS = 4;
/** Files beside the followed one that are looked at. */
const SIBLINGS_MAX = 1_000;
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
  /** Of the bytes before `at`, for files that are written anew under the same name. */
  guard: string;
}

/** `places`: what was read before; asked again whenever a file is opened. */
export const openTail = (path: string, places: () => Iterable<FilePlace>): Tail => {
  let open: Open | undefined;
  let waiting: Array<string> = [];
  let resting = 0;
  let isFirst = true;

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
    if (isFirst) {
      isFirst = false;
      waiting = missed(path, places());
      if (waiting.length > 0) return next();
    }
    return opened(path, true) ?? IDLE;
  };
  const end = (why: "rotated" | "truncated"): TailStep => {
    closeSync(open!.fd);
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

/** `Master.csv.1`, `Master.csv-20261130`, `Master.csv.2026-11-30-00-00-00`: the oldest first. */
const siblings = (path: string): ReadonlyArray<string> => {
  const name = basename(path);
  try {
    return readdirSync(dirname(path))
      .filter((one) => one.startsWith(name) && one !== name && !PACKED.test(one))
      .slice(0, SIBLINGS_MAX)
      .map((one) => join(dirname(path), one))
      .flatMap((one) => {
        const about = statOr(one);
        return about?.isFile() === true ? [{ one, ms: about.mtimeMs }] : [];
      })
      .sort((a, b) => a.ms - b.ms)
      .map(({ one }) => one);
  } catch {
    return [];
  }
};

/** What was rotated away while nobody read: the one that we were in, if there is more of it, and all that came after it. */
const missed = (path: string, places: Iterable<FilePlace>): Array<string> => {
  const known = [...places];
  if (!known.some((place) => place.path === path)) return []; // never followed: what lies beside it is not ours
  const current = placeIn(path, known);
  if (current !== undefined) return [];
  const all = siblings(path);
  const last = all.findLastIndex((one) => placeIn(one, known) !== undefined);
  return last < 0 ? [] : all.slice(last);
};

const placeIn = (file: string, places: Iterable<FilePlace>): FilePlace | undefined => {
  const fd = openOr(file);
  if (fd === undefined) return undefined;
  try {
    return knownPlace(fd, places);
  } finally {
    closeSync(fd);
  }
};

/** What was copied away before the truncation: it goes on behind the place up to which we have read. */
const copiesOf = ({ at, guard }: Open, path: string): Array<string> =>
  siblings(path)
    .filter((one) => {
      const fd = openOr(one);
      if (fd === undefined) return false;
      try {
        return fstatSync(fd).size > at && tailHash(fd, at) === guard;
      } finally {
        closeSync(fd);
      }
    })
    .slice(-1);
