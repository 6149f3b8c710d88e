/** The messages of RFC 4475 and RFC 5118 as they stand on the wire, for laws and searches. */
import { readdirSync, readFileSync } from "node:fs";

const FOLDER = new URL("../vectors/sip-torture/", import.meta.url);

export const tortureNames: ReadonlyArray<string> = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".dat"))
  .map((name) => name.slice(0, -".dat".length))
  .sort();
export const tortureOf = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`${name}.dat`, FOLDER)));
export const tortures: ReadonlyArray<Uint8Array> = tortureNames.map(tortureOf);

/** A sound request, to follow another on its stream. */
export const NEXT_URI = "sip:next@next.example";
export const NEXT = new TextEncoder().encode(
  [
    `OPTIONS ${NEXT_URI} SIP/2.0`,
    "Via: SIP/2.0/TCP next.example;branch=z9hG4bKnext",
    "From: <sip:a@next.example>;tag=1",
    "To: <sip:b@next.example>",
    "Call-ID: next",
    "CSeq: 1 OPTIONS",
    "Content-Length: 0",
    "",
    "",
  ].join("\r\n"),
);
