/**
 * The a=crypto attribute, by its grammar: which keys of which suite secure a stream, and how. RFC 4568 §4, §6, §9.
 *
 *   crypto:<tag> <suite> <key>[;<key>]* [<session parameter>]*
 *
 *   key                inline:<master key and salt, base64>[|<lifetime>][|<MKI>:<bytes of the MKI>]
 *   lifetime           <packets> or 2^<n>
 *   session parameter  KDR=, FEC_ORDER=, FEC_KEY=, WSH=, UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP, UNAUTHENTICATED_SRTP, others
 *
 * Nothing here judges: what secures is said in `secured.ts`.
 */
import { bytesOfBase64 } from "../shared/mod.ts";
import { malformed, type Parsed, parsed } from "./error.ts";

/** One master key with its salt. RFC 4568 §6.1. */
export interface CryptoKey {
  /** Base64 as it was written: some leave the padding away. */
  readonly keySalt: string;
  /** Packets, of SRTP and SRTCP alike, that the key may protect; undefined: as many as RFC 3711 §9.2 allows. */
  readonly lifetime: number | undefined;
  /** What names the key in packets, in so many bytes. RFC 3711 §3.1. */
  readonly mki: { readonly value: bigint; readonly bytes: number } | undefined;
}

/** RFC 4568 §6.3. Those that stand for a fault of ours or of a later RFC are `other`. */
export type SessionParam =
  | { readonly type: "kdr"; readonly power: number }
  | { readonly type: "unencryptedSrtp" | "unencryptedSrtcp" | "unauthenticatedSrtp" }
  | { readonly type: "fecOrder"; readonly order: "FEC_SRTP" | "SRTP_FEC" }
  | { readonly type: "fecKey"; readonly keys: ReadonlyArray<CryptoKey> }
  | { readonly type: "wsh"; readonly packets: number }
  | { readonly type: "other"; readonly text: string; readonly isMandatory: boolean };

/** What one a=crypto line says: its tag, its suite, 1 to 16 keys and at most 16 session parameters. RFC 4568 §4. */
export interface CryptoAttribute {
  readonly tag: number;
  readonly suite: string;
  readonly keys: ReadonlyArray<CryptoKey>;
  readonly session: ReadonlyArray<SessionParam>;
}

export const KEYS_MAX = 16;
export const SESSION_PARAMS_MAX = 16;
/** RFC 4568 §6.1: of an MKI. */
export const MKI_BYTES_MAX = 128;
/** RFC 3711 §9.2: packets of one stream under one key. */
export const LIFETIME_MAX: number = 2 ** 48;
/** RFC 4568 §6.3.1: a power of two; §6.3.6: the least window. */
const KDR_MAX = 24;
const WSH_MIN = 64;

/** The value of an a= line. `at` of an error names the part. */
export const parseCrypto = (value: string): Parsed<CryptoAttribute> => {
  const match = ATTRIBUTE.exec(value);
  if (match === null) return malformed("crypto", "not a tag, a suite and a key");
  const [, tag = "", suite = "", keyTexts = "", more = ""] = match;
  const keys = parseKeys(keyTexts);
  if (!keys.ok) return keys;
  const words = more === "" ? [] : more.split(/[ \t]+/).filter((word) => word !== "");
  if (words.length > SESSION_PARAMS_MAX) return malformed("crypto.session", "too many parameters");
  const session: Array<SessionParam> = [];
  for (const word of words) {
    const param = parseParam(word);
    if (!param.ok) return param;
    session.push(param.value);
  }
  return parsed({ tag: Number(tag), suite, keys: keys.value, session });
};
const ATTRIBUTE = /^crypto:([0-9]{1,9})[ \t]+([A-Za-z0-9_]+)[ \t]+(\S+)((?:[ \t]+[!-~]+)*)[ \t]*$/;

/** The value of an a= line, which `parseCrypto` reads back. It holds the keys: for no log. */
export const printCrypto = ({ tag, suite, keys, session }: CryptoAttribute): string =>
  [`crypto:${tag}`, suite, printKeys(keys), ...session.map(printParam)].join(" ");

const parseKeys = (text: string): Parsed<ReadonlyArray<CryptoKey>> => {
  const texts = text.split(";");
  if (texts.length > KEYS_MAX) return malformed("crypto.key", "too many keys");
  const keys: Array<CryptoKey> = [];
  for (const one of texts) {
    const key = parseKey(one);
    if (!key.ok) return key;
    keys.push(key.value);
  }
  return parsed(keys);
};

