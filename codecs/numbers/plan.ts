/**
 * A dial plan as plain data: what digits without a `+` mean to one company, its exchange and its trunks.
 *
 *   country, area, prefixes ----> what a national number is
 *   outside, extensions, dids --> what the exchange adds and makes of it
 *   trunks ---------------------> whether digits without + may be international
 */
import { type E164, isE164 } from "../shared/mod.ts";
import { FOLD_NAMES, type FoldName } from "./fold.ts";
import { countX, filled, isPattern } from "./pattern.ts";
import { isCountry } from "./world.ts";

/** Whether a trunk writes the + of an international number: always; never, all its digits are international; or now and then. */
export type PlusRule = "always" | "never" | "omitted-by-some";
/** Whether a trunk writes national numbers with the country's prefix (0, 1, 8, 06), as people do, or without it. */
export type NationalRule = "prefixed" | "bare";

/** How one trunk writes numbers. */
export interface TrunkPlan {
  readonly plus: PlusRule;
  readonly national: NationalRule;
  /** By the number of digits that the trunk delivers: what stands before them. `{ "4": "+1408555" }` */
  readonly digitsToNumber: Readonly<Record<string, string>>;
}

/** Both ends belong to it. */
export interface NumberRange {
  readonly from: E164;
  readonly to: E164;
}

/** A plan whose every entry was checked. `dialPlan` makes one. */
export interface DialPlan {
  /** ISO 3166, two capitals. */
  readonly country: string | undefined;
  /** Of local numbers: the area code without the national prefix. */
  readonly area: string | undefined;
  /** Access codes for an outside line. */
  readonly outside: ReadonlyArray<string>;
  /** Before an international number. Empty: the country's own. */
  readonly international: ReadonlyArray<string>;
  /** Before a national number. Empty: the country's own. */
  readonly nationalPrefix: ReadonlyArray<string>;
  readonly own: ReadonlyArray<NumberRange>;
  /** What an extension shows to the telephone network: `{ "2XX": "+140855502XX" }`. */
  readonly extensions: Readonly<Record<string, string>>;
  /** What the exchange makes of a number that is called from outside: `{ "+14085550301": "201" }`. */
  readonly dids: Readonly<Record<string, string>>;
  readonly trunks: Readonly<Record<string, TrunkPlan>>;
  /** Patterns of digits as dialled or, with +, of whole numbers. */
  readonly neverLeaves: ReadonlyArray<string>;
  readonly folds: ReadonlyArray<FoldName>;
}

/** As an operator gives it: everything may be left out, ranges are texts. */
export interface DialPlanInput {
  readonly country?: string | undefined;
  readonly area?: string | undefined;
  readonly outside?: ReadonlyArray<string> | undefined;
  readonly international?: ReadonlyArray<string> | undefined;
  readonly nationalPrefix?: ReadonlyArray<string> | undefined;
  /** `+14085550200..+14085550499`, or one number. */
  readonly own?: ReadonlyArray<string> | undefined;
  readonly extensions?: Readonly<Record<string, string>> | undefined;
  readonly dids?: Readonly<Record<string, string>> | undefined;
  readonly trunks?: Readonly<Record<string, Partial<TrunkPlan>>> | undefined;
  readonly neverLeaves?: ReadonlyArray<string> | undefined;
  readonly folds?: ReadonlyArray<string> | undefined;
}

/** One mistake in a plan that was given. */
export interface PlanError {
  /** Of the input: `["own", 0]`, `["trunks", "main", "digitsToNumber", "4"]`. */
  readonly path: ReadonlyArray<string | number>;
  readonly found: unknown;
  /** What would be right, in half a sentence. */
  readonly want: string;
}

/** The plan, or all mistakes that were found. */
export type PlanResult =
  | { readonly plan: DialPlan; readonly errors?: undefined }
  | { readonly plan?: undefined; readonly errors: ReadonlyArray<PlanError> };

/** Access codes, extensions, ranges: how many of each a plan may have. */
export const PLAN_ENTRIES_MAX = 100_000;
const CODE_DIGITS_MAX = 8;

export const plainTrunk: TrunkPlan = { plus: "always", national: "prefixed", digitsToNumber: {} };

/** Knows no country: whole numbers with + and nothing else. */
export const defaultPlan: DialPlan = {
  country: undefined,
  area: undefined,
  outside: [],
  international: [],
  nationalPrefix: [],
  own: [],
  extensions: {},
  dids: {},
  trunks: {},
  neverLeaves: [],
  folds: FOLD_NAMES,
};

