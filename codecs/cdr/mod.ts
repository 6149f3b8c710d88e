/** Call detail records: Asterisk's, so far. */
export {
  asteriskReader,
  type CdrCall,
  type CdrOptions,
  type CdrProblem,
  type CdrReader,
  type CdrReading,
  printAsterisk,
  readAsterisk,
} from "./asterisk.ts";
export { RECORD_CHARS_MAX } from "./csv.ts";
