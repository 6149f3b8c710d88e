/**
 * What secures a stream and what does not: suites, keys, session parameters; which lines of an offer may be chosen, and
 * which line an answer has chosen. RFC 4568 §5.1, §6.3, §7.1.
 *
 * A line whose suite does not encrypt or does not authenticate, or whose session parameters switch either off, is no
 * security at all, whatever stands beside it: the other end may choose it.
 */
import { type CryptoAttribute, keySizeOf, parseCrypto } from "./crypto.ts";
import type { Sdp, SdpLine, SdpMedia } from "./sdp.ts";

/** The sizes of a suite's master key, salt and tag. */
export interface Suite {
  readonly keyBytes: number;
  readonly saltBytes: number;
  /** Bytes of the tag of an RTP packet; of an RTCP packet it is 10 always. RFC 4568 §6.2. */
  readonly tagBytes: number;
}

const aesCm = (keyBytes: number, tagBytes: number): Suite => ({ keyBytes, saltBytes: 14, tagBytes });
/** Those that we speak, as we offer them. RFC 4568 §6.2; RFC 6188 §4. */
export const SUITES = {
  AES_CM_128_HMAC_SHA1_80: aesCm(16, 10),
  AES_CM_128_HMAC_SHA1_32: aesCm(16, 4),
  AES_256_CM_HMAC_SHA1_80: aesCm(32, 10),
  AES_256_CM_HMAC_SHA1_32: aesCm(32, 4),
} as const satisfies Record<string, Suite>;
/** The name of a suite that we speak. */
export type SuiteName = keyof typeof SUITES;
/** Whether we speak the suite of that name, case included. */
export const isOurSuite = (suite: string): suite is SuiteName => Object.hasOwn(SUITES, suite);

/**
 * Suites that encrypt and authenticate, with the bytes of key and salt: what two others may agree on through us. RFC 4568
 * §6.2, RFC 5669 §5, RFC 6188 §4 (and the spelling of its §4.4 beside that of the registry), RFC 7714 §14.2.
 */
// biome-ignore format: columns
const SECURE_SUITES: ReadonlyMap<string, number> = new Map([
  ["AES_CM_128_HMAC_SHA1_80", 30], ["AES_CM_128_HMAC_SHA1_32", 30], ["F8_128_HMAC_SHA1_80", 30],
  ["SEED_CTR_128_HMAC_SHA1_80", 30], ["SEED_128_CCM_80", 28], ["SEED_128_GCM_96", 28],
  ["AES_192_CM_HMAC_SHA1_80", 38], ["AES_192_CM_HMAC_SHA1_32", 38],
  ["AES_256_CM_HMAC_SHA1_80", 46], ["AES_256_CM_HMAC_SHA1_32", 46],
  ["AEAD_AES_128_GCM", 28], ["AEAD_AES_256_GCM", 44],
]);

/** RTP/SAVP, and with RTCP feedback RTP/SAVPF (RFC 5124), each with the profile of the same stream in the clear. */
const PROFILES: ReadonlyMap<string, string> = new Map([
  ["RTP/AVP", "RTP/SAVP"],
  ["RTP/AVPF", "RTP/SAVPF"],
]);
export const SECURED = "RTP/SAVP";
/** RTP/SAVP or RTP/SAVPF. */
export const isSecuredProfile = (protocol: string): boolean => protocol === SECURED || protocol === "RTP/SAVPF";
/** RTP/AVP or RTP/AVPF, of which `securedProfile` makes a secured one. */
export const isClearProfile = (protocol: string): boolean => PROFILES.has(protocol);
/** The same stream, secured; itself, where it is or cannot be. */
export const securedProfile = (protocol: string): string => PROFILES.get(protocol) ?? protocol;
/** The inverse of `securedProfile`: the same stream in the clear; itself, where it is no secured one. */
export const clearProfile = (protocol: string): string =>
  [...PROFILES].find(([, secured]) => secured === protocol)?.[0] ?? protocol;

/** Whether the line is an a=crypto, or one that a lenient reader takes for it. */
export const isCrypto = ({ letter, value }: SdpLine): boolean => letter === "a" && CRYPTO.test(value);
/** With the space that some readers forgive: what they might take for a key is looked at. */
const CRYPTO = /^[ \t]*crypto[ \t]*:/i;

/** True for a line that a reader might take for a key and that does not secure: by its suite or its session parameters. */
export const weakens = (line: SdpLine): boolean => {
  if (!WEAKENING.test(line.value) || !isCrypto(line)) return false;
  const words = line.value.replace(CRYPTO, "").split(/[ \t]+/);
  return words.some((word) => !word.startsWith("inline:") && WEAKENING.test(word));
};
/** Suites that do nothing, and the session parameters of RFC 4568 §6.3.2 and §6.3.3, wherever they stand. */
const WEAKENING = /NULL|UNENCRYPTED_SRT|UNAUTHENTICATED_SRT/i;