/** The plan, or each mistake with its place. */
export const dialPlan = (input: DialPlanInput): PlanResult => {
  const errors: Array<PlanError> = [];
  const check = checker(errors);
  check.size(input);
  if (input.country !== undefined && !isCountry(input.country))
    check.wrong(["country"], input.country, "a country's two letters, as DE or US");
  if (input.area !== undefined) check.digits(["area"], input.area);
  if (input.area !== undefined && input.country === undefined)
    check.wrong(["area"], input.area, "a country too: without it no local number can be read");
  input.outside?.forEach((code, i) => check.digits(["outside", i], code));
  input.international?.forEach((code, i) => check.digits(["international", i], code));
  input.nationalPrefix?.forEach((code, i) => check.digits(["nationalPrefix", i], code));
  const own = (input.own ?? []).flatMap((text, i) => check.range(["own", i], text));
  for (const [key, number] of Object.entries(input.extensions ?? {})) check.extension(key, number);
  for (const [number, short] of Object.entries(input.dids ?? {})) check.did(number, short);
  input.neverLeaves?.forEach((pattern, i) => {
    if (!isPattern(pattern)) check.wrong(["neverLeaves", i], pattern, "digits, X for any digit, * at the end: 1900*");
  });
  input.folds?.forEach((name, i) => {
    if (!(FOLD_NAMES as ReadonlyArray<string>).includes(name))
      check.wrong(["folds", i], name, `one of ${FOLD_NAMES.join(", ")}`);
  });
  const trunks = Object.entries(input.trunks ?? {}).map(([name, trunk]) => [name, check.trunk(name, trunk)] as const);
  if (errors.length > 0) return { errors };
  return {
    plan: {
      country: input.country,
      area: input.area,
      outside: input.outside ?? [],
      international: input.international ?? [],
      nationalPrefix: input.nationalPrefix ?? [],
      own,
      extensions: input.extensions ?? {},
      dids: input.dids ?? {},
      trunks: Object.fromEntries(trunks),
      neverLeaves: input.neverLeaves ?? [],
      folds: (input.folds as ReadonlyArray<FoldName> | undefined) ?? FOLD_NAMES,
    },
  };
};

/** `+a..+b`, or one number. */
export const rangeOf = (text: string): NumberRange | undefined => {
  const [from = "", to = from, more] = text.split("..").map((part) => part.trim());
  const isRange = more === undefined && isE164(from) && isE164(to) && from.length === to.length && from <= to;
  return isRange ? { from, to } : undefined;
};

const checker = (errors: Array<PlanError>) => {
  const wrong = (path: PlanError["path"], found: unknown, want: string): void => {
    errors.push({ path, found, want });
  };
  const number = (path: PlanError["path"], text: string): void => {
    if (!isE164(text)) wrong(path, text, "a whole number, + and country first, without separators");
  };
  return {
    wrong,
    size: (input: DialPlanInput): void => {
      for (const [key, value] of Object.entries(input))
        if (typeof value === "object" && value !== null && Object.keys(value).length > PLAN_ENTRIES_MAX)
          wrong([key], Object.keys(value).length, `at most ${PLAN_ENTRIES_MAX} entries`);
    },
    digits: (path: PlanError["path"], text: string): void => {
      if (!/^[0-9]+$/.test(text) || text.length > CODE_DIGITS_MAX)
        wrong(path, text, `digits, at most ${CODE_DIGITS_MAX} of them`);
    },
    range: (path: PlanError["path"], text: string): ReadonlyArray<NumberRange> => {
      const range = rangeOf(text);
      if (range === undefined)
        wrong(path, text, "a whole number with +, or two of one length: +14085550200..+14085550499");
      return range === undefined ? [] : [range];
    },
    extension: (key: string, template: string): void => {
      const path = ["extensions", key];
      if (!/^[0-9Xx]+$/.test(key)) wrong(path, key, "digits of an extension, X for any digit: 2XX");
      else if (countX(key) !== countX(template)) wrong(path, template, `as many X as there are in ${key}`);
      else number(path, filled(template, Array(countX(key)).fill("0")));
    },
    did: (did: string, short: string): void => {
      number(["dids", did], did);
      if (!/^\+?[0-9A-Za-z*#_-]{1,32}$/.test(short)) wrong(["dids", did], short, "what the exchange makes of it: 201");
    },
    trunk: (name: string, { plus = "always", national = "prefixed", digitsToNumber = {} }: Partial<TrunkPlan>) => {
      for (const [digits, prefix] of Object.entries(digitsToNumber)) {
        const path = ["trunks", name, "digitsToNumber", digits];
        if (!/^(?:[1-9]|1[0-5])$/.test(digits)) wrong(path, digits, "a number of digits, 1 to 15");
        else number(path, `${prefix}${"0".repeat(Number(digits))}`);
      }
      return { plus, national, digitsToNumber };
    },
  };
};
