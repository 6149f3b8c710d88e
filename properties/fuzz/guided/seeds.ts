/** What each target's search begins with when there is no corpus yet: real messages, and the words that they are made of. */
import { globSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { FramedMessage, MessageContents, Packet } from "../../../codecs/reload/mod.ts";
import { concat } from "../../../codecs/shared/mod.ts";
import { Ticket } from "../../../codecs/ticket/mod.ts";
import { TlsHandshake } from "../../../codecs/tls/mod.ts";
import { PvpFrame } from "../../../codecs/validation/mod.ts";
import { VapMessage } from "../../../codecs/vap/mod.ts";
import { encode, type Wire } from "../../../codecs/wire/mod.ts";
import { arbitraryOf, boundariesOf } from "../../kit/arbitrary.ts";
import { tortures } from "../../sip/torture.ts";
import { duel } from "../../tls/duel.ts";

export interface Seeds {
  readonly bytes: ReadonlyArray<Uint8Array>;
  /** What is put among the bytes; default: the marks of texts. */
  readonly marks?: ReadonlyArray<string>;
}

const SAMPLES = 40;
const FILE_BYTES_MAX = 4_096;
const ROOT = new URL("../../../", import.meta.url);

const ofWire = (wire: Wire<any>) => (): Seeds => ({
  bytes: fc
    .sample(fc.oneof(arbitraryOf(wire), boundariesOf(wire)), { numRuns: SAMPLES, seed: 1 })
    .map((value) => encode(wire, value)),
});

const filesOf = (...patterns: ReadonlyArray<string>): ReadonlyArray<Uint8Array> =>
  globSync(patterns as Array<string>, { cwd: ROOT.pathname })
    .sort()
    .map((file) => new Uint8Array(readFileSync(new URL(file, ROOT))).subarray(0, FILE_BYTES_MAX));

const flightsTo = (side: "client" | "server") => (): Seeds => {
  const says = { client: [Uint8Array.of(1)], server: [Uint8Array.of(2)] };
  const from = side === "client" ? "server" : "client";
  return {
    bytes: [
      duel({ says, closes: from }),
      duel({ says, client: { legacy: true }, server: { legacy: true } }),
      duel({ client: { userName: "b" } }),
    ].map((found) => concat(...found[from].sent)),
  };
};

/** By the name of the target, under which targets.ts exports it. */
export const seedsOf: Readonly<Record<string, () => Seeds>> = {
  vap: ofWire(VapMessage),
  reloadPacket: ofWire(Packet),
  reloadContents: ofWire(MessageContents),
  reloadFrame: ofWire(FramedMessage),
  tlsHandshake: ofWire(TlsHandshake),
  ticket: ofWire(Ticket),
  pvp: ofWire(PvpFrame),
  sip: () => ({ bytes: tortures }),
  cdr: () => ({
    bytes: filesOf("properties/vectors/records/**/*.{csv,json,xml,txt,log,cdr}", "properties/examples/Master.csv"),
    marks: [...'\0",;\n\r{}[]<>:\\ ', "\r\n", '""', "ANSWERED", "2024-01-01 00:00:00", "+49", "null", "cdr_record"],
  }),
  xml: () => ({
    bytes: filesOf("properties/vectors/*.xml", "properties/vectors/records/**/*.xml").concat(
      [
        '<service-description xmlns="urn:ietf:params:xml:ns:vipr-service" schemaVersion="1.0" id="1"><vservice/></service-description>',
        "<valinfo><number>+49301234567</number><ticket>AAAA</ticket><route><sip>sip:a@b</sip></route></valinfo>",
        "<valrequest><number>+49301234567</number><domain>a.example</domain></valrequest>",
        "<valerror><code>403</code></valerror>",
      ].map((text) => new TextEncoder().encode(text)),
    ),
    marks: [
      ...`\0<>&"'=/!?[]`,
      "<!--",
      "-->",
      "<![CDATA[",
      "]]>",
      "<!DOCTYPE a [",
      "&amp;",
      "&#0;",
      "<a:b ",
      "</",
      "/>",
      ' xmlns="',
    ],
  }),
  tlsClientFlights: flightsTo("client"),
  tlsServerFlights: flightsTo("server"),
};
