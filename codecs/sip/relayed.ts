/**
 * A session description as the other side of a relay is shown it: our address and ports, the keys that we say, and nothing of
 * the network that it comes from. RFC 3264, RFC 4566, RFC 3605, RFC 5761. docs/protocol/media.md#what-the-other-side-is-shown
 *
 *   o=alice 7 9 IN IP4 10.0.0.7            o=- 7 9 IN IP4 192.0.2.1
 *   c=IN IP4 10.0.0.7                 ->   c=IN IP4 192.0.2.1
 *   m=audio 4000 RTP/AVP 8 101             m=audio 30000 RTP/SAVP 8 101
 *   a=rtpmap:101 telephone-event/8000      a=rtpmap:101 telephone-event/8000
 *   a=candidate:1 1 UDP 1 10.0.0.7 ...     a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:...
 */
import { ipTextOf, isGlobalHost } from "../shared/mod.ts";
import { type CryptoAttribute, printCrypto } from "./crypto.ts";
import type { Sdp, SdpLine, SdpMedia } from "./sdp.ts";

/** One stream as it is shown; port 0 refuses it. */
export interface ShownStream {
  readonly port: number;
  /** Where it is not the one above. RFC 3605. */
  readonly rtcpPort?: number;
  readonly protocol: string;
  readonly cryptos: ReadonlyArray<CryptoAttribute>;
}

/** An IP address and a UDP port. */
export interface MediaAddress {
  readonly host: string;
  readonly port: number;
}
/** Where an end wants its media. */
export interface StreamEnd {
  readonly rtp: MediaAddress;
  readonly rtcp: MediaAddress;
  /** RFC 2543 §B.5, RFC 3264 §8.4: the zero address says that nothing is to be sent. */
  readonly isHeld: boolean;
  /** RFC 3264 §5.1; of what is held, neither. */
  readonly sends: boolean;
  readonly receives: boolean;
  /** RFC 5761: RTCP comes and goes by the port of RTP. */
  readonly isMuxed: boolean;
  /** Ticks a second of each payload type; none for telephone events, whose timestamps stand still. RFC 4733 §2.1. */
  readonly clockRates: ReadonlyMap<number, number>;
}

/** Undefined where the description names no IP address for the stream. */
export const endOf = (sdp: Sdp, media: SdpMedia): StreamEnd | undefined => {
  const connection = media.lines.find(isConnection) ?? sdp.lines.find(isConnection);
  const host = connection && hostIn(connection.value);
  if (host === undefined) return undefined;
  const rtcp = media.lines.find(({ letter, value }) => letter === "a" && value.startsWith("rtcp:"));
  const [, rtcpPort, rtcpNet] = /^rtcp:([0-9]{1,5})(?: (IN IP[46] \S+))?$/.exec(rtcp?.value ?? "") ?? [];
  return {
    rtp: { host, port: media.port },
    rtcp: {
      host: (rtcpNet === undefined ? undefined : hostIn(rtcpNet)) ?? host,
      port: rtcpPort === undefined ? media.port + 1 : Number(rtcpPort),
    },
    isHeld: isZero(host),
    sends: /^send/.test(directionOf(sdp, media)),
    receives: /recv/.test(directionOf(sdp, media)) && !isZero(host),
    isMuxed: media.lines.some(({ letter, value }) => letter === "a" && value === "rtcp-mux"),
    clockRates: clockRatesOf(media),
  };
};
const directionOf = (sdp: Sdp, media: SdpMedia): string => {
  const isDirection = ({ letter, value }: SdpLine) =>
    letter === "a" && /^(?:sendrecv|sendonly|recvonly|inactive)$/.test(value);
  return (media.lines.find(isDirection) ?? sdp.lines.find(isDirection))?.value ?? "sendrecv";
};
const isConnection = ({ letter }: SdpLine): boolean => letter === "c";
/** RFC 4566 §5.7: a group's address has more behind a slash, and is none that we send to. */
const hostIn = (net: string): string | undefined => {
  const [, host] = /^IN IP[46] ([0-9A-Fa-f:.]+)$/.exec(net.trim()) ?? [];
  return host === undefined ? undefined : ipTextOf(host);
};
const isZero = (host: string): boolean => host === "0.0.0.0" || host === "::";

/** Of the payload types that need no rtpmap. RFC 3551 §6: all others of audio have 8000, of video 90000. */
const STATIC_RATES: ReadonlyMap<number, number> = new Map([
  [6, 16_000],
  [10, 44_100],
  [11, 44_100],
  [14, 90_000],
  [16, 11_025],
  [17, 22_050],
]);
const clockRatesOf = ({ kind, formats, lines }: SdpMedia): ReadonlyMap<number, number> => {
  const usual = kind === "video" ? 90_000 : 8_000;
  const rates = new Map(formats.map((format) => [Number(format), STATIC_RATES.get(Number(format)) ?? usual]));
  for (const { letter, value } of lines) {
    const [, type, name, rate] = /^rtpmap:([0-9]{1,3}) ([^/ ]+)\/([0-9]{1,7})/.exec(letter === "a" ? value : "") ?? [];
    if (name === undefined) continue;
    if (/^telephone-event$/i.test(name)) rates.delete(Number(type));
    else if (Number(rate) > 0) rates.set(Number(type), Number(rate));
  }
  return rates;
};

