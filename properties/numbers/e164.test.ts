/** A whole number as a person types it: `codecs/shared/e164.ts`. */
import { equal } from "node:assert";
import { maskE164, normalizeE164 } from "../../codecs/shared/mod.ts";
import { test } from "../kit/harness.ts";

test("numbers: an operator types + or 00; digits alone are for a dial plan to read", () => {
  for (const text of ["+14085555432", "0014085555432", " +1 (408) 555-5432 ", "00 1 408.555.5432"])
    equal(normalizeE164(text), "+14085555432");
  for (const text of ["14085555432", "7042", "2015550123", "949305550901", "0305550901", "+1408555543x", "+", ""])
    equal(normalizeE164(text), undefined, text);
  equal(maskE164("+14085555432"), "+14…32");
});
