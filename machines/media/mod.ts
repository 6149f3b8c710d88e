/** Media of calls: what offer and answer settle, and a stream's way through the relay. */
export { Latch, RELATCH_MS } from "./latch.ts";
export {
  type AnswerFault,
  faultOfAnswer,
  handedOver,
  modesOf,
  type Offered,
  type OwnKeys,
  type Settled,
  type Side,
  type StreamMode,
  settledBy,
  shownAnswer,
  shownOffer,
} from "./negotiation.ts";
export {
  type Forward,
  type LegFigures,
  type LegName,
  MediaPath,
  OLD_KEY_MS,
  OTHERS_A_SECOND_MAX,
  PACKETS_A_SECOND_MAX,
  type PathRefusal,
  UNPROVED_MS_MAX,
} from "./path.ts";
export {
  type BadMedia,
  faultOf,
  mediaQuality,
  QUALITY_DEFAULTS,
  type QualityEvent,
  type QualityInput,
  type QualityOrder,
  type Sample,
  WINDOW_SAMPLES_MAX,
} from "./quality.ts";
export { Statistics, type StreamFigures } from "./statistics.ts";
export { agreedMedia, refusedBut, sharedMedia, soundIn, trunkDescription } from "./trunk.ts";
