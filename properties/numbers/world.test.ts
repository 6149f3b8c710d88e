/** The metadata as we read them, held against libphonenumber-js's own parser, which we do not use: `codecs/numbers/world.ts`. */
import { equal, ok } from "node:assert";
import fc from "fast-check";
import {
  getCountries,
  getCountryCallingCode,
  isValidPhoneNumber,
  parsePhoneNumberFromString,
} from "libphonenumber-js/max";
import examples from "libphonenumber-js/mobile/examples";
import { readNumber } from "../../codecs/numbers/mod.ts";
import { callingCodeOf, isCountry, isPossible, isPremium, isValid, splitNumber } from "../../codecs/numbers/world.ts";
import { runs, test } from "../kit/harness.ts";
import { planOf, validNumber } from "./arbitrary.ts";

const law = (what: string, property: fc.IProperty<any>) =>
  test(`numbers: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: 4 * runs }));

const country = fc.constantFrom(...getCountries());

test("numbers: every country has its code and its plan", () => {
  for (const one of getCountries()) {
    ok(isCountry(one));
    equal(callingCodeOf(one), getCountryCallingCode(one));
    const number = examples[one];
    ok(isPossible(callingCodeOf(one), number) && isValid(callingCodeOf(one), number), one);
    equal(planOf({ country: one }).country, one);
  }
  equal(isCountry("EU"), false);
  equal(isCountry("toString"), false);
});

test("numbers: a kind's own lengths count beside its pattern", () => {
  equal(isValid("49", "493000000"), false);
  equal(isValid("49", "493100000"), true);
});

law(
  "a number is valid and premium where the parser says so; only a home prefix behind the country code is not overlooked",
  fc.property(
    country.chain((one) =>
      fc.tuple(fc.constant(one), fc.nat({ max: examples[one].length }), fc.stringMatching(/^[0-9]{0,14}$/)),
    ),
    ([one, kept, other]) => {
      const code = getCountryCallingCode(one);
      const national = `${examples[one].slice(0, kept)}${other}`;
      const number = `+${code}${national}`;
      const parsed = parsePhoneNumberFromString(number);
      if (parsed?.nationalNumber !== national || parsed.countryCallingCode !== code) return;
      equal(isValid(code, national), isValidPhoneNumber(number), number);
      if (parsed.isValid()) equal(isPremium(code, national), parsed.getType() === "PREMIUM_RATE", number);
    },
  ),
);

law(
  "what a country's people write is read as that number",
  fc.property(validNumber(), (number) => {
    const parsed = parsePhoneNumberFromString(number)!;
    const { country: one } = parsed;
    if (one === undefined || parsed.number !== number) return;
    const written = parsed.formatNational();
    const { number: read, steps } = readNumber(planOf({ country: one }), written, { source: "toTrunk" });
    equal(read, number, `${one} ${written}: ${steps.join("; ")}`);
  }),
);

law(
  "country codes are found as the parser finds them",
  fc.property(fc.stringMatching(/^[1-9][0-9]{7,13}$/), (digits) => {
    const parsed = parsePhoneNumberFromString(`+${digits}`);
    if (parsed !== undefined) equal(splitNumber(digits)?.[0], parsed.countryCallingCode);
  }),
);
