/**
 * What a report says of whom it comes from, taken out: names of people, hosts and programs. RFC 3550 §6.5 and §6.6. DECISIONS.md D-168.
 *
 *   SDES  CNAME anna@10.0.0.7, TOOL baresip   -->   CNAME 2b9a17@anonymous.invalid
 *   BYE   why                                 -->   BYE
 */
import { parseRtcp, printRtcp, type RtcpPacket } from "./rtcp.ts";

const CNAME = 1;

/** The report itself, where there is nothing to take out, or where it cannot be read. */
export const withoutNames = (report: Uint8Array): Uint8Array => {
  const packets = parseRtcp(report);
  return packets?.some(isTelling) ? printRtcp(packets.map(withoutName)) : report;
};

const isTelling = (packet: RtcpPacket): boolean =>
  packet.type === "sourceDescription" || (packet.type === "goodbye" && packet.reason !== undefined);

/** A source keeps a name of its own: by that others tell a collision. RFC 3550 §8.2. */
const withoutName = (packet: RtcpPacket): RtcpPacket => {
  if (packet.type === "goodbye") return { ...packet, reason: undefined };
  if (packet.type !== "sourceDescription") return packet;
  const chunks = packet.chunks.map(({ ssrc, items }) => {
    const text = `${ssrc.toString(16)}@anonymous.invalid`;
    return { ssrc, items: items.some(({ code }) => code === CNAME) ? [{ code: CNAME, text }] : [] };
  });
  return { type: "sourceDescription", chunks };
};
