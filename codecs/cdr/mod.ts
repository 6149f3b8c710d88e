/** Call records of exchanges, whatever their format, as rows that speak of trunks. */

export { bridgeOf } from "./asterisk.ts";
export { asteriskReader } from "./asterisk-reader.ts";
export { FREESWITCH_TEMPLATES } from "./freeswitch-reader.ts";
export { storedCallKey } from "./key.ts";
export { FILE_BEGIN, type Place, type Position } from "./place.ts";
export {
  HEAD_BYTES,
  RECORD_FORMATS,
  type ReaderOptions,
  type ReaderResult,
  type RecordFormat,
  type RecordReader,
  recordReader,
} from "./reader.ts";
export type { Bridge, CdrRow, Dialler, Leg, NumberText, RowFault } from "./row.ts";
export { formatOf } from "./sniff.ts";
export { type TrunkNames, type TrunkOf, trunkMatcher } from "./trunks.ts";
export { type Zone, zoneOf } from "./zone.ts";
