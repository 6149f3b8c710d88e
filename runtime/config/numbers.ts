/** `[numbers]`: the dial plan, and the company's own numbers. What each key means to a text is in `codecs/numbers`. */
import { FOLD_NAMES, isPattern } from "../../codecs/numbers/mod.ts";
import { key, like, list, map, readAs, text } from "./key.ts";

const digits = like(/^[0-9]{1,8}$/, 'digits, as "9"');

export const pattern = readAs(
  (value) => (isPattern(value) ? value : undefined),
  'a pattern of digits, as "1900*" or "7XX"',
);

export const numbersKeys = {
  country: key(like(/^[A-Z]{2}$/, `a country's two letters, as "DE" or "US"`), "where the exchange stands"),
  area: key(digits, "area code of local numbers, without the national prefix"),
  outside: key(list(digits, 'a list of access codes, as ["9"]'), "access codes for an outside line", []),
  international: key(
    list(digits, 'a list of prefixes, as ["00"]'),
    "prefixes of international numbers; none: those of the country",
    [],
  ),
  "national-prefix": key(
    list(digits, 'a list of prefixes, as ["0"]'),
    "prefixes of national numbers; none: those of the country",
    [],
  ),
  own: key(
    list(text('a range, as "+14085550200..+14085550499", or one number'), 'a list, as ["+14085550200..+14085550499"]'),
    "the company's own numbers",
    [],
  ),
  extensions: key(
    map(text("a whole number with +"), 'a table, as { "2XX" = "+140855502XX" }'),
    "the number that an extension shows to the telephone network; X is any digit",
    {},
  ),
  dids: key(
    map(text("what the exchange makes of the number"), 'a table, as { "+14085550301" = "201" }'),
    "what the exchange makes of a called number, where records show that instead",
    {},
  ),
  "never-leave": key(
    list(pattern, 'a list of patterns, as ["1976*", "7XX", "+1408555099X"]'),
    "numbers that are never asked for, besides emergency, short and premium-rate ones",
    [],
  ),
  fold: key(
    list(text("a name of a fold"), `a list of ${FOLD_NAMES.map((name) => `"${name}"`).join(", ")}`),
    "old forms of numbers that are read as today's",
    FOLD_NAMES as ReadonlyArray<string>,
  ),
} as const;
