/**
 * Session descriptions as an offer or answer of secured audio needs them. RFC 4566, RFC 3264 and RFC 4568.
 *
 *   v=0
 *   o=<user> <id> <version> IN IP4 <address>      who, and the session's name
 *   s=-
 *   c=IN IP4 <address>                            lines we do not read are kept in their place
 *   t=0 0
 *   m=audio <port> RTP/SAVP <formats>             each medium, then its own lines
 *   a=crypto:<tag> <suite> inline:<key and salt, base64>
 */
import { malformed, type Parsed, parsed } from "./error.ts";

export interface SdpLine {
  readonly letter: string;
  readonly value: string;
}

export interface SdpMedia {
  readonly kind: string;
  /** 0: refused, RFC 3264 §6. */
  readonly port: number;
  readonly protocol: string;
  readonly formats: ReadonlyArray<string>;
  readonly lines: ReadonlyArray<SdpLine>;
}

export interface Sdp {
  /** The whole o= line's value. */
  readonly origin: string;
  readonly name: string;
  readonly lines: ReadonlyArray<SdpLine>;
  readonly media: ReadonlyArray<SdpMedia>;
}

/** One a=crypto attribute. RFC 4568 §9.1; the first key only, which is all that these suites' peers send. */
export interface Crypto {
  readonly tag: number;
  readonly suite: string;
  /** Base64 of the master key and the master salt. */
  readonly key: string;
  /** Lifetime, MKI and session parameters, as written. */
  readonly more: string;
}

/** Best first. Both take a 16-byte key and a 14-byte salt. RFC 4568 §6.2. */
export const SUITES = ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"] as const;
export const KEY_BYTES = 30;

export const LINES_MAX = 256;
export const SECURED = "RTP/SAVP";

export const parseSdp = (text: string): Parsed<Sdp> => {
  const raw = text.replace(/(?:\r?\n)+$/, "").split(/\r?\n/);
  if (raw.length > LINES_MAX) return malformed("sdp", "too many lines");
  const lines: Array<SdpLine> = [];
  for (const line of raw) {
    if (!/^[a-z]=[^\r\0]*$/.test(line)) return malformed("sdp", "a line is not a letter, = and a value");
    lines.push({ letter: line[0]!, value: line.slice(2) });
  }
  const [version, origin, name, ...rest] = lines;
  if (version?.letter !== "v" || version.value !== "0") return malformed("sdp", "must begin with v=0");
  if (origin?.letter !== "o" || origin.value.split(" ").length !== 6) return malformed("sdp", "its o= is not one");
  if (name?.letter !== "s") return malformed("sdp", "s= must be third");
  const firstMedia = rest.findIndex((line) => line.letter === "m");
  const session = firstMedia < 0 ? rest : rest.slice(0, firstMedia);
  const media = parseMedia(firstMedia < 0 ? [] : rest.slice(firstMedia));
  return media.ok ? parsed({ origin: origin.value, name: name.value, lines: session, media: media.value }) : media;
};

export const printSdp = (sdp: Sdp): string =>
  [
    "v=0",
    `o=${sdp.origin}`,
    `s=${sdp.name}`,
    ...sdp.lines.map(printLine),
    ...sdp.media.flatMap((m) => [
      `m=${m.kind} ${m.port} ${m.protocol} ${m.formats.join(" ")}`,
      ...m.lines.map(printLine),
    ]),
  ]
    .map((line) => `${line}\r\n`)
    .join("");

/** Every a=crypto of a medium that we can use, in its order; others are left aside, as RFC 4568 §5.1.2 asks. */
export const cryptosOf = (media: SdpMedia): ReadonlyArray<Crypto> =>
  media.lines.flatMap(({ letter, value }) => {
    if (letter !== "a") return [];
    const match = /^crypto:([0-9]{1,9}) ([A-Za-z0-9_]+) inline:([A-Za-z0-9+/]{40})((?:\|[!-~]*)?(?: .*)?)$/.exec(value);
    if (match === null || !SUITES.includes(match[2] as never)) return [];
    return [{ tag: Number(match[1]), suite: match[2]!, key: match[3]!, more: match[4]! }];
  });

/** True when every medium in use is audio or video over RTP/SAVP with a key that we can use, and there is one. */
export const isSecured = (sdp: Sdp): boolean => {
  const used = sdp.media.filter((media) => media.port !== 0);
  return used.length > 0 && used.every((media) => media.protocol === SECURED && cryptosOf(media).length > 0);
};

export interface MediaEnd {
  readonly address: string;
  readonly port: number;
  /** Base64 of 30 random bytes: master key and master salt. */
  readonly key: string;
  /** Makes o= unique: a number in digits. */
  readonly session: string;
}

/** G.711 in both laws, secured, with our key for each suite we know. */
export const offerOf = (end: MediaEnd): Sdp => ({
  ...sessionOf(end),
  media: [
    {
      kind: "audio",
      port: end.port,
      protocol: SECURED,
      formats: ["8", "0"],
      lines: SUITES.map((suite, i) => ({ letter: "a", value: `crypto:${i + 1} ${suite} inline:${end.key}` })),
    },
  ],
});

/** The answer to an offer: its first medium that we can take, all others refused by port 0. Undefined: we can take none. */
export const answerTo = (offer: Sdp, end: MediaEnd): Sdp | undefined => {
  const at = offer.media.findIndex((m) => m.kind === "audio" && m.port !== 0 && bestOf(m) !== undefined);
  if (at < 0) return undefined;
  const media = offer.media.map((m, i): SdpMedia => {
    if (i !== at) return { ...m, port: 0, lines: [] };
    const { tag, suite } = bestOf(m)!;
    const lines = [{ letter: "a", value: `crypto:${tag} ${suite} inline:${end.key}` }];
    return { kind: m.kind, port: end.port, protocol: m.protocol, formats: known(m), lines };
  });
  return { ...sessionOf(end), media };
};

const bestOf = (media: SdpMedia): Crypto | undefined => {
  if (media.protocol !== SECURED || known(media).length === 0) return undefined;
  const offered = cryptosOf(media);
  return SUITES.map((suite) => offered.find((crypto) => crypto.suite === suite)).find((crypto) => crypto !== undefined);
};

const known = (media: SdpMedia): ReadonlyArray<string> => media.formats.filter((f) => f === "0" || f === "8");

const sessionOf = ({ address, session }: MediaEnd): Omit<Sdp, "media"> => {
  const net = address.includes(":") ? `IN IP6 ${address}` : `IN IP4 ${address}`;
  return {
    origin: `- ${session} ${session} ${net}`,
    name: "-",
    lines: [
      { letter: "c", value: net },
      { letter: "t", value: "0 0" },
    ],
  };
};

const parseMedia = (lines: ReadonlyArray<SdpLine>): Parsed<ReadonlyArray<SdpMedia>> => {
  const media: Array<SdpMedia & { lines: Array<SdpLine> }> = [];
  for (const line of lines) {
    if (line.letter !== "m") {
      media.at(-1)!.lines.push(line);
      continue;
    }
    const match = /^([a-z]+) ([0-9]{1,5}) ([A-Za-z0-9/]+)((?: [!-~]+)+)$/.exec(line.value);
    if (match === null || Number(match[2]) > 65_535) return malformed("sdp", "an m= is not one");
    media.push({
      kind: match[1]!,
      port: Number(match[2]),
      protocol: match[3]!,
      formats: match[4]!.slice(1).split(" "),
      lines: [],
    });
  }
  return parsed(media);
};

const printLine = ({ letter, value }: SdpLine): string => `${letter}=${value}`;
