/** Which company has which numbers: by given prefixes, the example's, or blocks found in the file. */

import { deepStrictEqual as same } from "node:assert";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { e164, unixMs } from "../../codecs/shared/mod.ts";
import { canCallEachOther, companiesOf, readPrefixes } from "../../runtime/demo/domains.ts";
import { exampleCalls } from "../../runtime/demo/example.ts";
import type { DemoCall } from "../../runtime/demo/records.ts";
import { runs, test } from "../kit/harness.ts";

const call = (calling: string | undefined, called: string): DemoCall => ({
  line: 1,
  calling: calling === undefined ? undefined : e164(calling),
  called: e164(called),
  startMs: unixMs(0),
  durationMs: 60_000,
});
const numbersOf = (calls: ReadonlyArray<DemoCall>, prefixes: Parameters<typeof companiesOf>[1] = []) =>
  companiesOf(calls, prefixes)?.map(({ domain, numbers }) => [domain, ...[...numbers].sort()]);

test("domains: the example's prefixes serve as soon as two of them have numbers", () => {
  same(numbersOf([call(e164("+14085550001"), e164("+49305550001")), call(undefined, e164("+12125550001"))]), [
    ["acme.example", e164("+14085550001")],
    ["nord.example", e164("+49305550001")],
    ["sakura.example"],
  ]);
});

test("domains: otherwise the three largest blocks of ten thousand numbers", () => {
  const block = (prefix: string, size: number) => Array.from({ length: size }, (_, i) => `${prefix}${1000 + i}`);
  const [a, b, c, d] = [
    block(e164("+33123"), 5),
    block(e164("+39066"), 4),
    block(e164("+3222"), 3),
    block(e164("+4420"), 2),
  ];
  const calls = [...a, ...b, ...c, ...d].map((number) => call(undefined, number));
  same(numbersOf(calls), [
    ["acme.example", ...a],
    ["nord.example", ...b],
    ["sakura.example", ...c],
  ]);
});

test("domains: given prefixes decide, and overlap with nothing else", () => {
  const given = ["x.example=+331", "y.example=+332,+333", "z.example=+4"].map((text) => readPrefixes(text)!);
  same(numbersOf([call(e164("+3310"), e164("+3330")), call(e164("+3320"), e164("+40"))], given), [
    ["x.example", e164("+3310")],
    ["y.example", e164("+3320"), e164("+3330")],
    ["z.example", e164("+40")],
  ]);
  for (const bad of ["", "x.example", "x.example=", "x.example=33", "x=+33", "x.example=+33,", "X.example=+1"])
    same(readPrefixes(bad), undefined);
});

test("domains: whatever the file, no number has two owners", () => {
  const number = fc.integer({ min: 1_000_000, max: 1_000_400 }).map((digits) => `+${digits}`);
  const calls = fc.array(
    fc.tuple(number, number).map(([from, to]) => call(from, to)),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(calls, (list) => {
      const companies = companiesOf(list, []) ?? [];
      const owned = companies.flatMap(({ numbers }) => [...numbers]);
      same(new Set(owned).size, owned.length);
      if (companies.length > 0) same(canCallEachOther(companies), true);
    }),
    { numRuns: runs },
  );
});

test("example: what the demonstration plays by itself is the file that others may read", () =>
  same(exampleCalls(), readFileSync(new URL("../examples/Master.csv", import.meta.url), "utf8")));
