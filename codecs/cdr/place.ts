/** Where the pieces of a record file stand: by line, for people, and by byte, for whoever goes on reading there. */

/** Where a record stands in its file. */
export interface Place {
  /** Of its first line, from 1. */
  readonly line: number;
  /** Lines that it covers. */
  readonly lines: number;
  /** Of its first byte, from 0; `end`: of the first one behind its line end. */
  readonly offset: number;
  readonly end: number;
}

/** The begin of a line. */
export interface Position {
  readonly offset: number;
  readonly line: number;
}
/** The first byte, in line 1. */
export const FILE_BEGIN: Position = { offset: 0, line: 1 };

/** Cuts bytes that arrive in pieces. */
export interface Cutter<T> {
  readonly push: (chunk: Uint8Array) => ReadonlyArray<T>;
  /** What is left when nothing more will come: a last line without its end. */
  readonly end: () => ReadonlyArray<T>;
  /** Behind what was given: where to go on with the same bytes after a restart. */
  readonly at: () => Position;
}
