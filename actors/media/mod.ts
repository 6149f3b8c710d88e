/** The media of calls: what the border element asks of a relay, and the relays. */
export { CALLS_MAX, DEFAULT_SUITES, type EmbeddedOptions, type RelayAddress } from "./call.ts";
export { type ControlledMoves, type MediaControlTarget, openMediaControl } from "./control-client.ts";
export { type MediaControl, type MediaControlOptions, serveMediaControl } from "./control-server.ts";
export { embeddedRelay, openEmbeddedRelay, STREAMS_MAX } from "./embedded.ts";
export { type NgServer, openNg } from "./ng.ts";
export type { PortRange } from "./ports.ts";
export { type QualityWatch, watchQuality } from "./quality.ts";
export {
  type MediaCall,
  type MediaCounters,
  type MediaMoves,
  type MediaRefusal,
  MediaRefused,
  MediaRelay,
  type MediaRelayShape,
  type MediaRequest,
  type MediaStreamReport,
  type MediaTrouble,
  type Side,
} from "./relay.ts";
export { mediaRefusedOf, mediaRowOf } from "./report.ts";
export {
  openRtpengineRelay,
  RTPENGINE_CALLS_MAX,
  type RtpengineOptions,
  rtpengineRelay,
} from "./rtpengine.ts";
