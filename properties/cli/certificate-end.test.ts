/** Of which certificates' ends an operator is warned, and how early. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { warnMs } from "../../runtime/metrics/certificates.ts";
import { test } from "../kit/harness.ts";

const DAY_MS = 86_400_000;

test("certificates: warned of 30 days before the end, or a third of the lifetime where that is less", () => {
  for (const [days, warned] of [
    [825, 30],
    [90, 30],
    [45, 15],
    [6, 2],
  ] as const)
    same(warnMs({ notBeforeMs: 0, notAfterMs: days * DAY_MS }), warned * DAY_MS, `${days} days`);
});

test("certificates: none is warned of in the first two thirds of its life", () => {
  fc.assert(
    fc.property(
      fc.nat(2 ** 42),
      fc.integer({ min: 1, max: 2 ** 42 }),
      fc.double({ min: 0, max: 0.66, noNaN: true }),
      (from, lasts, share) => {
        const validity = { notBeforeMs: from, notAfterMs: from + lasts };
        return validity.notAfterMs - (from + lasts * share) >= warnMs(validity);
      },
    ),
  );
});
