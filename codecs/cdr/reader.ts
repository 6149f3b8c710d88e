/**
 * One reader for each format, all with the same rows; and which format a file has, by its first bytes.
 *
 *   bytes, cut anywhere --> push, push ... end --> rows, each with its place
 */
import { asteriskJsonReader, asteriskReader } from "./asterisk-reader.ts";
import { latin1, withoutMark } from "./lines.ts";
import { type Cutter, FILE_BEGIN, type Position } from "./place.ts";
import type { CdrRow } from "./row.ts";
import type { TrunkOf } from "./trunks.ts";
import type { Zone } from "./zone.ts";

export const RECORD_FORMATS = ["asterisk", "asterisk-json"] as const;
export type RecordFormat = (typeof RECORD_FORMATS)[number];

export interface ReaderOptions {
  readonly format: RecordFormat;
  readonly zone: Zone;
  readonly trunkOf: TrunkOf;
  /** Are there any? Without, Asterisk's rows are read by their numbers alone. */
  readonly hasTrunks: boolean;
  /** Asterisk: the line of cdr_custom.conf, or the names of the columns. */
  readonly mapping?: string | undefined;
  /** Where the bytes begin in their file. */
  readonly from?: Position | undefined;
}

export interface RecordReader extends Cutter<CdrRow> {
  /** By how much the file's times are beside the configured zone, as far as its rows show. */
  readonly zoneShiftMs: () => number;
}

export type ReaderResult =
  | { readonly reader: RecordReader; readonly why?: undefined }
  | { readonly reader?: undefined; readonly why: string };

export const recordReader = (options: ReaderOptions): ReaderResult => {
  const { format, zone, trunkOf, hasTrunks, mapping, from = FILE_BEGIN } = options;
  switch (format) {
    case "asterisk": {
      const reader = asteriskReader({ zone, trunkOf, byNumbers: !hasTrunks, mapping }, from);
      if (reader === undefined) return { why: "the mapping names no src, start, end" };
      return { reader: { ...reader, zoneShiftMs: () => reader.evidence.shiftMs } };
    }
    case "asterisk-json": {
      const reader = asteriskJsonReader({ zone, trunkOf, byNumbers: !hasTrunks }, from);
      return { reader: { ...reader, zoneShiftMs: () => reader.evidence.shiftMs } };
    }
  }
};

/** The beginning of a file that is looked at. */
export const HEAD_BYTES = 4_096;

/** Undefined where the beginning does not tell. */
export const formatOf = (head: Uint8Array): RecordFormat | undefined => {
  const text = latin1(head.subarray(Math.max(0, withoutMark(head)))).trimStart();
  return SIGNS.find(([sign]) => sign.test(text))?.[1];
};

const SIGNS: ReadonlyArray<readonly [RegExp, RecordFormat]> = [
  [/^\{"(?:clid|src|dst|accountcode|channel|start)":/, "asterisk-json"],
];