/** Every a=crypto of a stream that secures it in any suite, in the order of the offer. An offer is asked again for its answer. */
export const securingOf = (media: SdpMedia): ReadonlyArray<CryptoAttribute> => {
  const known = securings.get(media);
  if (known !== undefined) return known;
  const found: Array<CryptoAttribute> = [];
  for (const line of media.lines) {
    const crypto = isCrypto(line) ? securing(line) : undefined;
    if (crypto !== undefined) found.push(crypto);
  }
  // RFC 4568 §4.1: a tag names one line. Of two with one tag nobody could say which the answer means.
  const isOnce = (tag: number) => found.filter((other) => other.tag === tag).length === 1;
  const told = found.length < 2 ? found : found.filter(({ tag }) => isOnce(tag));
  securings.set(media, told);
  return told;
};
const securings = new WeakMap<SdpMedia, ReadonlyArray<CryptoAttribute>>();

/**
 * ... and of these, those in a suite of ours that we can do as they ask. The first is to be chosen: RFC 4568 §5.1.2 takes the
 * offer's order, and our policy the tags of 80 bits before those of 32.
 */
export const choosableOf = (media: SdpMedia): ReadonlyArray<CryptoAttribute> => {
  const able = securingOf(media).filter(isAble);
  if (able.length < 2) return able;
  const isLong = ({ suite }: CryptoAttribute) => isOurSuite(suite) && SUITES[suite].tagBytes === 10;
  return [...able.filter(isLong), ...able.filter((line) => !isLong(line))];
};
/** Keys derived anew every 2^n packets (RFC 3711 §4.3.1) are not ours to do; 2^0 is not at all. */
export const isAble = ({ suite, session }: CryptoAttribute): boolean =>
  isOurSuite(suite) && !session.some((param) => param.type === "kdr" && param.power > 0);

/** The line as a key that secures; undefined when it cannot be read or does not secure. */
const securing = (line: SdpLine): CryptoAttribute | undefined => {
  if (weakens(line)) return undefined;
  const read = parseCrypto(line.value);
  if (!read.ok) return undefined;
  const { suite, keys, session } = read.value;
  const bytes = SECURE_SUITES.get(suite);
  if (!keys.every(({ keySalt }) => keySizeOf(keySalt) === bytes)) return undefined;
  if (keys.length > 1 && !areToldApart(keys)) return undefined;
  // A mandatory parameter that we do not know is not taken, RFC 4568 §6.3.7.
  return session.some((param) => param.type === "other" && param.isMandatory) ? undefined : read.value;
};

/** Several keys, by MKIs of one length. RFC 4568 §6.1. */
const areToldApart = (keys: CryptoAttribute["keys"]): boolean => {
  const sizes = new Set(keys.map(({ mki }) => mki?.bytes));
  const names = new Set(keys.map(({ mki }) => mki?.value));
  return sizes.size === 1 && !sizes.has(undefined) && names.size === keys.length;
};

/**
 * The key that an answer brings for a stream, where it takes one line of the offer and nothing else. RFC 4568 §5.1.3:
 * anything else MUST NOT be taken for a secured session.
 */
export const chosenOf = (offered: SdpMedia, taken: SdpMedia): CryptoAttribute | undefined => {
  if (offered.port === 0 || taken.port === 0 || taken.kind !== offered.kind) return undefined;
  if (!isSecuredProfile(offered.protocol) || taken.protocol !== offered.protocol) return undefined;
  const [line, ...more] = taken.lines.filter(isCrypto);
  const chosen = line && securing(line);
  if (chosen === undefined || more.length > 0) return undefined;
  return securingOf(offered).some(({ tag, suite }) => tag === chosen.tag && suite === chosen.suite)
    ? chosen
    : undefined;
};

/** RFC 4568 §7.1.2: one key for both directions would be one keystream for two plaintexts. */
export const sharesKey = (one: CryptoAttribute, other: CryptoAttribute): boolean => {
  const texts = ({ keys }: CryptoAttribute) => keys.map(({ keySalt }) => keySalt.replace(/=+$/, ""));
  return texts(one).some((text) => texts(other).includes(text));
};

/**
 * True when a stream in use is secured in a suite of ours, and no line of any stream in use weakens it. Streams that are
 * not secured may stand beside it: the answer must refuse them (`isSecuredAnswer`).
 */
export const isSecured = (sdp: Sdp): boolean => {
  const used = sdp.media.filter(({ port }) => port !== 0);
  return (
    used.some((media) => isSecuredProfile(media.protocol) && choosableOf(media).length > 0) &&
    !sdp.lines.some(weakens) &&
    !used.some(({ lines }) => lines.some(weakens))
  );
};

/**
 * True when the answer takes at least one stream, and each that it takes with exactly one key, whose tag and suite were
 * offered for that stream.
 */
export const isSecuredAnswer = (offer: Sdp, answer: Sdp): boolean => {
  if (answer.media.length !== offer.media.length || answer.lines.some(weakens)) return false;
  const taken = answer.media.filter(({ port }) => port !== 0);
  const isFit = (media: SdpMedia, i: number) => media.port === 0 || chosenOf(offer.media[i]!, media) !== undefined;
  return taken.length > 0 && answer.media.every(isFit);
};
