/** RTP and RTCP: the header of a packet in place, and what reports say. */
export { withoutNames } from "./names.ts";
export { isNotice, MediaNotice, printNotice } from "./notice.ts";
export {
  isRtcp,
  payloadAt,
  payloadTypeIn,
  RTP_HEADER_BYTES,
  RtpHeader,
  sequenceIn,
  ssrcIn,
  timestampIn,
} from "./packet.ts";
export {
  parseRtcp,
  printRtcp,
  ReportBlock,
  RTCP_PACKETS_MAX,
  type RtcpPacket,
  type SdesChunk,
  type SdesItem,
  SenderInfo,
} from "./rtcp.ts";
