/** Numbers that somebody may have, texts that nobody has, and the dial plans of a few companies. */
import fc from "fast-check";
import { type CountryCode, getCountries, getCountryCallingCode, isValidPhoneNumber } from "libphonenumber-js/max";
import examples from "libphonenumber-js/mobile/examples";
import { type DialPlan, type DialPlanInput, dialPlan, NUMBER_SOURCES } from "../../codecs/numbers/mod.ts";
import type { E164 } from "../../codecs/shared/mod.ts";

export const planOf = (input: DialPlanInput): DialPlan => {
  const { plan, errors } = dialPlan(input);
  if (plan === undefined) throw new Error(JSON.stringify(errors));
  return plan;
};

/** The company of the recordings. */
export const acme = planOf({
  country: "US",
  area: "408",
  outside: ["9"],
  own: ["+14085550200..+14085550499"],
  trunks: { trunk1: { plus: "omitted-by-some" }, trunk2: { plus: "omitted-by-some" } },
});

export const berlin = planOf({
  country: "DE",
  area: "30",
  outside: ["0"],
  own: ["+49305550900..+49305550999"],
  extensions: { "9XX": "+493055509XX" },
  trunks: { carrier: { plus: "always" } },
});

export interface Company {
  readonly plan: DialPlan;
  readonly country: CountryCode;
  readonly international: string;
  readonly national: string;
}

/** One of each kind of country: prefix optional, 0, none with zeros that stay, 8 and 810, carriers. */
export const companies: ReadonlyArray<Company> = (
  [
    ["US", "011", "1"],
    ["DE", "00", "0"],
    ["GB", "00", "0"],
    ["FR", "00", "0"],
    ["IT", "00", ""],
    ["ES", "00", ""],
    ["HU", "00", "06"],
    ["JP", "010", "0"],
    ["RU", "810", "8"],
    ["BR", "0015", "0"],
    ["AU", "0011", "0"],
    ["MX", "00", ""],
  ] as const
).map(([country, international, national]) => ({
  country,
  international,
  national,
  plan: planOf({ country, trunks: { always: {}, some: { plus: "omitted-by-some" }, never: { plus: "never" } } }),
}));

/** A mobile number that metadata think of as given out: the example of its country with other last digits. */
export const validNumber = (countries: ReadonlyArray<CountryCode> = getCountries()): fc.Arbitrary<E164> =>
  fc
    .tuple(fc.constantFrom(...countries), fc.nat(9_999))
    .map(([country, last]) => {
      const national = examples[country];
      const digits = `${national.slice(0, -4)}${String(last).padStart(4, "0")}`;
      return `+${getCountryCallingCode(country)}${digits}` as E164;
    })
    .filter((number) => isValidPhoneNumber(number));

/** Any digits that are an E.164 number by their form. */
export const anyE164: fc.Arbitrary<E164> = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.stringMatching(/^[0-9]{6,14}$/))
  .map(([first, rest]) => `+${first}${rest}` as E164);

export const separated = (number: string): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom("", "", "", " ", "-", ".", "/", "\u00A0", "\u2011"), {
      minLength: number.length,
      maxLength: number.length,
    })
    .map((marks) => [...number].map((sign, i) => `${sign}${i + 1 < number.length ? marks[i] : ""}`).join(""));

export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.stringMatching(/^\+?[0-9]{0,20}$/),
  fc.string({
    unit: fc.constantFrom(
      "0",
      "1",
      "4",
      "9",
      "+",
      "(",
      ")",
      "<",
      ">",
      ";",
      "@",
      "%",
      "sip:",
      "tel:",
      "phone-context=",
      "x",
      '"',
      "*",
    ),
    maxLength: 24,
  }),
);

export const anySource = fc.constantFrom(...NUMBER_SOURCES);
