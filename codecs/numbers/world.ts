/**
 * The numbering plans of the world, from libphonenumber's metadata `/max`. The only file that knows its layout.
 *
 * Its data and not its parser: the data loads in 5 ms instead of 50, and the parser reads a `phone-context` on every second
 * call only, drops a full-width plus and takes letters for digits. DECISIONS.md D-087. `properties/numbers/world.test.ts`
 * holds this file against the parser.
 */
import metadata from "libphonenumber-js/max/metadata";

/** A pattern and, where it differs from the country's, the lengths that it has. */
type Kind = readonly [pattern: string, lengths?: ReadonlyArray<number>] | 0 | undefined;
type Format = readonly [
  pattern: string,
  format: string,
  leading?: ReadonlyArray<string> | 0,
  rule?: string | 0,
  optional?: 1 | 0,
];
/** One country, as version 4 of the metadata has it; what is missing in the middle is 0. */
type Country = readonly [
  callingCode: string,
  internationalPrefix: string,
  pattern: string,
  lengths: ReadonlyArray<number>,
  formats: ReadonlyArray<Format> | 0,
  nationalPrefix: string | 0,
  nationalPrefixRule: string | 0,
  nationalPrefixForParsing: string | 0,
  nationalPrefixTransform: string | 0,
  nationalPrefixIsOptional: 1 | 0,
  leadingDigits: string | 0,
  kinds: ReadonlyArray<Kind>,
];

const { countries, country_calling_codes, nonGeographic } = metadata as unknown as {
  readonly countries: Readonly<Record<string, Country>>;
  readonly country_calling_codes: Readonly<Record<string, ReadonlyArray<string>>>;
  readonly nonGeographic: Readonly<Record<string, Country>>;
};

const FIXED = 0;
const MOBILE = 1;
const PREMIUM = 3;
const CALLING_CODE_DIGITS_MAX = 3;
const CODES = new Set([...Object.keys(country_calling_codes), ...Object.keys(nonGeographic)]);

/** Where the metadata take in what was given out long ago: a number of Germany has at most 11 digits since 2010. */
const DIGITS_MAX: Readonly<Record<string, number>> = { DE: 11 };
/** Prefixes that are dialled or shown and that the metadata no longer have. */
const MORE_PREFIXES: Readonly<Record<string, string>> = { MX: "01|04[45]|1" };

/** Whether numbers of that country are known: its two capitals of ISO 3166. */
export const isCountry = (country: string): boolean => Object.hasOwn(countries, country);

export const callingCodeOf = (country: string): string => countries[country]![0];

/** The first country of a country code. */
export const regionOf = (code: string): string | undefined => country_calling_codes[code]?.[0];

/** Of international digits: country code and national number. Undefined when nobody has that country code. */
export const splitNumber = (digits: string): readonly [callingCode: string, national: string] | undefined => {
  for (let length = 1; length <= CALLING_CODE_DIGITS_MAX; length++) {
    const code = digits.slice(0, length);
    if (CODES.has(code)) return [code, digits.slice(length)];
  }
  return undefined;
};

/** What the countries of one country code have in common for our questions. */
interface Zone {
  readonly valid: RegExp;
  readonly premium: RegExp | undefined;
  readonly lengths: ReadonlySet<number>;
}

const zones = new Map<string, Zone>(); // at most as many as there are country codes

const zoneOf = (code: string): Zone => {
  const known = zones.get(code);
  if (known !== undefined) return known;
  const members = country_calling_codes[code]?.map((name) => countries[name]!) ?? [nonGeographic[code]!];
  const premiums = members.flatMap((country) => patternsOf(country, [country[11][PREMIUM]]));
  const zone: Zone = {
    valid: anyOf(members.flatMap((country) => patternsOf(country, country[11]))),
    premium: premiums.length === 0 ? undefined : anyOf(premiums),
    lengths: new Set(members.flatMap((country) => country[3])),
  };
  zones.set(code, zone);
  return zone;
};

/** A number is of a kind by the country's pattern, the kind's own, and the lengths that the kind's pattern alone does not hold to. */
const patternsOf = (country: Country, kinds: ReadonlyArray<Kind>): ReadonlyArray<string> =>
  kinds.flatMap((kind) =>
    kind ? [`(?=(?:${country[2]})$)(?=${anyLength(kind[1] ?? country[3])}$)(?:${kind[0]})`] : [],
  );

