/** Call records of exchanges, from the rows of their files to the outbox. */
export { type ImporterOptions, type RecordImporter, recordImporter } from "./importer.ts";
export { FILES_KNOWN_MAX, type FilePlace, openRecordKeep, type RecordKeep } from "./keep.ts";
