/** A telephone network of our own. */
export { makePstn, PSTN_CALLS_MAX, type PstnOptions } from "./network.ts";