const parseKey = (text: string): Parsed<CryptoKey> => {
  const match = KEY.exec(text);
  if (match === null) return malformed("crypto.key", "not inline: with base64, a lifetime and an MKI");
  const [, keySalt = "", power, packets, mkiValue, mkiBytes] = match;
  if (keySizeOf(keySalt) === undefined) return malformed("crypto.key", "not base64");
  const lifetime = power !== undefined ? 2 ** Number(power) : packets !== undefined ? Number(packets) : undefined;
  if (lifetime !== undefined && lifetime > LIFETIME_MAX) return malformed("crypto.lifetime", "more than 2^48 packets");
  if (mkiValue === undefined) return parsed({ keySalt, lifetime, mki: undefined });
  const mki = { value: BigInt(mkiValue), bytes: Number(mkiBytes) };
  if (mki.bytes > MKI_BYTES_MAX) return malformed("crypto.mki", "more than 128 bytes");
  if (mki.value >> BigInt(8 * mki.bytes) !== 0n) return malformed("crypto.mki", "does not fit its bytes");
  return parsed({ keySalt, lifetime, mki });
};
/** No number begins with 0, RFC 4568 §6.1. 309 digits hold 128 bytes. */
const KEY =
  /^inline:([A-Za-z0-9+/]+={0,2})(?:\|(?:2\^([0-9]|[1-9][0-9])|([1-9][0-9]{0,14})))?(?:\|([1-9][0-9]{0,308}):([1-9][0-9]{0,2}))?$/i;

const printKeys = (keys: ReadonlyArray<CryptoKey>): string => keys.map(printKey).join(";");
const printKey = ({ keySalt, lifetime, mki }: CryptoKey): string =>
  `inline:${keySalt}${lifetime === undefined ? "" : `|${printLifetime(lifetime)}`}${mki === undefined ? "" : `|${mki.value}:${mki.bytes}`}`;
const printLifetime = (packets: number): string => {
  const power = Math.log2(packets);
  return Number.isInteger(power) && power > 0 ? `2^${power}` : String(packets);
};

/** The bytes of key and salt, with padding or without; undefined for what is no base64. RFC 4648 §3.2. */
export const keyBytesOf = (keySalt: string): Uint8Array | undefined => {
  const digits = keySalt.replace(/=+$/, "");
  const whole = digits.padEnd(Math.ceil(digits.length / 4) * 4, "=");
  return keySalt.length !== digits.length && keySalt !== whole ? undefined : bytesOfBase64(whole);
};

/** How many they are, without reading them: of a text of the alphabet alone, with or without padding. */
export const keySizeOf = (keySalt: string): number | undefined => {
  const { length } = keySalt;
  const padding = keySalt.charCodeAt(length - 1) !== PAD ? 0 : keySalt.charCodeAt(length - 2) !== PAD ? 1 : 2;
  const digits = length - padding;
  const rest = digits % 4;
  if (rest === 1 || (padding > 0 && rest + padding !== 4)) return undefined;
  // Canonical: the bits that belong to no byte are zero. RFC 4648 §3.5.
  if (rest > 0 && !(rest === 2 ? "AQgw" : "AEIMQUYcgkosw048").includes(keySalt[digits - 1]!)) return undefined;
  return (digits >> 2) * 3 + (rest === 0 ? 0 : rest - 1);
};
const PAD = 61;

const FLAGS = {
  UNENCRYPTED_SRTP: "unencryptedSrtp",
  UNENCRYPTED_SRTCP: "unencryptedSrtcp",
  UNAUTHENTICATED_SRTP: "unauthenticatedSrtp",
} as const;
const flagOf = (word: string) => (Object.hasOwn(FLAGS, word) ? FLAGS[word as keyof typeof FLAGS] : undefined);

const parseParam = (word: string): Parsed<SessionParam> => {
  // RFC 5234 §2.3: quoted words of a grammar are read in either case.
  const upper = word.toUpperCase();
  const flag = flagOf(upper);
  if (flag !== undefined) return parsed({ type: flag });
  const at = word.indexOf("=");
  const value = word.slice(at + 1);
  switch (at < 0 ? "" : upper.slice(0, at)) {
    case "KDR":
      return /^[0-9]{1,2}$/.test(value) && Number(value) <= KDR_MAX
        ? parsed({ type: "kdr", power: Number(value) })
        : malformed("crypto.session", "KDR is not 0 to 24");
    case "WSH":
      return /^[0-9]{2,6}$/.test(value) && Number(value) >= WSH_MIN
        ? parsed({ type: "wsh", packets: Number(value) })
        : malformed("crypto.session", "WSH is not 64 or more");
    case "FEC_ORDER":
      return value === "FEC_SRTP" || value === "SRTP_FEC"
        ? parsed({ type: "fecOrder", order: value })
        : malformed("crypto.session", "FEC_ORDER is not FEC_SRTP or SRTP_FEC");
    case "FEC_KEY": {
      const keys = parseKeys(value);
      return keys.ok ? parsed({ type: "fecKey", keys: keys.value }) : keys;
    }
    default: {
      const isMandatory = !word.startsWith("-");
      return parsed({ type: "other", text: isMandatory ? word : word.slice(1), isMandatory });
    }
  }
};

const printParam = (param: SessionParam): string => {
  switch (param.type) {
    case "kdr":
      return `KDR=${param.power}`;
    case "wsh":
      return `WSH=${param.packets}`;
    case "fecOrder":
      return `FEC_ORDER=${param.order}`;
    case "fecKey":
      return `FEC_KEY=${printKeys(param.keys)}`;
    case "other":
      return `${param.isMandatory ? "" : "-"}${param.text}`;
    default:
      return Object.entries(FLAGS).find(([, type]) => type === param.type)![0];
  }
};
