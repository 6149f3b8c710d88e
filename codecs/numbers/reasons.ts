/** Why a text is no number that may be asked for in the overlay: a closed list of codes, and a sentence of each for people. */

const SENTENCES = {
  empty: "there is no number in it",
  withheld: "the caller's number is withheld or not known",
  letters: "letters are not read as digits",
  featureCode: "it has * or #: a code for the exchange",
  notANumber: "it is written as no number is",
  tooLong: "the text is longer than any number is written",
  tooManyDigits: "it has more than 15 digits",
  tooShort: "it has fewer digits than any number of the telephone network",
  extension: "it is an extension, inside the exchange, and the dial plan names no number for it",
  emergency: "it is an emergency number, which differs from place to place",
  shortCode: "it is a short code, which differs from place to place",
  premium: "it is a premium-rate number",
  neverLeaves: "the dial plan says that it never leaves",
  noCountry: "it has no + and the dial plan names no country",
  notInPlan: "it has no + and the dial plan does not make a number of it",
  ambiguous: "the dial plan makes more than one number of it",
  notOwn: "what it stands for is none of the company's own numbers",
} as const;

/** The code of a reason; `reasonText` has its sentence. */
export type NumberReason = keyof typeof SENTENCES;

/** All of them. */
export const NUMBER_REASONS = Object.keys(SENTENCES) as ReadonlyArray<NumberReason>;

/** For a person, after the text and a colon. */
export const reasonText = (why: NumberReason): string => SENTENCES[why];
