/**
 * One reader for each format, all with the same rows; and which format a file has, by its first bytes.
 *
 *   bytes, cut anywhere --> push, push ... end --> rows, each with its place
 */
import { asteriskJsonReader, asteriskReader } from "./asterisk-reader.ts";
import { avayaReader } from "./avaya.ts";
import { teamsReader, threecxReader, yeastarReader } from "./boards.ts";
import { celReader } from "./cel.ts";
import { cucmReader } from "./cucm.ts";
import { freeswitchCsvReader, freeswitchJsonReader, freeswitchXmlReader } from "./freeswitch-reader.ts";
import { grandstreamReader } from "./grandstream.ts";
import { jsonlReader } from "./jsonl.ts";
import { utf8Of } from "./lines.ts";
import { type Cutter, FILE_BEGIN, type Position } from "./place.ts";
import { kamailioReader, kamailioTableReader, opensipsReader } from "./proxies.ts";
import type { CdrRow } from "./row.ts";
import { audiocodesReader, cubeReader } from "./sbc.ts";
import type { TrunkOf } from "./trunks.ts";
import { type Zone, zoneOf } from "./zone.ts";

/**
 * What a reader must be told: the format, the exchange's zone and trunks, and of some formats the columns, which the file
 * does not name.
 */
export interface ReaderOptions {
  readonly format: RecordFormat;
  readonly zone: Zone;
  readonly trunkOf: TrunkOf;
  /** Are there any? Without, Asterisk's rows are read by their numbers alone. */
  readonly hasTrunks: boolean;
  /** Asterisk: the line of cdr_custom.conf, or the names of the columns. */
  readonly mapping?: string | undefined;
  /** The names of the columns, for formats that have none in the file. */
  readonly columns?: ReadonlyArray<string> | undefined;
  /** FreeSWITCH's. */
  readonly template?: string | undefined;
  /** What our fields are called there: JSON lines. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
  /** Where the bytes begin in their file, and the file's first bytes: some formats have names there. */
  readonly from?: Position | undefined;
  readonly head?: Uint8Array | undefined;
}

/** A file's bytes go in, in pieces; its rows come out, those that could not be read with their fault. */
export interface RecordReader extends Cutter<CdrRow> {
  /** By how much the file's times are beside the configured zone, as far as its rows show. */
  readonly zoneShiftMs: () => number;
}

/** A reader, or why the options make none: half a sentence for a person. */
export type ReaderResult =
  | { readonly reader: RecordReader; readonly why?: undefined }
  | { readonly reader?: undefined; readonly why: string };

type Open = (options: ReaderOptions & { readonly from: Position }) => Cutter<CdrRow> | string;

const asterisk = ({ zone, trunkOf, hasTrunks }: ReaderOptions) => ({ zone, trunkOf, byNumbers: !hasTrunks });
const textOf = (head: Uint8Array | undefined): string | undefined => (head === undefined ? undefined : utf8Of(head));
const UTC = zoneOf("UTC")!;

const READERS = {
  asterisk: (of) =>
    asteriskReader({ ...asterisk(of), mapping: of.mapping ?? of.columns?.join(",") }, of.from) ??
    "the mapping names no dst, start, end",
  "asterisk-json": (of) => asteriskJsonReader(asterisk(of), of.from),
  "asterisk-cel": (of) => celReader({ zone: of.zone, trunkOf: of.trunkOf, columns: of.columns }, of.from),
  "freeswitch-csv": (of) =>
    freeswitchCsvReader(of, of.template, of.from) ?? "the template has no end_stamp, end_epoch or end_uepoch",
  "freeswitch-json": (of) => freeswitchJsonReader(of),
  "freeswitch-xml": (of) => freeswitchXmlReader(of),
  cucm: (of) => cucmReader(of.trunkOf, of.from, of.head),
  jsonl: (of) => jsonlReader(of, of.from),
  kamailio: (of) => kamailioReader(of.from),
  "kamailio-table": (of) => kamailioTableReader(of.from),
  opensips: (of) => opensipsReader(of.from),
  "3cx": (of) => threecxReader(UTC, of.from),
  "3cx-local": (of) => threecxReader(of.zone, of.from),
  "avaya-smdr": (of) => avayaReader(of.zone, of.from),
  teams: (of) => teamsReader(of.zone, of.trunkOf),
  cube: (of) => cubeReader(of.zone, of.trunkOf, of.from),
  audiocodes: (of) => audiocodesReader(of.zone, of.trunkOf, of.from, textOf(of.head)),
  grandstream: (of) => grandstreamReader(asterisk(of), of.from, textOf(of.head)),
  yeastar: (of) => yeastarReader(of.zone, of.trunkOf, of.from),
} satisfies Readonly<Record<string, Open>>;

/** The name of a format: `asterisk`, `freeswitch-csv`, `cucm`, `jsonl` and others, all of which RECORD_FORMATS has. */
export type RecordFormat = keyof typeof READERS;
/** The names of all formats, in the order in which people are shown them. */
export const RECORD_FORMATS = Object.keys(READERS) as ReadonlyArray<RecordFormat>;

/**
 * A reader for one file. Gives `why` for a mapping of Asterisk's or a template of FreeSWITCH's without the columns that a
 * call needs.
 */
export const recordReader = (options: ReaderOptions): ReaderResult => {
  const open: Open = READERS[options.format];
  const reader = open({ ...options, from: options.from ?? FILE_BEGIN });
  if (typeof reader === "string") return { why: reader };
  return { reader: { ...reader, zoneShiftMs: () => shiftOf(reader) } };
};

const shiftOf = (reader: Cutter<CdrRow>): number =>
  "evidence" in reader ? (reader as { readonly evidence: { readonly shiftMs: number } }).evidence.shiftMs : 0;

/** The beginning of a file that is looked at. */
export const HEAD_BYTES = 8_192;
