/**
 * Audio of our own, secured: what we offer, and how we answer. RFC 4568, RFC 3264. For ends without a telephone behind
 * them; calls between telephones pass through a relay (`relayed.ts`).
 */
import { printCrypto } from "./crypto.ts";
import type { Sdp, SdpMedia } from "./sdp.ts";
import { choosableOf, isSecuredProfile, SECURED } from "./secured.ts";

/** What our own offers bring: both take a 16-byte key and a 14-byte salt. RFC 4568 §6.2. */
export const OFFERED_SUITES = ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"] as const;
/** Master key and master salt together, of each of OFFERED_SUITES. */
export const KEY_BYTES = 30;

/** Our end of the audio: an IP address, a UDP port, the key for what we send. */
export interface MediaEnd {
  readonly address: string;
  readonly port: number;
  /** Base64 of 30 random bytes: master key and master salt. */
  readonly key: string;
  /** Makes o= unique: a number in digits. */
  readonly session: string;
}

const cryptoLine = (tag: number, suite: string, keySalt: string) => ({
  letter: "a",
  value: printCrypto({ tag, suite, keys: [{ keySalt, lifetime: undefined, mki: undefined }], session: [] }),
});

/** G.711 in both laws, secured, with our key for each suite we know. */
export const offerOf = (end: MediaEnd): Sdp => ({
  ...sessionOf(end),
  media: [
    {
      kind: "audio",
      port: end.port,
      ports: undefined,
      protocol: SECURED,
      formats: ["8", "0"],
      lines: OFFERED_SUITES.map((suite, i) => cryptoLine(i + 1, suite, end.key)),
    },
  ],
});

/** The answer to an offer: its first stream that we can take, all others refused by port 0. Undefined: we can take none. */
export const answerTo = (offer: Sdp, end: MediaEnd): Sdp | undefined => {
  const at = offer.media.findIndex((m) => m.kind === "audio" && m.port !== 0 && bestOf(m) !== undefined);
  if (at < 0) return undefined;
  const media = offer.media.map((m, i): SdpMedia => {
    if (i !== at) return { ...m, port: 0, ports: undefined, lines: [] };
    const { tag, suite } = bestOf(m)!;
    const lines = [cryptoLine(tag, suite, end.key)];
    return { kind: m.kind, port: end.port, ports: undefined, protocol: m.protocol, formats: known(m), lines };
  });
  return { ...sessionOf(end), media };
};

/** The answer that takes none of an offer's streams. RFC 3264 §6. */
export const refusalOf = (offer: Sdp): Sdp => ({
  ...sessionOf({ address: "0.0.0.0", session: "0" }),
  media: offer.media.map((media): SdpMedia => ({ ...media, port: 0, ports: undefined, lines: [] })),
});

/** The end's key has the size of these suites only. */
const bestOf = (media: SdpMedia) =>
  !isSecuredProfile(media.protocol) || known(media).length === 0
    ? undefined
    : choosableOf(media).find(({ suite }) => (OFFERED_SUITES as ReadonlyArray<string>).includes(suite));

const known = (media: SdpMedia): ReadonlyArray<string> => media.formats.filter((f) => f === "0" || f === "8");

const sessionOf = ({ address, session }: Pick<MediaEnd, "address" | "session">): Omit<Sdp, "media"> => {
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
