/** `[lists]`: with whom calls go over the Internet, and with whom not. Black wins; an empty white list is no list. */
import { isPattern, matchesPattern } from "../../codecs/numbers/mod.ts";
import type { E164 } from "../../codecs/shared/mod.ts";
import { key, like, list, readAs, type TableOf } from "./key.ts";

const numberPattern = readAs(
  (value) => (value.startsWith("+") && isPattern(value) ? value : undefined),
  'a whole number with +, X for any digit, * at the end: "+4930555*"',
);
const domainPattern = like(
  /^(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i,
  'a domain, or all beneath one: "acme.example", "*.acme.example"',
);

export const listsKeys = {
  "black-numbers": key(
    list(numberPattern, 'a list, as ["+4930555*"]'),
    "numbers that are called over the telephone network only",
    [],
  ),
  "white-numbers": key(
    list(numberPattern, 'a list, as ["+4930555*"]'),
    "the only numbers that are called over the Internet",
    [],
  ),
  "black-domains": key(list(domainPattern, 'a list, as ["*.acme.example"]'), "domains whose routes are not taken", []),
  "white-domains": key(
    list(domainPattern, 'a list, as ["*.acme.example"]'),
    "the only domains whose routes are taken",
    [],
  ),
} as const;

export type Lists = TableOf<typeof listsKeys>;

export const allowsNumber = (lists: Lists, number: E164): boolean => {
  const isOn = (patterns: ReadonlyArray<string>) => patterns.some((one) => matchesPattern(one, number));
  return !isOn(lists.blackNumbers) && (lists.whiteNumbers.length === 0 || isOn(lists.whiteNumbers));
};

export const allowsDomain = (lists: Lists, domain: string): boolean => {
  const name = domain.toLowerCase().replace(/\.$/, "");
  const isOn = (patterns: ReadonlyArray<string>) => patterns.some((one) => isOf(one.toLowerCase(), name));
  return !isOn(lists.blackDomains) && (lists.whiteDomains.length === 0 || isOn(lists.whiteDomains));
};

const isOf = (pattern: string, name: string): boolean =>
  pattern.startsWith("*.") ? name.endsWith(pattern.slice(1)) : name === pattern;
