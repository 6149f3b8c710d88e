/** Messages of VAP for who captures them: at one end of a connection, one after the other. */
import { Effect } from "effect";
import { Captured, type CapturedPlace } from "../capture/mod.ts";

/** Where one end of VAP reports its messages. */
export interface VapCapture {
  readonly sent: (bytes: Uint8Array, peer: CapturedPlace) => void;
  readonly received: (bytes: Uint8Array, peer: CapturedPlace) => void;
  /** Our own end from now on, where it is known; given back. */
  readonly at: <P extends CapturedPlace>(own: P) => P;
}

/** Of one client or server. */
export const openVapCapture: Effect.Effect<VapCapture> = Effect.map(Effect.service(Captured), (captures) => {
  let own: CapturedPlace | undefined;
  const see = (isSent: boolean, bytes: Uint8Array, peer: CapturedPlace) => {
    if (captures.isOn) captures.saw({ protocol: "vap", isSent, transport: "tcp", own, peer, bytes });
  };
  return {
    sent: (bytes, peer) => see(true, bytes, peer),
    received: (bytes, peer) => see(false, bytes, peer),
    at: (place) => {
      own = place;
      return place;
    },
  };
});
