/**
 * One text, one number of the telephone network or a reason why not. The plan decides; nothing is guessed.
 *
 *   text --> digits --+-- with + -------------------------------------------> old form? premium? --> number
 *                     +-- phone-context=+49 --> national or local there -----^
 *                     +-- without + --> source: access code off, extension, DID
 *                                        --> prefixes of the plan, trunk's rule --> exactly one reading --^
 *
 * A number without + is international only where the plan says so: a wrong number is worse than none, for whoever claims it
 * is asked for a proof, which tells him when our call was. DECISIONS.md D-090.
 */
import { type E164, maskE164 } from "../shared/mod.ts";
import { foldNumber } from "./fold.ts";
import { nationalReadings, type Reach, type Readings, trunkReadings } from "./national.ts";
import { filled, type NoNumber, none } from "./pattern.ts";
import type { DialPlan } from "./plan.ts";
import { isWithin } from "./ranges.ts";
import { type NumberReason, reasonText } from "./reasons.ts";
import { compiled, type Rules } from "./rules.ts";
import { isPremium, isValid, nationalForms, regionOf, splitNumber } from "./world.ts";
import { readWritten, type Written } from "./written.ts";

/**
 * Where the text stands: what a person dialled; what was sent to a trunk; who a trunk says calls; whom a trunk asks for; who
 * the exchange says calls.
 */
export type NumberSource = "dialled" | "toTrunk" | "callerFromTrunk" | "calledFromTrunk" | "callerFromPbx";
/** All of them. */
export const NUMBER_SOURCES: ReadonlyArray<NumberSource> = [
  "dialled",
  "toTrunk",
  "callerFromTrunk",
  "calledFromTrunk",
  "callerFromPbx",
];

/** Where a text comes from: without + it is read accordingly. */
export interface NumberPlace {
  readonly source: NumberSource;
  /** By its name in the plan. Without it a reading counts on which all trunks agree. */
  readonly trunk?: string | undefined;
}

/** What a text was read as: the number, or why there is none. The other one is undefined. */
export interface NumberReading {
  readonly number: E164 | undefined;
  readonly why: NumberReason | undefined;
  /** How it was read, for whoever asked; made when it is looked at. It has whole numbers: for a log see `maskedSteps`. */
  readonly steps: ReadonlyArray<string>;
}

/** The number that a text stands for at that place of the plan. Whatever the text is, it does not throw. */
export const readNumber = (plan: DialPlan, text: string, at: NumberPlace): NumberReading => {
  const { number, why } = read(plan, text, at, undefined);
  return {
    number,
    why,
    get steps() {
      const steps: Array<string> = [];
      read(plan, text, at, steps);
      return [...new Set(steps)]; // trunks that read alike say the same
    },
  };
};

/** Whether one of the plan's own ranges has the number. */
export const isOwn = (plan: DialPlan, number: E164): boolean => isWithin(plan.own, number);

/** No whole number in them. */
export const maskedSteps = ({ steps }: NumberReading): ReadonlyArray<string> =>
  steps.map((step) => step.replace(/\+?[0-9][0-9().\-\s]{4,}[0-9]/g, (number) => maskE164(number)));

type Trace = Array<string> | undefined;
interface Outcome {
  readonly number: E164 | undefined;
  readonly why: NumberReason | undefined;
}

const read = (plan: DialPlan, text: string, at: NumberPlace, trace: Trace): Outcome => {
  const rules = compiled(plan);
  const written = readWritten(text);
  if (written.type === "none") return refused(written.why, trace);
  trace?.push(`written: ${written.plus ? "+" : ""}${written.digits}`);
  const international = written.plus
    ? withPlus(written)
    : written.context !== undefined
      ? inContext(written.digits, written.context, trace)
      : withoutPlus(rules, written.digits, at, trace);
  return typeof international === "string" ? leaves(rules, international, trace) : refused(international.why, trace);
};

const refused = (why: NumberReason, trace: Trace): Outcome => {
  trace?.push(`no number: ${reasonText(why)}`);
  return { number: undefined, why };
};

/** International digits, or why there are none. */
type International = string | NoNumber;

const withPlus = ({ digits, zeroAt }: Extract<Written, { type: "digits" }>): International => {
  if (zeroAt === undefined) return digits;
  const without = digits.slice(0, zeroAt) + digits.slice(zeroAt + 1);
  const [kept, dropped] = [digits, without].map((one) => {
    const parts = splitNumber(one);
    return parts !== undefined && isValid(...parts);
  });
  if (kept && dropped) return none("ambiguous");
  return kept ? digits : without;
};

/** RFC 3966 §5.1.5: `+49` is a country, `+4930` an area of it. */
const inContext = (digits: string, context: string, trace: Trace): International => {
  trace?.push(`phone-context: +${context}`);
  const parts = splitNumber(context);
  if (parts === undefined) return none("notInPlan");
  const [code, area] = parts;
  const region = regionOf(code);
  const national = area === "" && region !== undefined ? nationalForms(region).withoutPrefix(digits) : [];
  const found = new Set([`${area}${digits}`, ...national].filter((one) => isValid(code, one)));
  return only(new Set([...found].map((one) => `${code}${one}`)), "notInPlan");
};

const withoutPlus = (rules: Rules, digits: string, at: NumberPlace, trace: Trace): International => {
  const never = neverLeft(rules, digits);
  if (never !== undefined) return never;
  switch (at.source) {
    case "dialled":
      return dialled(rules, digits, at.trunk, trace);
    case "toTrunk":
      return throughTrunk(rules, digits, at.trunk, "any", "shortCode", trace);
    case "callerFromTrunk":
      return throughTrunk(rules, digits, at.trunk, "long", "tooShort", trace);
    case "calledFromTrunk":
      return calledByTrunk(rules, digits, at.trunk, trace);
    case "callerFromPbx":
      return callerOfPbx(rules, digits, at.trunk, trace);
  }
};

