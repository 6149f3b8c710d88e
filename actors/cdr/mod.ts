/** Call records brought in. */
export { CALLS_MAX, importCdr, NoUsableCalls, PROBLEMS_MAX } from "./importer.ts";
