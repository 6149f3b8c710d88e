/**
 * Characters of SIP by kind, and how far a run of one kind goes. RFC 3261 §25.1.
 *
 * Nearly all values are written plainly, without quotes, escapes or folds. What is plain is read here in one pass over the
 * text that it stands in; whoever finds that it is not takes the long way, by expressions.
 */

/** The kinds, as bits: `spanEnd(text, at, to, TOKENS | SPACES)` takes both. */
export const TOKENS = 1;
/** Of a header parameter: a token, a host, a port. */
export const VALUES = 2;
export const HOSTS = 4;
/** Of a URI's user part, nothing escaped. */
export const USERS = 8;
/** Of a URI's parameters, nothing escaped. */
export const URI_PARAMS = 16;
/** Between angle brackets. */
export const BRACKETED = 32;
export const VISIBLE = 64;
export const SPACES = 128;

const DIGITS = "0123456789";
const ALPHANUMERICS = `${DIGITS}ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz`;
const KINDS = new Uint8Array(128);
const mark = (kind: number, characters: string): void => {
  for (let i = 0; i < characters.length; i++) {
    const code = characters.charCodeAt(i);
    KINDS[code] = KINDS[code]! | kind;
  }
};
mark(TOKENS | VALUES | HOSTS | USERS | URI_PARAMS, ALPHANUMERICS);
mark(TOKENS | VALUES, ".!%*_+`'~-");
mark(VALUES, "[]:");
mark(HOSTS, ".-");
mark(USERS, "_.!~*'()&=+$,;?/-");
mark(URI_PARAMS, "_.!~*'()[]/:&+$-");
mark(SPACES, " \t");
for (let code = 33; code < 127; code++) {
  const character = String.fromCharCode(code);
  mark(character === "<" || character === ">" ? VISIBLE : VISIBLE | BRACKETED, character);
}

export const isOfKind = (code: number, kinds: number): boolean => code < 128 && (KINDS[code]! & kinds) !== 0;

/** The first place from `at` on, before `to`, whose character is of none of these kinds; `to` if there is none. */
export const spanEnd = (text: string, at: number, to: number, kinds: number): number => {
  let i = at;
  for (; i < to; i++) {
    const code = text.charCodeAt(i);
    if (code > 127 || (KINDS[code]! & kinds) === 0) break;
  }
  return i;
};

/** The text from `at` to `to` in lower case. Nearly all is in lower case already, and then only cut out. */
export const lowered = (text: string, at: number, to: number): string => {
  for (let i = at; i < to; i++) {
    const code = text.charCodeAt(i);
    if ((code >= 65 && code <= 90) || code > 127) return text.slice(at, to).toLowerCase();
  }
  return text.slice(at, to);
};

/** Without the spaces and tabs around it: other white space is none in SIP, RFC 3261 §25.1. */
export const trimmed = (text: string): string => {
  let at = 0;
  let to = text.length;
  while (at < to && isBlank(text.charCodeAt(at))) at++;
  while (to > at && isBlank(text.charCodeAt(to - 1))) to--;
  return to - at === text.length ? text : text.slice(at, to);
};
const isBlank = (code: number): boolean => code === 32 || code === 9;

/** A number in plain digits from `at` to `to`, at most nine of them; -1 for anything else. */
export const digitsIn = (text: string, at: number, to: number): number => {
  if (at >= to || to - at > DIGITS_MAX) return -1;
  let number = 0;
  for (let i = at; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
};
const DIGITS_MAX = 9;
