/** Calls through a media relay, for the bench: offered from inside, answered outside, each with the ports and keys it was given. */
import { Effect } from "effect";
import type { MediaRelayShape } from "../../../actors/media/mod.ts";
import { choosableOf, parseSdp, type Sdp } from "../../../codecs/sip/mod.ts";

export interface BenchCall {
  readonly insidePort: number;
  readonly outsidePort: number;
  readonly suite: string;
  readonly relayKey: string;
}
/** Of the other end, in every call. */
export const OUTSIDE_KEY = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
const SUITE = "AES_CM_128_HMAC_SHA1_80";

const sdp = (port: number, profile: string, more = ""): Sdp => {
  const text = `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${port} ${profile} 8\r\n${more}`;
  const read = parseSdp(text);
  if (!read.ok) throw new Error(read.error.why);
  return read.value;
};

export const setUp = (relay: MediaRelayShape, calls: number, inside: number, outside: number) =>
  Effect.forEach(Array.from({ length: calls }), (_, i) =>
    Effect.gen(function* () {
      const ask = { call: `bench-${i}`, from: `f${i}`, to: `t${i}` };
      const offered = yield* relay.offer({ ...ask, toward: "outside", sdp: sdp(inside + 2 * i, "RTP/AVP") });
      const line = choosableOf(offered.media[0]!).find(({ suite }) => suite === SUITE)!;
      const crypto = `a=crypto:${line.tag} ${line.suite} inline:${OUTSIDE_KEY}\r\n`;
      const answered = yield* relay.answer({
        ...ask,
        toward: "inside",
        sdp: sdp(outside + 2 * i, "RTP/SAVP", crypto),
      });
      const call: BenchCall = {
        insidePort: answered.media[0]!.port,
        outsidePort: offered.media[0]!.port,
        suite: line.suite,
        relayKey: line.keys[0]!.keySalt,
      };
      return call;
    }),
  );
