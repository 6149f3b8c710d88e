/**
 * A description of rtpengine's, judged and cleaned before anybody is shown it: secured where it must be, and nothing in it of
 * the network that it comes from. On hold rtpengine leaves the zero address, and may leave the offerer's own.
 */
import { ipTextOf } from "../../codecs/shared/mod.ts";
import {
  choosableOf,
  endOf,
  isSecuredProfile,
  type Sdp,
  type SdpMedia,
  type ShownStream,
  securingOf,
  shownAs,
} from "../../codecs/sip/mod.ts";

/** What a stream must be; a stream of the description that was handed over: as that is, and with no key. */
type Wanted = "refused" | "secured" | SdpMedia;

/**
 * The description as it is shown, and rtpengine's address in it; or why it cannot be. `handed`: what it was made of.
 * `knownHost`: its address, as this side was shown it before.
 */
export const cleaned = (
  sdp: Sdp,
  handed: Sdp,
  knownHost: string | undefined,
  wanted: (media: SdpMedia, i: number) => Wanted,
): { readonly sdp: Sdp; readonly host: string | undefined } | string => {
  if (sdp.media.length !== handed.media.length) return "rtpengine has changed the number of streams";
  const streams: Array<ShownStream> = [];
  const hosts = new Set<string>();
  for (const [i, media] of sdp.media.entries()) {
    const want = wanted(handed.media[i]!, i);
    if (want === "refused") {
      streams.push({ port: 0, protocol: handed.media[i]!.protocol, cryptos: [] });
      continue;
    }
    const end = endOf(sdp, media);
    if (end === undefined || media.port === 0) return `rtpengine has no port for stream ${i + 1}`;
    if (!end.isHeld) hosts.add(end.rtp.host);
    const isSecure = want === "secured";
    const cryptos = isSecure ? securingOf(media) : [];
    if (isSecure !== isSecuredProfile(media.protocol)) return `rtpengine shows stream ${i + 1} as ${media.protocol}`;
    if (isSecure && cryptos.length === 0 && choosableOf(media).length === 0)
      return `rtpengine gives stream ${i + 1} no key`;
    streams.push({ port: media.port, rtcpPort: end.rtcp.port, protocol: media.protocol, cryptos });
  }
  if (hosts.size > 1) return "rtpengine shows two addresses";
  const host = [...hosts][0];
  const shownHost = host ?? knownHost ?? ipTextOf(sdp.origin.split(" ").at(-1)!);
  if (shownHost === undefined) return "rtpengine names no address";
  return { sdp: shownAs(withOwnLines(sdp, handed), shownHost, streams), host };
};

/** So that what the end itself calls its own is hidden too, wherever rtpengine has left it. */
const withOwnLines = (sdp: Sdp, handed: Sdp): Sdp => ({
  ...sdp,
  lines: [...sdp.lines, ...handed.lines.filter(({ letter }) => letter === "c")],
});
