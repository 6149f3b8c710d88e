/** Files of call records, in whatever format their first bytes say: however they are cut, the same rows come out. */
import { deepStrictEqual as same } from "node:assert";
import {
  formatOf,
  HEAD_BYTES,
  RECORD_FORMATS,
  type RecordFormat,
  recordReader,
  trunkMatcher,
  zoneOf,
} from "../../../codecs/cdr/mod.ts";

const ZONE = zoneOf("Europe/Berlin")!;
const trunkOf = trunkMatcher([]);
/** By which readers such a file may be read that has no format of its own. */
const OTHERS: ReadonlyArray<RecordFormat> = RECORD_FORMATS;

export const readRecordsAnyhow = (bytes: Uint8Array): void => {
  const format = formatOf(bytes.subarray(0, HEAD_BYTES)) ?? OTHERS[(bytes[0] ?? 0) % OTHERS.length]!;
  const whole = rowsOf(format, [bytes], bytes);
  if (whole === undefined) return;
  const at = bytes.length >> 1;
  same(rowsOf(format, [bytes.subarray(0, at), bytes.subarray(at)], bytes), whole);
};

const rowsOf = (format: RecordFormat, pieces: ReadonlyArray<Uint8Array>, all: Uint8Array) => {
  const head = all.subarray(0, HEAD_BYTES);
  const { reader } = recordReader({ format, zone: ZONE, trunkOf, hasTrunks: false, head });
  if (reader === undefined) return undefined;
  return [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
};