const neverLeft = (rules: Rules, digits: string): NoNumber | undefined => {
  if (EMERGENCY.has(digits)) return none("emergency");
  return rules.neverLeaves.dialled.some((pattern) => pattern.test(digits)) ? none("neverLeaves") : undefined;
};

/**
 * With an access code before it, what is left is read as the trunk reads it. Some exchanges record the number after the code
 * was taken off: a text that is a number both ways is none.
 */
const dialled = (rules: Rules, digits: string, trunk: string | undefined, trace: Trace): International => {
  if (rules.extensions.some(({ key }) => key.test(digits))) return none("extension");
  if (rules.plan.outside.length === 0) return throughTrunk(rules, digits, trunk, "any", "extension", trace);
  const readings = new Set(nationalReadings(rules, digits, "long", trace));
  for (const code of rules.plan.outside) {
    if (!digits.startsWith(code) || digits.length === code.length) continue;
    const rest = digits.slice(code.length);
    trace?.push(`access code ${code} for an outside line: ${rest} remains`);
    const one = neverLeft(rules, rest) ?? throughTrunk(rules, rest, trunk, "any", "shortCode", trace);
    if (typeof one === "string") readings.add(one);
    else if (one.why !== "notInPlan") return one;
  }
  return only(readings, shortOr(digits, "extension"));
};

/** Without a trunk's name: what all trunks make of it, if they make the same. */
const throughTrunk = (
  rules: Rules,
  digits: string,
  trunk: string | undefined,
  reach: Reach,
  short: NumberReason,
  trace: Trace,
): International => {
  const named = trunk === undefined ? undefined : rules.plan.trunks[trunk];
  const trunks = named === undefined ? rules.trunks : [named];
  const readings = trunks.map((one) => trunkReadings(rules, digits, one, reach, trace));
  const first = readings[0]!;
  if (readings.some((other) => !sameReadings(first, other))) {
    trace?.push("the trunks read it differently, and which one it was is not known");
    return none("ambiguous");
  }
  return only(first, rules.forms === undefined ? "noCountry" : shortOr(digits, short));
};

const sameReadings = (a: Readings, b: Readings): boolean => a.size === b.size && [...a].every((one) => b.has(one));

const calledByTrunk = (rules: Rules, digits: string, trunk: string | undefined, trace: Trace): International => {
  const prefix = trunk === undefined ? undefined : rules.plan.trunks[trunk]?.digitsToNumber[digits.length];
  if (prefix !== undefined) {
    trace?.push(`the trunk delivers ${digits.length} digits: ${prefix} stands before them`);
    return ownOnly(rules, `${prefix}${digits}`.slice(1));
  }
  const did = rules.dids.get(digits);
  if (did !== undefined) {
    trace?.push(`the exchange makes ${digits} of ${did.join(" and ")}`);
    return did.length === 1 ? did[0]!.slice(1) : none("ambiguous");
  }
  return throughTrunk(rules, digits, trunk, "own", "extension", trace);
};

const ownOnly = (rules: Rules, digits: string): International =>
  rules.plan.own.length === 0 || isWithin(rules.plan.own, `+${digits}`) ? digits : none("notOwn");

const callerOfPbx = (rules: Rules, digits: string, trunk: string | undefined, trace: Trace): International => {
  for (const { key, template } of rules.extensions) {
    const match = key.exec(digits);
    if (match === null) continue;
    const number = filled(template, match.slice(1));
    trace?.push(`extension ${digits} shows ${number}`);
    return number.slice(1);
  }
  return throughTrunk(rules, digits, trunk, "own", "extension", trace);
};

const only = (readings: ReadonlySet<string>, otherwise: NumberReason): International => {
  if (readings.size > 1) return none("ambiguous");
  const [one] = readings;
  return one ?? none(otherwise);
};

const SHORT_DIGITS_MAX = 6;
const shortOr = (digits: string, why: NumberReason): NumberReason =>
  digits.length <= SHORT_DIGITS_MAX ? why : "notInPlan";

const DIGITS_MIN = 7;
const DIGITS_MAX = 15;

/** The form of today, if it is one that may be asked for. */
const leaves = (rules: Rules, digits: string, trace: Trace): Outcome => {
  if (digits.startsWith("0")) return refused("notANumber", trace);
  if (digits.length < DIGITS_MIN) return refused("tooShort", trace);
  const folded = foldNumber(digits, rules.plan.folds);
  if (folded !== undefined) trace?.push(`${folded.why}: +${folded.digits}`);
  const now = folded?.digits ?? digits;
  if (now.length > DIGITS_MAX) return refused("tooManyDigits", trace);
  const number = `+${now}` as E164;
  if (rules.neverLeaves.whole.some((pattern) => pattern.test(number))) return refused("neverLeaves", trace);
  const parts = splitNumber(now);
  if (parts !== undefined && isPremium(...parts)) return refused("premium", trace);
  trace?.push(`number: ${number}`);
  return { number, why: undefined };
};

/**
 * Emergency numbers of the world that are dialled alike in many countries: a text of these digits is never read as a local
 * number. Other short codes are none because no plan makes a number of them.
 */
const EMERGENCY = new Set(
  "000 108 110 111 112 113 115 117 118 119 120 122 190 191 192 193 911 912 988 995 999".split(" "),
);
