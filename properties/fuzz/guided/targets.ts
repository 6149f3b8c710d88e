/**
 * What a search led by coverage feeds with bytes: decoders, SIP, call records, XML, and both TLS machines. Each throws where a
 * law is broken. These files are bundled and instrumented, so that nothing here reads a file or knows where it lies.
 */
import { FramedMessage, MessageContents, Packet } from "../../../codecs/reload/mod.ts";
import { Ticket } from "../../../codecs/ticket/mod.ts";
import { TlsHandshake } from "../../../codecs/tls/mod.ts";
import { PvpFrame } from "../../../codecs/validation/mod.ts";
import { VapMessage } from "../../../codecs/vap/mod.ts";
import type { Wire } from "../../../codecs/wire/mod.ts";
import { settles } from "../../kit/settles.ts";
import { readInFull } from "../../sip/read-in-full.ts";
import { readRecordsAnyhow } from "./records.ts";
import { playTls } from "./tls.ts";
import { readAnyXml } from "./xml.ts";

export { powersAre } from "./tls.ts";

/** Throws where a law is broken. */
export type Feed = (bytes: Uint8Array) => void;

const settling =
  (wire: Wire<unknown>): Feed =>
  (bytes) =>
    settles(wire, bytes);

export const vap = settling(VapMessage);
export const reloadPacket = settling(Packet);
export const reloadContents = settling(MessageContents);
export const reloadFrame = settling(FramedMessage);
export const tlsHandshake = settling(TlsHandshake);
export const ticket = settling(Ticket);
export const pvp = settling(PvpFrame);
export const sip: Feed = (bytes) => void readInFull(bytes, bytes.length >> 1);
export const cdr: Feed = readRecordsAnyhow;
export const xml: Feed = readAnyXml;
export const tlsClientFlights: Feed = playTls("client");
export const tlsServerFlights: Feed = playTls("server");
