/** One subscriber, one number: `codecs/numbers/fold.ts`. */
import { equal, ok } from "node:assert";
import fc from "fast-check";
import { isValidPhoneNumber, parsePhoneNumberFromString } from "libphonenumber-js/max";
import { FOLD_NAMES, foldNumber } from "../../codecs/numbers/fold.ts";
import { runs, test } from "../kit/harness.ts";
import { anyE164, validNumber } from "./arbitrary.ts";

const law = (what: string, property: fc.IProperty<any>) =>
  test(`numbers: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: 4 * runs }));

const digits = (form: RegExp) => fc.stringMatching(form);
/** Old forms, most of which were somebody's. */
const old = fc.oneof(
  digits(/^521[2-9][0-9]{9}$/),
  digits(/^5411 ?15[2-7][0-9]{7}$/).map((text) => text.replace(" ", "")),
  digits(/^54(?:221|341|351)15[2-7][0-9]{6}$/),
  digits(/^55(?:11|21|31|85)[689][0-9]{7}$/),
  digits(/^225[02-9][0-9]{7}$/),
  digits(/^229[2-9][0-9]{7}$/),
  digits(/^57[1-8][2-5][0-9]{6}$/),
  digits(/^490[1-9][0-9]{8}$/),
  digits(/^440(?:20|161)[0-9]{8}$/),
  digits(/^78(?:495|9[0-9]{2})[0-9]{7}$/),
);

law(
  "no number that is given out today is folded",
  fc.property(validNumber(), (number) => {
    equal(foldNumber(number.slice(1), FOLD_NAMES), undefined);
  }),
);

law(
  "what a fold makes is given out today, of the same country, and is not folded again",
  fc.property(
    fc.oneof(
      old,
      anyE164.map((number) => number.slice(1)),
    ),
    (number) => {
      const folded = foldNumber(number, FOLD_NAMES);
      if (folded === undefined) return;
      // The parser folds some of them itself.
      const parsed = parsePhoneNumberFromString(`+${number}`);
      ok(parsed?.number !== `+${number}` || !parsed.isValid());
      ok(isValidPhoneNumber(`+${folded.digits}`), folded.digits);
      equal(foldNumber(folded.digits, FOLD_NAMES), undefined);
    },
  ),
);

law(
  "two old forms are one number only if they end alike",
  fc.property(old, old, (one, other) => {
    const [a, b] = [one, other].map((number) => foldNumber(number, FOLD_NAMES)?.digits);
    if (a !== undefined && a === b) equal(one.slice(-6), other.slice(-6));
  }),
);

test("numbers: a fold that the plan leaves out is not made", () => {
  equal(foldNumber("5215512345678", ["AR"]), undefined);
  equal(foldNumber("5215512345678", ["MX"])?.digits, "525512345678");
});

test("numbers: each old form is today's number", () => {
  const rows = [
    ["5215512345678", "525512345678"],
    ["52015512345678", "525512345678"],
    ["541115555509 01", "5491155550901"],
    ["54341155550901", "5493415550901"],
    ["551195550901", "5511995550901"],
    ["2250712345678", undefined], // ten digits: today's
    ["22507123456", "2250707123456"],
    ["22504123456", "2250504123456"],
    ["2250412345", undefined], // one digit short
    ["22545123456", "2250545123456"],
    ["22501123456", "2250101123456"],
    ["22520212345", "2252720212345"],
    ["22521812345", "2252121812345"],
    ["22520012345", "2252520012345"],
    ["22997123456", "2290197123456"],
    ["5715550901", "576015550901"],
    ["5746123456", undefined], // given out as it is
    ["490305550901", "49305550901"],
    ["490493000000", undefined], // a pattern of the country takes it, the length of none of its kinds does
    ["4402079460018", "442079460018"],
    ["784955550901", "74955550901"],
    ["361234567", undefined],
    ["3606012345678", undefined],
    ["390669812345", undefined],
  ] as const;
  for (const [from, to] of rows) equal(foldNumber(from.replace(" ", ""), FOLD_NAMES)?.digits, to, from);
});
