/** The media of calls: what the border element asks of a relay, and the relays. */
export {
  type MediaCall,
  type MediaCounters,
  type MediaRefusal,
  MediaRefused,
  MediaRelay,
  type MediaRelayShape,
  type MediaRequest,
  type MediaStreamReport,
  type Side,
} from "./relay.ts";
