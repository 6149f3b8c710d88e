/** The messages of RFC 4475 and RFC 5118 as they stand on the wire, for laws and searches. */
import { readdirSync, readFileSync } from "node:fs";

const FOLDER = new URL("../vectors/sip-torture/", import.meta.url);

export const tortureNames: ReadonlyArray<string> = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".dat"))
  .map((name) => name.slice(0, -".dat".length))
  .sort();
export const tortureOf = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`${name}.dat`, FOLDER)));
export const tortures: ReadonlyArray<Uint8Array> = tortureNames.map(tortureOf);