/** True where media may be sent to an end that strangers have named: it is held, or a host anywhere. */
export const isReachable = ({ rtp, rtcp, isHeld }: StreamEnd): boolean =>
  isHeld || (isGlobalHost(rtp.host) && isGlobalHost(rtcp.host) && rtp.port > 0 && rtcp.port > 0 && rtcp.port < 65_536);

/** `streams`: one for each of `sdp.media`. */
export const shownAs = (sdp: Sdp, host: string, streams: ReadonlyArray<ShownStream>): Sdp => {
  const net = `IN IP${host.includes(":") ? 6 : 4} ${host}`;
  const hidden = hostsOf(sdp);
  const [, id = "0", version = "0"] = sdp.origin.split(" ");
  const keeps = (line: SdpLine) => isShown(line, hidden);
  return {
    origin: `- ${digitsOf(id)} ${digitsOf(version)} ${net}`,
    name: "-",
    lines: [{ letter: "c", value: net }, ...sdp.lines.filter(keeps)],
    media: sdp.media.map((media, i) => {
      const { port, rtcpPort = port + 1, protocol, cryptos } = streams[i]!;
      const common = { kind: media.kind, port, ports: undefined, protocol, formats: media.formats };
      if (port === 0) return { ...common, lines: [] };
      const connection = endOf(sdp, media)?.isHeld ? [{ letter: "c", value: zeroOf(host) }] : [];
      const rtcp = rtcpPort === port + 1 ? [] : [{ letter: "a", value: `rtcp:${rtcpPort}` }];
      const keys = cryptos.map((crypto) => ({ letter: "a", value: printCrypto(crypto) }));
      return { ...common, lines: [...connection, ...media.lines.filter(keeps), ...rtcp, ...keys] };
    }),
  };
};
const zeroOf = (host: string): string => (host.includes(":") ? "IN IP6 ::" : "IN IP4 0.0.0.0");
/** RFC 4566 §5.2: both are numbers; whatever else stands there is hidden. */
const digitsOf = (text: string): string => (/^[0-9]{1,20}$/.test(text) ? text : "0");

/** Every host that the description itself names. */
const hostsOf = (sdp: Sdp): ReadonlyArray<string> => {
  const connections = [sdp, ...sdp.media].flatMap(({ lines }) => lines.filter(isConnection).map(({ value }) => value));
  const hosts = [sdp.origin, ...connections].map((net) => net.split(" ").at(-1)!.split("/")[0]!);
  return [...new Set(hosts)].filter((host) => host.length > 1);
};

/** Text, links, persons, keys, connections. RFC 4566 §5.4 to §5.7, §5.12. */
const HIDDEN_LETTERS = new Set(["i", "u", "e", "p", "k", "c"]);
/**
 * Attributes that name addresses, keys or software, or that hold between two ends only: ICE (RFC 8839), RTCP's port
 * (RFC 3605), DTLS (RFC 8122, RFC 5763), key management (RFC 4567), bundles and sources (RFC 8843, RFC 5576), source filters
 * (RFC 4570), paths of MSRP (RFC 4975), the program that wrote it.
 */
const HIDDEN_ATTRIBUTES =
  /^[ \t]*(?:candidate|remote-candidates|end-of-candidates|ice-[a-z-]+|alt|rtcp|crypto|key-mgmt|fingerprint|setup|connection|tls-id|identity|group|ssrc|ssrc-group|msid|msid-semantic|source-filter|path|tool)[ \t]*(?::|$)/i;
const ADDRESS =
  /(?:^|[^0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?:[^0-9.]|$)|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{0,40}[0-9A-Fa-f]/;

const isShown = ({ letter, value }: SdpLine, hidden: ReadonlyArray<string>): boolean => {
  if (HIDDEN_LETTERS.has(letter)) return false;
  if (letter !== "a") return true;
  return !HIDDEN_ATTRIBUTES.test(value) && !ADDRESS.test(value) && !hidden.some((host) => value.includes(host));
};

/**
 * A stream with its addresses said once, as they were read: whoever reads it next reads the same. Without what would name
 * others. `cryptos`: those of its lines that are kept.
 */
export const saidOnce = (media: SdpMedia, end: StreamEnd, cryptos: ReadonlyArray<CryptoAttribute>): SdpMedia => {
  const netOf = ({ host }: MediaAddress) => `IN IP${host.includes(":") ? 6 : 4} ${host}`;
  const { rtp, rtcp } = end;
  const isUsual = rtcp.host === rtp.host && rtcp.port === rtp.port + 1;
  const keys = cryptos.map((crypto) => ({ letter: "a", value: printCrypto(crypto) }));
  return {
    ...media,
    ports: undefined,
    lines: [
      { letter: "c", value: netOf(rtp) },
      ...media.lines.filter((line) => isShown(line, [])),
      ...(isUsual ? [] : [{ letter: "a", value: `rtcp:${rtcp.port} ${netOf(rtcp)}` }]),
      ...keys,
    ],
  };
};
