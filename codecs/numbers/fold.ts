/**
 * Where one subscriber has two numbers, both of which trunks and telephones show: the one that is given out today.
 *
 * Two texts of one number are two keys of the overlay, so that both ends of a call must fold alike. Every form on the left
 * is given out to nobody any more (`properties/numbers/fold.test.ts`), so that no fold makes one subscriber of two. DECISIONS.md D-091.
 */
import { isValid, nationalForms, splitNumber } from "./world.ts";

interface Fold {
  readonly name: string;
  readonly callingCode: string | undefined;
  readonly why: string;
  /** Of the national number; undefined when it is not of that form. */
  readonly fold: (national: string, callingCode: string) => string | undefined;
}

const replaced =
  (form: RegExp, by: string) =>
  (national: string): string | undefined =>
    form.test(national) ? national.replace(form, by) : undefined;

/** Ivory Coast, 31 January 2021: the operator's two digits, known by the second or third digit of the old number. */
const ivoryCoast = (national: string): string | undefined => {
  if (!/^[0-9]{8}$/.test(national)) return undefined;
  const isFixed = /^[23]/.test(national);
  const digit = national[isFixed ? 2 : 1]!;
  if (isFixed) return `${digit === "8" ? "21" : digit === "0" ? "25" : "27"}${national}`;
  return `${/[0-3]/.test(digit) ? "01" : /[4-6]/.test(digit) ? "05" : "07"}${national}`;
};

/** Argentina's mobile numbers have 15 behind the area at home and 9 before it from abroad; some show both forms with +54. */
const argentina = nationalForms("AR");
const argentine = (national: string): string | undefined =>
  national.length === 12 ? argentina.withoutPrefix(`0${national}`).find((one) => /^9[0-9]{10}$/.test(one)) : undefined;

/** The prefix of national calls left behind the country code: +49 030. */
const homePrefix = (national: string, callingCode: string): string | undefined => {
  const forms = FORMS_BY_CODE[callingCode];
  if (forms !== undefined) return national.startsWith(forms) ? national.slice(forms.length) : undefined;
  return national.startsWith("0") ? national.slice(1) : undefined;
};
/** Where it is not 0. */
const FORMS_BY_CODE: Readonly<Record<string, string>> = { "1": "1", "7": "8", "36": "06", "52": "01" };

const TABLE = [
  {
    name: "MX",
    callingCode: "52",
    why: "Mexico's 1 of mobile numbers ended in 2019",
    fold: replaced(/^1([0-9]{10})$/, "$1"),
  },
  { name: "AR", callingCode: "54", why: "Argentina's 15 at home is a 9 from abroad", fold: argentine },
  {
    name: "BR",
    callingCode: "55",
    why: "Brazil's mobile numbers have a ninth digit since 2016",
    fold: replaced(/^([1-9][0-9])([689][0-9]{7})$/, "$19$2"),
  },
  { name: "CI", callingCode: "225", why: "Ivory Coast has ten digits since 2021", fold: ivoryCoast },
  {
    name: "BJ",
    callingCode: "229",
    why: "Benin has 01 before each number since 2024",
    fold: replaced(/^([0-9]{8})$/, "01$1"),
  },
  {
    name: "CO",
    callingCode: "57",
    why: "Colombia has 60 before each area since 2021",
    fold: replaced(/^([1-8][0-9]{7})$/, "60$1"),
  },
  {
    name: "home-prefix",
    callingCode: undefined,
    why: "a prefix of national calls has no place behind the country code",
    fold: homePrefix,
  },
] as const satisfies ReadonlyArray<Fold>;

/** A fold by the country that it is of, or `home-prefix`. */
export type FoldName = (typeof TABLE)[number]["name"];
/** All of them: what a plan that names none has. */
export const FOLD_NAMES: ReadonlyArray<FoldName> = TABLE.map(({ name }) => name);

type NamedFold = Fold & { readonly name: FoldName };
const ANYWHERE = (TABLE as ReadonlyArray<NamedFold>).filter(({ callingCode }) => callingCode === undefined);
const BY_CODE: ReadonlyMap<string, ReadonlyArray<NamedFold>> = new Map(
  (TABLE as ReadonlyArray<NamedFold>).flatMap((row) =>
    row.callingCode === undefined ? [] : [[row.callingCode, [row, ...ANYWHERE]] as const],
  ),
);

export interface Folded {
  readonly digits: string;
  readonly why: string;
}

/** The number of today, for international digits of yesterday's. A number that somebody has is left alone. */
export const foldNumber = (digits: string, names: ReadonlyArray<FoldName>): Folded | undefined => {
  const parts = splitNumber(digits);
  if (parts === undefined) return undefined;
  const [code, national] = parts;
  for (const { name, why, fold } of BY_CODE.get(code) ?? ANYWHERE) {
    const now = fold(national, code);
    if (now === undefined || !names.includes(name)) continue;
    if (!isValid(code, national) && isValid(code, now)) return { digits: `${code}${now}`, why };
  }
  return undefined;
};
