/** What commands write: nothing that others wrote is an order to the terminal that shows it. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { harmless } from "../../runtime/cli/output.ts";
import { runs, test } from "../kit/harness.ts";

test("a peer's words cannot clear the screen, write over a line, or turn the writing round", () => {
  same(harmless("refused (\u001b[2Jfine\r\u009b1m\u202e)"), "refused (\\u001b[2Jfine\\u000d\\u009b1m\\u202e)");
  same(harmless("two lines\n\tand a tab: +1408…"), "two lines\n\tand a tab: +1408…");
});

test("JSON is the same value as before, and holds no control character", () =>
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" })), (words) => {
      const text = harmless(JSON.stringify(words));
      same(JSON.parse(text), words);
      same(/\p{Cc}/u.test(text), false);
    }),
    { numRuns: runs },
  ));
