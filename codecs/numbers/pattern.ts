/**
 * Patterns of digits, as dial plans have them: `X` is any digit, a final `*` any number of further digits.
 *
 *   2XX -> 201        +4930555* -> +49305550901
 */
import type { NumberReason } from "./reasons.ts";

const FORM = /^\+?[0-9Xx]+\*?$|^\*$/;
const PATTERN_CHARS_MAX = 32;

/** At most 32 characters: a + or none, digits and X, and a * at the end or none; or the * alone. */
export const isPattern = (text: string): boolean => text.length <= PATTERN_CHARS_MAX && FORM.test(text);

/** Each X of the pattern is a group. */
export const patternOf = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replace("+", "\\+").replace(/X/gi, "([0-9])").replace("*", "[0-9]*")}$`);

const expressions = new Map<string, RegExp>();
const EXPRESSIONS_MAX = 10_000;

/** For lists that are asked again and again. */
export const matchesPattern = (pattern: string, text: string): boolean => {
  const known = expressions.get(pattern);
  if (known !== undefined) return known.test(text);
  if (expressions.size >= EXPRESSIONS_MAX) expressions.clear();
  const made = patternOf(pattern);
  expressions.set(pattern, made);
  return made.test(text);
};

/** The digits that stood at each X of the pattern, put for each X of the template, from the left. */
export const filled = (template: string, digits: ReadonlyArray<string>): string => {
  let at = 0;
  return template.replace(/X/gi, () => digits[at++] ?? "");
};

export const countX = (text: string): number => text.match(/X/gi)?.length ?? 0;

/** What is known of a text without a number that it could stand for. */
export interface NoNumber {
  readonly type: "none";
  readonly why: NumberReason;
}
export const none = (why: NumberReason): NoNumber => ({ type: "none", why });
