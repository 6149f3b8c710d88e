/** SRTP and SRTCP: packets secured and opened, with the keys of one direction. RFC 3711, RFC 6188. */
export { derive, deriveKeys, type SrtpSuite } from "./keys.ts";
export { applyKeystream, PACKET_BYTES_MAX } from "./keystream.ts";
export { type Keyed, ownPrimitives, type SrtpPrimitives } from "./primitives.ts";
export { type MasterKey, SrtpReceiver } from "./receiver.ts";
export { RTCP_TAG_BYTES, SOURCES_MAX, type SrtpRefusal, type SrtpResult, SrtpSender } from "./sender.ts";
export { indexOf, RESTART_PACKETS, Seen, WINDOW } from "./sequence.ts";
