/** A telephone number in its one normal form: `+` and 1 to 15 digits, no leading zero. ITU-T E.164 §6. */
import type { Branded } from "./brand.ts";

/** Made by the functions below only, so that no other text is taken for a number. */
export type E164 = Branded<string, "E164">;

const DIGITS_MAX = 15;
const E164_FORM = /^\+[1-9][0-9]{0,14}$/;

/** True for `+` and 1 to 15 digits without a leading zero, and nothing around them. */
export const isE164 = (text: string): text is E164 => E164_FORM.test(text);

/** A number that the program itself contains. Throws for any other text: what comes from outside goes through `isE164`. */
export const e164 = (text: string): E164 => {
  if (!isE164(text)) throw new Error("not an E.164 number");
  return text;
};

/** From its digits as an integer; the inverse of `Number`. */
export const e164FromDigits = (digits: number): E164 => `+${digits}` as E164;

/**
 * A whole number as a person types it: `+` or `00`, then digits, spaces, dots, hyphens and brackets. Digits alone are none: what
 * they mean is for a dial plan to say (`codecs/numbers`).
 */
export const normalizeE164 = (text: string): E164 | undefined => {
  const bare = text.trim().replace(/[\s().-]/g, "");
  const plus = bare.startsWith("00") ? `+${bare.slice(2)}` : bare;
  return plus.length <= DIGITS_MAX + 1 && isE164(plus) ? plus : undefined;
};

/** For logs: country and last digits only, never the whole number. `+14085555432` -> `+14…32`. */
export const maskE164 = (number: string): string =>
  number.length < 6 ? "+…" : `${number.slice(0, 3)}…${number.slice(-2)}`;
