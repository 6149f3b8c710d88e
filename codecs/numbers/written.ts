/**
 * What a record, a SIP header or a person writes, as digits. RFC 3966 §3, RFC 3261 §19.1 and §20.10.
 *
 *   "Anna" <sip:+49-30-555%200901;phone-context=x@192.0.2.1;user=phone>;tag=1
 *           -> after the name -> user part -> number and its parameters -> + and digits
 */
import { type NoNumber, none } from "./pattern.ts";

export type Written =
  | {
      readonly type: "digits";
      readonly plus: boolean;
      readonly digits: string;
      /** Index among the digits of the zero in `+49 (0)30`: behind a country code some countries drop it, and some keep it. */
      readonly zeroAt: number | undefined;
      /** The digits of `phone-context=+49`: a country code, with or without an area code. */
      readonly context: string | undefined;
    }
  | NoNumber;

/** Room for a name of 80 characters and a URI with its parameters; a longer text is no number. */
export const TEXT_CHARS_MAX = 512;
/** An access code, an international prefix, a carrier's code and 15 digits. */
const DIGITS_MAX = 32;

const PLAIN = /^\+?[0-9]{1,32}$/;

export const readWritten = (text: string): Written => {
  if (PLAIN.test(text)) return plain(text);
  if (text.length > TEXT_CHARS_MAX) return none("tooLong");
  const trimmed = ascii(text).trim();
  if (trimmed === "") return none("empty");
  const address = insideBrackets(trimmed);
  if (address === undefined) return none("notANumber");
  const [user, params] = userOf(address);
  const number = decoded(user);
  if (number === undefined) return none("notANumber");
  if (WITHHELD.has(number.toLowerCase().replace(/[\s_.-]/g, ""))) return none("withheld");
  return ofNumber(number, contextOf(params));
};

const plain = (text: string): Written => {
  const plus = text.startsWith("+");
  return { type: "digits", plus, digits: plus ? text.slice(1) : text, zeroAt: undefined, context: undefined };
};

/** Words that stand in place of a number that is not shown, without spaces and hyphens. */
const WITHHELD = new Set(
  (
    "anonymous anonym unknown unknownnumber unknowncaller restricted private privatenumber privatecaller unavailable " +
    "notavailable withheld withheldnumber hidden blocked nocallerid noid none null outofarea unbekannt inconnu"
  ).split(" "),
);

/** `Name <what counts>;tag=1`, or the whole text. */
const insideBrackets = (text: string): string | undefined => {
  const open = text.lastIndexOf("<");
  if (open < 0) return text.includes(">") ? undefined : text;
  const close = text.indexOf(">", open);
  return close < 0 ? undefined : text.slice(open + 1, close).trim();
};

/** The user part of a SIP URI, or the whole of a tel URI or of a bare number; and the parameters behind it. */
const userOf = (address: string): readonly [user: string, params: string] => {
  const [prefix = ""] = /^(?:sips?|tel):/i.exec(address) ?? [];
  const isTel = prefix.toLowerCase() === "tel:";
  const rest = address.slice(prefix.length);
  const at = isTel ? -1 : rest.indexOf("@");
  const whole = at < 0 ? rest.replace(/\?.*$/, "") : rest.slice(0, at);
  const semicolon = whole.indexOf(";");
  const user = semicolon < 0 ? whole : whole.slice(0, semicolon);
  // sip:192.0.2.1:5060 is a host without a user.
  if (prefix !== "" && !isTel && at < 0 && /^[^+]*\..*/.test(user)) return ["", ""];
  const colon = prefix === "" ? -1 : user.indexOf(":"); // a password follows it
  return [colon < 0 ? user : user.slice(0, colon), semicolon < 0 ? "" : whole.slice(semicolon)];
};

/** With the escapes of RFC 3261 §19.1.1 (`%20`) read; undefined where one is malformed. */
const decoded = (user: string): string | undefined => {
  if (!user.includes("%")) return user;
  try {
    return ascii(decodeURIComponent(user));
  } catch {
    return undefined;
  }
};

/** RFC 3966 §5.1.5. Undefined where the context is a domain: only its own rules tell what its numbers are. */
const contextOf = (params: string): string | undefined => {
  const [, digits] = /;phone-context=(?:\+|%2B)([0-9().-]+)(?:;|$)/i.exec(params) ?? [];
  return digits?.replace(/[^0-9]/g, "") || undefined;
};

/** A PBX's extension written behind the number. It is cut off: the telephone network routes by the number alone. */
const EXTENSION = /(?:\s*(?:\bext(?:ension|n)?\b\.?|x|durchwahl|,)\s*:?\s*[0-9,#]{1,20})$/i;
const SEPARATORS = /[\s().\-/~]/g;
const ZERO = /^\(?\+[^(]*\(\s*0\s*\)/;

const ofNumber = (text: string, context: string | undefined): Written => {
  const number = text.replace(EXTENSION, "").trim();
  const bare = number.replace(SEPARATORS, "");
  if (bare === "") return none("empty");
  if (/^\+?[0-9]+$/.test(bare)) {
    const plus = bare.startsWith("+");
    const digits = plus ? bare.slice(1) : bare;
    if (digits.length > DIGITS_MAX) return none("tooManyDigits");
    const zero = ZERO.exec(number);
    const zeroAt = zero === null ? undefined : zero[0].replace(/[^0-9]/g, "").length - 1;
    return { type: "digits", plus, digits, zeroAt, context: plus ? undefined : context };
  }
  if (/^[0-9+*#]+$/.test(bare)) return none(/[*#]/.test(bare) ? "featureCode" : "notANumber");
  return none(/\p{L}/u.test(bare) ? "letters" : "notANumber");
};

/** Invisible marks that come with copied text: zero width, direction of writing, byte order. */
const INVISIBLE = /[\u00AD\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/g;
const DASHES = /[\u2010-\u2015\u2212\u30FC\uFF0D]/g;
/** The zero of each kind of digits that trunks and people write beside ASCII's: Arabic, Persian, Devanagari, full width. */
const ZEROS: ReadonlyArray<number> = [0x0660, 0x06f0, 0x0966, 0xff10];

/** Other scripts' digits, and signs of full width, as their ASCII counterparts. */
const ascii = (text: string): string => {
  if (/^[\x20-\x7E]*$/.test(text)) return text;
  const marked = text.replace(INVISIBLE, "").replace(DASHES, "-").replaceAll("\uFF0B", "+");
  return marked.replace(/\p{Nd}|[\uFF08\uFF09\uFF0E\uFF1A]/gu, (sign) => {
    const code = sign.codePointAt(0)!;
    const zero = ZEROS.find((first) => code >= first && code < first + 10);
    if (zero !== undefined) return String(code - zero);
    return code >= 0xff01 && code <= 0xff5e ? String.fromCodePoint(code - 0xfee0) : sign;
  });
};
