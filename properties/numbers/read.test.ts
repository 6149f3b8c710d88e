/** One text, one number or a reason why not: `codecs/numbers/read.ts`. */
import { equal, ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { getCountryCallingCode, parsePhoneNumberFromString } from "libphonenumber-js/max";
import {
  countNumbers,
  type DialPlan,
  isOwn,
  listOf,
  listWithout,
  maskedSteps,
  NUMBER_REASONS,
  type NumberSource,
  numbersIn,
  readNumber,
} from "../../codecs/numbers/mod.ts";
import { type E164, e164, isE164 } from "../../codecs/shared/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { acme, anyE164, anySource, anyText, berlin, companies, planOf, separated, validNumber } from "./arbitrary.ts";

const law = (what: string, property: fc.IProperty<any>) =>
  test(`numbers: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));

const company = fc.constantFrom(...companies);
const anyPlan = fc.constantFrom(acme, berlin, planOf({}), ...companies.map(({ plan }) => plan));
const anyTrunk = fc.constantFrom(undefined, "always", "some", "never", "trunk1", "carrier", "unheard");

law(
  "any text gives a number or a reason, never both, and never an exception",
  fc.property(anyPlan, anyText, anySource, anyTrunk, (plan, text, source, trunk) => {
    const { number, why, steps } = readNumber(plan, text, { source, trunk });
    equal(number === undefined, why !== undefined);
    if (number !== undefined) ok(isE164(number) && number.length >= 8);
    if (why !== undefined) ok(NUMBER_REASONS.includes(why));
    ok(steps.length >= 1);
    same(readNumber(plan, text, { source, trunk }), { number, why, steps });
  }),
);

law(
  "what is E.164 stays as it is, whatever the plan and wherever it stands, unless it is refused",
  fc.property(anyPlan, fc.oneof(validNumber(), anyE164), anySource, anyTrunk, (plan, text, source, trunk) => {
    const { number, why } = readNumber({ ...plan, folds: [] }, text, { source, trunk });
    if (why === "premium") equal(parsePhoneNumberFromString(text)?.getType(), "PREMIUM_RATE");
    else equal(number, text);
  }),
);

law(
  "a number that is valid today is never folded into another",
  fc.property(anyPlan, validNumber(), anySource, (plan, text, source) => {
    equal(readNumber(plan, text, { source }).number, text);
  }),
);

/** The ways in which one number stands in records and headers, with +. */
const withPlus = (number: E164): fc.Arbitrary<string> =>
  fc.oneof(
    separated(number),
    fc.constantFrom(
      number.replace("+", "\uFF0B"),
      number.replace(/[0-9]/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
      `sip:${number}@192.0.2.1:5060;user=phone`,
      `sips:${number.replace("+", "%2B")};phone-context=x@acme.example;transport=tls?Subject=x`,
      `"Anna <2>, \\"x\\"" <sip:${number};isub=12@acme.example>;tag=12`,
      `<tel:${number};ext=12>`,
      `Anna Field <${number}>`,
      `tel:${number};phone-context=+44`,
      `${number} ext. 12`,
      `${number}@trunk1`,
      `\u202A${number}\u202C`,
    ),
  );

law(
  "both ends arrive at one text, whatever notation with + each sees",
  fc.property(
    validNumber().chain((number) => fc.tuple(fc.constant(number), withPlus(number), withPlus(number))),
    company,
    company,
    anySource,
    ([number, one, other], ours, theirs, source) => {
      equal(readNumber(ours.plan, one, { source }).number, number);
      equal(readNumber(theirs.plan, other, { source: "calledFromTrunk" }).number, number);
    },
  ),
);

const OUTSIDE: ReadonlyArray<NumberSource> = ["toTrunk", "callerFromTrunk", "calledFromTrunk", "callerFromPbx"];

law(
  "both ends arrive at one text without + too: behind prefixes, with and without an access code",
  fc.property(
    company.chain((of) => fc.tuple(fc.constant(of), validNumber(), validNumber([of.country]))),
    fc.constantFrom(...OUTSIDE),
    fc.constantFrom("", "9", "0", "*"),
    ([{ plan, international, national, country }, foreign, home], source, code) => {
      const national0 = `${national}${home.slice(1 + getCountryCallingCode(country).length)}`;
      const texts = [
        [`${international}${foreign.slice(1)}`, foreign],
        [national0, home],
      ] as const;
      for (const [text, number] of texts) {
        const read = readNumber(plan, text, { source, trunk: "always" });
        ok(read.number === number || read.why === "ambiguous", `${text}: ${read.steps.join("; ")}`);
        if (code === "*") continue;
        const behind = { ...plan, outside: code === "" ? [] : [code] };
        const dialled = readNumber(behind, `${code}${text}`, { source: "dialled", trunk: "always" });
        ok(dialled.number === number || dialled.why === "ambiguous", `${code}${text}: ${dialled.steps.join("; ")}`);
      }
    },
  ),
);

law(
  "on a trunk that never writes the +, and on one that may omit it where they are longer, digits are international",
  fc.property(company, validNumber(), fc.constantFrom(...OUTSIDE), ({ plan, country }, number, source) => {
    const digits = number.slice(1);
    equal(readNumber(plan, digits, { source, trunk: "never" }).number, number);
    const { number: read, why, steps } = readNumber(plan, digits, { source, trunk: "some" });
    if (country === "US" && digits.length > 11) equal(read, number);
    ok(
      read === undefined || read === number || read.startsWith(`+${getCountryCallingCode(country)}`),
      steps.join("; "),
    );
    ok(read !== undefined || why !== undefined);
  }),
);

law(
  "without + nothing leaves the country, unless there is a prefix or the trunk's rule says so",
  fc.property(
    company,
    fc.stringMatching(/^[0-9]{1,16}$/),
    anySource,
    ({ plan, country, international }, digits, source) => {
      fc.pre(!digits.startsWith("0") && !digits.startsWith(international));
      const { number } = readNumber(plan, digits, { source, trunk: "always" });
      ok(number === undefined || number.startsWith(`+${getCountryCallingCode(country)}`), number);
    },
  ),
);

law(
  "a plan without a country reads nothing without +",
  fc.property(fc.stringMatching(/^[0-9]{1,20}$/), anySource, (digits, source) => {
    equal(readNumber(planOf({}), digits, { source }).number, undefined);
  }),
);

law(
  "masked steps have no whole number in them",
  fc.property(validNumber().chain(withPlus), anySource, (text, source) => {
    for (const step of maskedSteps(readNumber(acme, text, { source }))) ok(!/[0-9]{5}/.test(step), step);
  }),
);

type Row = readonly [text: string, read: string];
const table = (
  what: string,
  plan: DialPlan,
  source: NumberSource,
  trunk: string | undefined,
  rows: ReadonlyArray<Row>,
) =>
  test(`numbers: ${what}`, () => {
    const read = rows.map(([text]) => {
      const { number, why } = readNumber(plan, text, { source, trunk });
      return [text, number ?? why];
    });
    same(read, rows);
  });

table("what was dialled at the exchange of the recordings", acme, "dialled", undefined, [
  ["949305550901", "+49305550901"],
  ["94085550901", "+14085550901"],
  ["914085550901", "+14085550901"],
  ["95550901", "+14085550901"],
  ["901149305550901", "+49305550901"],
  ["01149305550901", "+49305550901"],
  ["4085550901", "+14085550901"],
  ["14085550901", "+14085550901"],
  ["5550901", "+14085550901"],
  ["+49305550901", "+49305550901"],
  ["203", "extension"],
  ["7042", "extension"],
  ["0305550901", "notInPlan"],
  ["9911", "emergency"],
  ["911", "emergency"],
  ["*8", "featureCode"],
  ["s", "letters"],
  ["", "empty"],
  ["19005550901", "premium"],
]);

table("what was sent to its trunk", acme, "toTrunk", "trunk1", [
  ["+49305550901", "+49305550901"],
  ["49305550901", "+49305550901"],
  ["4085550901", "+14085550901"],
  ["14085550901", "+14085550901"],
  ["0049305550901", "notInPlan"],
  ["7042", "shortCode"],
]);

table("who called from its trunk", acme, "callerFromTrunk", "trunk1", [
  ["+49-30-555-0777", "+49305550777"],
  ["2125550777", "+12125550777"],
  ["49305550777", "+49305550777"],
  ["0305550777", "notInPlan"],
  ["0049305550777", "notInPlan"],
  ["4532123456", "notInPlan"], // Denmark's +45, but no longer than a number of the country
  ["Anonymous", "withheld"],
  ["Private Number", "withheld"],
  ["anonymous", "withheld"],
  ['"Anonymous" <sip:anonymous@anonymous.invalid>', "withheld"],
  ["<unknown>", "withheld"],
  ["asterisk", "letters"],
  ["x", "letters"],
  ["7042", "tooShort"],
]);

table("whom its trunk asked for", acme, "calledFromTrunk", "trunk1", [
  ["+14085550201", "+14085550201"],
  ["14085550201", "+14085550201"],
  ["4085550201", "+14085550201"],
  ["5550201", "+14085550201"],
  ["5550901", "notInPlan"],
  ["0201", "extension"],
  ["201", "extension"],
  ["s", "letters"],
]);

table("who called from the exchange", acme, "callerFromPbx", "trunk1", [
  ["+14085550201", "+14085550201"],
  ["203", "extension"],
  ["4085550201", "+14085550201"],
  ["anonymous", "withheld"],
]);

test("numbers: a trunk that delivers short numbers says what stands before them", () => {
  const plan = planOf({
    ...{ country: "US", own: ["+14085550200..+14085550499"] },
    trunks: { short: { digitsToNumber: { "4": "+1408555", "3": "+14085550" } }, whole: {} },
  });
  const read = (text: string, trunk?: string) => readNumber(plan, text, { source: "calledFromTrunk", trunk });
  equal(read("0201", "short").number, "+14085550201");
  equal(read("201", "short").number, "+14085550201");
  equal(read("0901", "short").why, "notOwn");
  equal(read("0201", "whole").why, "extension");
  equal(read("0201").why, "extension");
});

test("numbers: what the exchange makes of a called number leads back to it, if it is made of one only", () => {
  const dids = { "+14085550301": "201", "+14085550302": "202", "+14085550303": "202" };
  const plan = planOf({ country: "US", dids });
  equal(readNumber(plan, "201", { source: "calledFromTrunk" }).number, "+14085550301");
  equal(readNumber(plan, "202", { source: "calledFromTrunk" }).why, "ambiguous");
});

table(
  "a German exchange with 0 for an outside line: what can be read in two ways is not read",
  berlin,
  "dialled",
  "carrier",
  [
    ["00305550901", "+49305550901"],
    ["0004915112345678", "+4915112345678"],
    ["0305550901", "ambiguous"],
    ["0110", "emergency"],
    ["0112", "emergency"],
    ["901", "extension"],
    ["009001234567", "premium"],
  ],
);

table("a German trunk", berlin, "callerFromTrunk", "carrier", [
  ["0305550777", "+49305550777"],
  ["0049305550777", "+49305550777"],
  ["70422", "tooShort"], // an extension of somebody's, or local
  ["5550777", "notInPlan"], // local, or national without its 0
  ["305550777", "notInPlan"],
  ["49305550777", "notInPlan"],
  ["sip:0305550777;phone-context=+49@carrier.example;user=phone", "+49305550777"],
  ["sip:5550777;phone-context=+4930@carrier.example", "+49305550777"],
  ["sip:0305550777;phone-context=carrier.example@carrier.example", "+49305550777"],
]);

test("numbers: a trunk that writes national numbers bare", () => {
  const plan = planOf({ country: "DE", area: "30", trunks: { bare: { national: "bare" } } });
  equal(readNumber(plan, "305550777", { source: "callerFromTrunk", trunk: "bare" }).number, "+49305550777");
  equal(readNumber(plan, "0305550777", { source: "callerFromTrunk", trunk: "bare" }).number, "+49305550777");
});

test("numbers: a German trunk that omits the + now and then", () => {
  const plan = planOf({ country: "DE", trunks: { some: { plus: "omitted-by-some" } } });
  equal(readNumber(plan, "442079460018", { source: "callerFromTrunk", trunk: "some" }).number, "+442079460018");
  equal(readNumber(plan, "49305550777", { source: "callerFromTrunk", trunk: "some" }).why, "notInPlan");
});

test("numbers: an extension shows what the plan says", () => {
  equal(readNumber(berlin, "901", { source: "callerFromPbx" }).number, "+49305550901");
  equal(readNumber(berlin, "0101", { source: "callerFromPbx" }).why, "extension");
});

test("numbers: trunks that read alike need not be named, others must be", () => {
  const plan = planOf({ country: "US", trunks: { a: { plus: "omitted-by-some" }, b: { plus: "always" } } });
  equal(readNumber(plan, "49305550901", { source: "toTrunk", trunk: "a" }).number, "+49305550901");
  equal(readNumber(plan, "49305550901", { source: "toTrunk", trunk: "b" }).why, "notInPlan");
  equal(readNumber(plan, "49305550901", { source: "toTrunk" }).why, "ambiguous");
  equal(readNumber(plan, "4085550901", { source: "toTrunk" }).number, "+14085550901");
});

test("numbers: what never leaves", () => {
  const plan = planOf({ country: "US", outside: ["9"], neverLeaves: ["1976*", "8XX", "+1408555099X"] });
  equal(readNumber(plan, "19765550901", { source: "toTrunk" }).why, "neverLeaves");
  equal(readNumber(plan, "919765550901", { source: "dialled" }).why, "neverLeaves");
  equal(readNumber(plan, "812", { source: "dialled" }).why, "neverLeaves");
  equal(readNumber(plan, "4085550991", { source: "toTrunk" }).why, "neverLeaves");
  equal(readNumber(plan, "+14085550991", { source: "callerFromTrunk" }).why, "neverLeaves");
  equal(readNumber(plan, "+499001234567", { source: "toTrunk" }).why, "premium");
  equal(readNumber(plan, "+112", { source: "toTrunk" }).why, "tooShort");
});

table("telephony's traps", berlin, "toTrunk", "carrier", [
  ["tel:020-7946-0018;phone-context=+44", "+442079460018"],
  ["tel:020-7946-0018;phone-context=+44", "+442079460018"],
  ["\uFF0B442079460018", "+442079460018"],
  ["\uFF0B44 \uFF12\uFF10 7946 0018", "+442079460018"],
  ["+44 (0)20 7946 0018", "+442079460018"],
  ["+49 (0)30 5550901", "+49305550901"],
  ["+39 (0)6 69812345", "+390669812345"],
  ["+39 (0)346 123456", "ambiguous"], // a line in Clusone, a mobile telephone without the zero
  ["1-800-FLOWERS", "letters"],
  ["+52 1 55 1234 5678", "+525512345678"],
  ["+800 1234 5678", "+80012345678"],
  ["+4930", "tooShort"],
  ["+0049305550901", "notANumber"],
  ["++49305550901", "notANumber"],
  ["sip:192.0.2.1", "empty"],
  ["1234567890123456789012345678901234", "tooManyDigits"],
  ["x".repeat(600), "tooLong"],
]);

table("Mexico's forms are one number", planOf({ country: "MX", area: "55" }), "toTrunk", undefined, [
  ["+525512345678", "+525512345678"],
  ["+5215512345678", "+525512345678"],
  ["5512345678", "+525512345678"],
  ["015512345678", "+525512345678"],
  ["0445512345678", "+525512345678"],
  ["0455512345678", "+525512345678"],
  ["15512345678", "+525512345678"],
  ["12345678", "notInPlan"],
]);

law(
  "own numbers are those of the ranges, each once, however the ranges overlap",
  fc.property(fc.array(fc.tuple(fc.nat(60), fc.nat(20)), { maxLength: 8 }), fc.nat(99), (ranges, asked) => {
    const of = (last: number) => `+140855502${String(last).padStart(2, "0")}`;
    const plan = planOf({ own: ranges.map(([from, more]) => `${of(from)}..${of(from + more)}`) });
    const all = new Set(ranges.flatMap(([from, more]) => Array.from({ length: more + 1 }, (_, i) => of(from + i))));
    equal(isOwn(plan, e164(of(asked))), all.has(of(asked)));
    same([...numbersIn(plan.own)], [...all].sort());
    equal(countNumbers(plan.own), all.size);
  }),
);

const someRanges = fc.array(fc.tuple(fc.nat(60), fc.nat(20)), { maxLength: 8 });
law(
  "what one list of ranges has and another has not, counted and walked as often as somebody asks",
  fc.property(someRanges, someRanges, (these, others) => {
    const ownOf = (ranges: typeof these) =>
      planOf({ own: ranges.map(([from, more]) => `+1408555${1_000 + from}..+1408555${1_000 + from + more}`) }).own;
    const [own, other] = [ownOf(these), ownOf(others)];
    const without = new Set(numbersIn(other));
    const left = [...numbersIn(own)].filter((number) => !without.has(number));
    const [all, list] = [listOf(own), listWithout(own, other)];
    same([all.count, [...all.each], [...all.each]], [countNumbers(own), [...numbersIn(own)], [...numbersIn(own)]]);
    same([list.count, [...list.each], [...list.each]], [left.length, left, left]);
  }),
);
