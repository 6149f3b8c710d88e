/** A dial plan is plain data, and each mistake in it has its path: `codecs/numbers/plan.ts`. */
import { equal, ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { type DialPlanInput, defaultPlan, dialPlan, rangeOf } from "../../codecs/numbers/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { acme, berlin } from "./arbitrary.ts";

const wrongIn = (input: DialPlanInput) => (dialPlan(input).errors ?? []).map(({ path }) => path.join("."));

test("numbers: a plan is plain data", () => {
  same(structuredClone(acme), acme);
  same(structuredClone(berlin), berlin);
  same(dialPlan({}).plan, defaultPlan);
});

test("numbers: each mistake of a plan has its path", () => {
  same(wrongIn({ country: "Germany" }), ["country"]);
  same(wrongIn({ country: "toString" }), ["country"]);
  same(wrongIn({ area: "30" }), ["area"]);
  same(wrongIn({ country: "DE", area: "030/" }), ["area"]);
  same(wrongIn({ outside: ["9", "+9"], international: [""], nationalPrefix: ["123456789"] }), [
    "outside.1",
    "international.0",
    "nationalPrefix.0",
  ]);
  same(wrongIn({ own: ["+14085550200", "14085550201"] }), ["own.1"]);
  same(wrongIn({ extensions: { "2XX": "+14085550", "2": "+14085550201", x: "+1408555020X", "9+": "+1" } }), [
    "extensions.2XX",
    "extensions.9+",
  ]);
  same(wrongIn({ dids: { "14085550201": "201", "+14085550202": "2 0 2" } }), ["dids.14085550201", "dids.+14085550202"]);
  same(wrongIn({ neverLeaves: ["1900*", "*", "19*0"], folds: ["MX", "XX"] }), ["neverLeaves.2", "folds.1"]);
  same(wrongIn({ trunks: { a: { digitsToNumber: { "4": "+1408555", "0": "+1", "3": "1408555" } } } }), [
    "trunks.a.digitsToNumber.0",
    "trunks.a.digitsToNumber.3",
  ]);
});

test("numbers: a range has two ends of one length, the lower first", () => {
  same(rangeOf("+14085550200..+14085550499"), { from: "+14085550200", to: "+14085550499" });
  same(rangeOf(" +14085550200 .. +14085550200 "), { from: "+14085550200", to: "+14085550200" });
  for (const text of ["+1408555..+14085550200", "+14085550499..+14085550200", "+1..+2..+3", "", "..", "+1408555020X"])
    equal(rangeOf(text), undefined, text);
});

test("numbers: any input is a plan or has mistakes, and never an exception", () => {
  const text = fc.string({ unit: fc.constantFrom("+", "1", "4", "X", "*", ".", "a", "-", "_"), maxLength: 16 });
  const texts = fc.array(text, { maxLength: 3 });
  const table = fc.dictionary(text, text, { maxKeys: 3 });
  const input = fc.record(
    {
      ...{
        country: fc.oneof(text, fc.constantFrom("DE", "US", "XX")),
        area: text,
        outside: texts,
        international: texts,
      },
      ...{ nationalPrefix: texts, own: texts, extensions: table, dids: table, neverLeaves: texts, folds: texts },
      trunks: fc.dictionary(text, fc.record({ digitsToNumber: table }), { maxKeys: 2 }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(input, (one) => {
      const { plan, errors } = dialPlan(one);
      equal(plan === undefined, errors !== undefined);
      ok(errors === undefined || errors.length > 0);
    }),
    { numRuns: runs },
  );
});