const anyLength = (lengths: ReadonlyArray<number>): string =>
  `(?:${lengths.map((length) => `[0-9]{${length}}`).join("|")})`;

const anyOf = (patterns: ReadonlyArray<string>): RegExp => new RegExp(`^(?:${[...new Set(patterns)].join("|")})$`);

/** Given out to somebody, as far as the metadata know. */
export const isValid = (code: string, national: string): boolean => zoneOf(code).valid.test(national);

/** As long as numbers there are. */
export const isPossible = (code: string, national: string): boolean => zoneOf(code).lengths.has(national.length);

export const isPremium = (code: string, national: string): boolean => zoneOf(code).premium?.test(national) ?? false;

/** What is needed to read numbers as one country writes them. */
export interface NationalForms {
  readonly callingCode: string;
  /** The digits of its longest number in use, without a prefix. */
  readonly digitsMax: number;
  /** Each international prefix, and whether it is one text without variants. */
  readonly international: RegExp;
  readonly hasOneInternational: boolean;
  /** The national numbers that remain when a prefix, and a carrier's code behind it, is taken off. */
  readonly withoutPrefix: (digits: string) => ReadonlyArray<string>;
  /** Whether people there write this national number without a prefix. */
  readonly isWrittenBare: (national: string) => boolean;
}

export const nationalForms = (country: string, prefixes: ReadonlyArray<string> = []): NationalForms => {
  const own = countries[country]!;
  const main = countries[country_calling_codes[own[0]]![0]!]!;
  const bare = bareRule(own[4] ? own : main);
  return {
    callingCode: own[0],
    digitsMax: DIGITS_MAX[country] ?? longest(own),
    international: new RegExp(`^(?:${own[1]})$`),
    hasOneInternational: /^[0-9]+$/.test(own[1]),
    withoutPrefix: prefixes.length > 0 ? literal(prefixes) : parsed(country, own),
    isWrittenBare: bare,
  };
};

const longest = (country: Country): number =>
  Math.max(...[FIXED, MOBILE].flatMap((kind) => lengthsOf(country, country[11][kind])));

const lengthsOf = (country: Country, kind: Kind): ReadonlyArray<number> => (kind ? (kind[1] ?? country[3]) : [0]);

const literal =
  (prefixes: ReadonlyArray<string>) =>
  (digits: string): ReadonlyArray<string> =>
    prefixes.filter((prefix) => digits.startsWith(prefix)).map((prefix) => digits.slice(prefix.length));

/** As libphonenumber does it: the rule for parsing, and its transformation where its last group took part. */
const parsed = (country: string, own: Country): ((digits: string) => ReadonlyArray<string>) => {
  const source = own[7] || own[5];
  const rule = source ? new RegExp(`^(?:${source})`) : undefined;
  const more = MORE_PREFIXES[country];
  const others = more === undefined ? undefined : new RegExp(`^(?:${more})`);
  const transform = own[8];
  return (digits) => {
    const found: Array<string> = [];
    const match = rule?.exec(digits);
    if (match && match[0] !== "" && transform && match.length > 1 && match.at(-1) !== undefined)
      found.push(digits.replace(rule!, transform));
    else if (match && match[0] !== "" && match[0].length < digits.length) found.push(digits.slice(match[0].length));
    const other = others?.exec(digits);
    if (other) found.push(digits.slice(other[0].length));
    return found;
  };
};

const bareRule = (country: Country): ((national: string) => boolean) => {
  const prefix = country[5];
  if (!prefix || !country[4]) return () => true;
  const formats = (country[4] || []).map(([pattern, , leading, rule, optional]) => ({
    whole: new RegExp(`^(?:${pattern})$`),
    leading: leading && leading.length > 0 ? new RegExp(`^(?:${leading.at(-1)})`) : undefined,
    needsPrefix: needsPrefix(rule || country[6], optional || country[9]),
  }));
  return (national) => {
    const format = formats.find(
      ({ whole, leading }) => (leading === undefined || leading.test(national)) && whole.test(national),
    );
    return format === undefined ? false : !format.needsPrefix;
  };
};

/** A rule that has digits beside its group, and is not optional. */
const needsPrefix = (rule: string | 0, optional: 1 | 0): boolean =>
  rule !== 0 && /[0-9]/.test(rule.replace("$1", "")) && optional !== 1;
