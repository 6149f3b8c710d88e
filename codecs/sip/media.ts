/**
 * Secured media: which keys an offer brings, what answers it, and whether an answer keeps it secured. RFC 4568, RFC 3264.
 *
 *   a=crypto:<tag> <suite> <key parameters> <session parameters>
 *   a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:<key and salt, base64>|2^20|1:4 FEC_ORDER=FEC_SRTP
 *
 * A line whose suite does not encrypt or does not authenticate, or whose session parameters switch either off (§6.3.2,
 * §6.3.3), is no security at all, whatever stands beside it: the other end may choose it.
 */
import type { Sdp, SdpLine, SdpMedia } from "./sdp.ts";

/** One a=crypto attribute that secures a stream. RFC 4568 §9.1. */
export interface Crypto {
  readonly tag: number;
  readonly suite: string;
  /** Base64 of the master key and the master salt: the first key, where there are several. */
  readonly key: string;
  /** Lifetime, MKI, further keys and session parameters, as written. */
  readonly more: string;
}

/** Those that we use, best first. Both take a 16-byte key and a 14-byte salt. RFC 4568 §6.2. */
export const SUITES = ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"] as const;
export const KEY_BYTES = 30;
export const SECURED = "RTP/SAVP";

/**
 * Suites that encrypt and authenticate, with the bytes of key and salt: what two others may agree on through a border
 * element of ours. RFC 4568 §6.2, RFC 5669 §5, RFC 6188 §4, RFC 7714 §14.2.
 */
// biome-ignore format: columns
const SECURE_SUITES: ReadonlyMap<string, number> = new Map([
  ["AES_CM_128_HMAC_SHA1_80", 30], ["AES_CM_128_HMAC_SHA1_32", 30], ["F8_128_HMAC_SHA1_80", 30],
  ["SEED_CTR_128_HMAC_SHA1_80", 30], ["SEED_128_CCM_80", 28], ["SEED_128_GCM_96", 28],
  ["AES_192_CM_HMAC_SHA1_80", 38], ["AES_192_CM_HMAC_SHA1_32", 38],
  ["AES_256_CM_HMAC_SHA1_80", 46], ["AES_256_CM_HMAC_SHA1_32", 46],
  ["AEAD_AES_128_GCM", 28], ["AEAD_AES_256_GCM", 44],
]);

/** Every a=crypto of a stream that secures it in a suite of ours; others are left aside, as RFC 4568 §5.1.2 asks. */
export const cryptosOf = (media: SdpMedia): ReadonlyArray<Crypto> =>
  securingOf(media).filter(({ suite }) => SUITES.includes(suite as never));

/**
 * True when a stream in use is RTP/SAVP with a key in a suite of ours, and no line of any stream in use weakens it. Streams
 * that are not secured may stand beside it: the answer must refuse them (`isSecuredAnswer`).
 */
export const isSecured = (sdp: Sdp): boolean => {
  const used = sdp.media.filter(({ port }) => port !== 0);
  return (
    used.some((media) => media.protocol === SECURED && cryptosOf(media).length > 0) &&
    !sdp.lines.some(weakens) &&
    !used.some(({ lines }) => lines.some(weakens))
  );
};

/**
 * True when the answer takes at least one stream, and each that it takes with exactly one key, whose tag and suite were
 * offered for that stream. RFC 4568 §5.1.3: anything else MUST NOT be taken for a secured session.
 */
export const isSecuredAnswer = (offer: Sdp, answer: Sdp): boolean => {
  if (answer.media.length !== offer.media.length || answer.lines.some(weakens)) return false;
  const taken = answer.media.filter(({ port }) => port !== 0);
  return (
    taken.length > 0 && answer.media.every((media, i) => media.port === 0 || isTakenSecured(offer.media[i]!, media))
  );
};

const isTakenSecured = (offered: SdpMedia, taken: SdpMedia): boolean => {
  if (offered.port === 0 || taken.kind !== offered.kind) return false;
  if (offered.protocol !== SECURED || taken.protocol !== SECURED) return false;
  const [chosen, ...more] = taken.lines.filter(isCrypto);
  const crypto = chosen && securing(chosen);
  if (crypto === undefined || more.length > 0) return false;
  return securingOf(offered).some(({ tag, suite }) => tag === crypto.tag && suite === crypto.suite);
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
      ports: undefined,
      protocol: SECURED,
      formats: ["8", "0"],
      lines: SUITES.map((suite, i) => ({ letter: "a", value: `crypto:${i + 1} ${suite} inline:${end.key}` })),
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
    const lines = [{ letter: "a", value: `crypto:${tag} ${suite} inline:${end.key}` }];
    return { kind: m.kind, port: end.port, ports: undefined, protocol: m.protocol, formats: known(m), lines };
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

const isCrypto = ({ letter, value }: SdpLine): boolean => letter === "a" && CRYPTO.test(value);
/** With the space that some readers forgive: what they might take for a key is looked at. */
const CRYPTO = /^[ \t]*crypto[ \t]*:/i;

/** True for a line that a reader might take for a key and that does not secure: by its suite or its session parameters. */
const weakens = (line: SdpLine): boolean => {
  if (!isCrypto(line)) return false;
  const words = line.value.replace(CRYPTO, "").split(/[ \t]+/);
  return words.some((word) => !word.startsWith("inline:") && WEAKENING.test(word));
};
/** Suites that do nothing, and the session parameters of RFC 4568 §6.3.2 and §6.3.3, wherever they stand. */
const WEAKENING = /NULL|UNENCRYPTED_SRT|UNAUTHENTICATED_SRT/i;
/** Those that change neither; a mandatory one that we do not know is not taken, RFC 4568 §6.3.7. */
const HARMLESS = /^(?:KDR=[0-9]{1,2}|FEC_ORDER=[A-Z_]+|FEC_KEY=\S+|WSH=[0-9]+|-\S+)$/i;

const securingOf = (media: SdpMedia): ReadonlyArray<Crypto> =>
  media.lines.flatMap((line) => {
    const crypto = isCrypto(line) ? securing(line) : undefined;
    return crypto === undefined ? [] : [crypto];
  });

/** The line as a key that secures; undefined when it cannot be read or does not secure. */
const securing = (line: SdpLine): Crypto | undefined => {
  const match = LINE.exec(line.value);
  if (match === null || weakens(line)) return undefined;
  const [, tag, suite = "", keys = "", session = ""] = match;
  const bytes = SECURE_SUITES.get(suite);
  if (bytes === undefined) return undefined;
  if (!session.split(/[ \t]+/).every((word) => word === "" || HARMLESS.test(word))) return undefined;
  const all = keys.split(";").map((key) => KEY.exec(key)?.[1]);
  if (!all.every((key) => key !== undefined && sizeOf(key) === bytes)) return undefined;
  const key = all[0]!;
  return { tag: Number(tag), suite, key, more: keys.slice("inline:".length + key.length) + session };
};
const LINE = /^crypto:([0-9]{1,9})[ \t]+([A-Za-z0-9_]+)[ \t]+(\S+)((?:[ \t]+\S+)*)[ \t]*$/;
const KEY = /^inline:([A-Za-z0-9+/]+={0,2})(?:\|[!-:<-~]*)?$/;

/** Bytes of a base64 text; -1 when it is of no whole number of them. */
const sizeOf = (base64: string): number => {
  const digits = base64.replace(/=+$/, "").length;
  return digits % 4 === 1 || base64.length % 4 !== 0 ? -1 : (digits * 3) >> 2;
};
