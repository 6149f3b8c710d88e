/**
 * Digits without a + as a country, its areas and its trunks write them: every reading that the plan allows, so that whoever
 * asks sees whether there is one, none or several.
 */
import type { TrunkPlan } from "./plan.ts";
import { isWithin } from "./ranges.ts";
import type { Rules } from "./rules.ts";
import { isPossible, isValid, type NationalForms, splitNumber } from "./world.ts";

/** International digits. */
export type Readings = ReadonlySet<string>;

/**
 * Which short texts and local numbers count: any; none of less than six digits, which are extensions of somebody's exchange
 * more often than local numbers; the company's own alone.
 */
export type Reach = "any" | "long" | "own";

interface Reading {
  readonly digits: string;
  readonly why: string;
  /** It lacks an area code. */
  readonly isLocal: boolean;
}

const LOCAL_DIGITS_MIN = 4;
const LONG_DIGITS_MIN = 6;
const OWN_DIGITS_MIN = 7;

type Trace = Array<string> | undefined;

/** By the trunk's rule about +, besides the forms of the country. */
export const trunkReadings = (rules: Rules, digits: string, trunk: TrunkPlan, reach: Reach, trace: Trace): Readings => {
  const { forms } = rules;
  if (trunk.plus === "never" && !digits.startsWith("0"))
    return told(isKnown(digits, isPossible) ? [reading(digits, "the trunk never writes the +")] : [], trace);
  const found = nationals(rules, digits, reach, trunk.national === "bare");
  const isLonger = trunk.plus === "omitted-by-some" && forms !== undefined && digits.length > forms.digitsMax;
  if (isLonger && isKnown(digits, isValid))
    found.push(
      reading(digits, `longer than the country's own ${forms.digitsMax} digits, and the trunk may omit the +`),
    );
  return told(found, trace);
};

/** With an international or a national prefix, bare where people write so, or local to the area. */
export const nationalReadings = (rules: Rules, digits: string, reach: Reach, trace: Trace): Readings =>
  told(nationals(rules, digits, reach, false), trace);

const nationals = ({ plan, forms }: Rules, digits: string, reach: Reach, isBare: boolean): Array<Reading> => {
  const found = afterPrefix(plan.international, forms, digits);
  if (forms !== undefined) {
    for (const national of forms.withoutPrefix(digits))
      if (isValid(forms.callingCode, national))
        found.push({
          digits: `${forms.callingCode}${national}`,
          why: "with a national prefix",
          isLocal: national.length > digits.length,
        });
    if ((isBare || forms.isWrittenBare(digits)) && isValid(forms.callingCode, digits))
      found.push(reading(`${forms.callingCode}${digits}`, "national, without a prefix"));
    const isSure = reach !== "long" || !isValid(forms.callingCode, digits); // trunks also leave national prefixes off
    if (!isBare && isSure && plan.area !== undefined) found.push(...local(plan.area, forms, digits));
  }
  return found.filter(({ digits: whole, isLocal }) => {
    if (reach === "any") return true;
    if (reach === "long") return digits.length >= LONG_DIGITS_MIN;
    return (digits.length >= OWN_DIGITS_MIN && !isLocal) || isWithin(plan.own, `+${whole}`);
  });
};

/** Local numbers begin neither with the prefix 0 nor with a 1, which is for services, nor are they longer than others. */
const local = (area: string, forms: NationalForms, digits: string): ReadonlyArray<Reading> => {
  const national = `${area}${digits}`;
  const isOne =
    /^[2-9]/.test(digits) &&
    digits.length >= LOCAL_DIGITS_MIN &&
    national.length <= forms.digitsMax &&
    isValid(forms.callingCode, national);
  return isOne ? [{ digits: `${forms.callingCode}${national}`, why: `local to the area ${area}`, isLocal: true }] : [];
};

/** Behind each prefix of the plan, or of the country. One that has variants may be cut in several ways. */
const afterPrefix = (
  prefixes: ReadonlyArray<string>,
  forms: NationalForms | undefined,
  digits: string,
): Array<Reading> => {
  if (prefixes.length > 0)
    return prefixes
      .filter((prefix) => digits.startsWith(prefix) && isKnown(digits.slice(prefix.length), isPossible))
      .map((prefix) => reading(digits.slice(prefix.length), `behind the international prefix ${prefix}`));
  const found: Array<Reading> = [];
  const isKnownRest = forms?.hasOneInternational ? isPossible : isValid;
  for (let length = 2; forms !== undefined && length <= PREFIX_DIGITS_MAX && length < digits.length; length++) {
    const [prefix, rest] = [digits.slice(0, length), digits.slice(length)];
    if (forms.international.test(prefix) && isKnown(rest, isKnownRest))
      found.push(reading(rest, `behind the international prefix ${prefix}`));
  }
  return found;
};
const PREFIX_DIGITS_MAX = 9;

const reading = (digits: string, why: string): Reading => ({ digits, why, isLocal: false });

const isKnown = (digits: string, test: (code: string, national: string) => boolean): boolean => {
  const parts = splitNumber(digits);
  return parts !== undefined && test(...parts);
};

const told = (found: ReadonlyArray<Reading>, trace: Trace): Readings => {
  for (const { digits, why } of found) trace?.push(`${why}: +${digits}`);
  return new Set(found.map(({ digits }) => digits));
};
