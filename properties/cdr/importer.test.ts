/** Call records brought in: problems are told line by line, and a file without a call is a clear failure. */
import { deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import { importCdr } from "../../actors/cdr/mod.ts";
import { printAsterisk } from "../../codecs/cdr/mod.ts";
import { testEffect } from "../kit/harness.ts";

const times = ["2011-04-04 08:00:00", "2011-04-04 08:00:10", "2011-04-04 08:01:10"];
const row = (dst: string) =>
  printAsterisk(["", "", dst, "", "", "", "", "", "", ...times, "70", "60", "ANSWERED", "DOCUMENTATION"]);

testEffect(
  "cdr: what can be read is, whatever the pieces",
  Effect.gen(function* () {
    const text = `${row("+49305550001")}nonsense\n${row("+49305550002")}`;
    const { calls, problems } = yield* importCdr([text.slice(0, 50), text.slice(50)]);
    same(
      [calls.map(({ line }) => line), problems.map(({ line, reason }) => `${line}: ${reason}`)],
      [[1, 3], ["2: 1 fields, too few"]],
    );
  }),
);
testEffect(
  "cdr: a file of no use fails with its first problem",
  Effect.gen(function* () {
    const failed = yield* Effect.flip(importCdr(["a,b\n", row("s")]));
    same([failed._tag, failed.first], ["NoUsableCalls", { line: 1, kind: "error", reason: "2 fields, too few" }]);
    same((yield* Effect.flip(importCdr([]))).first, undefined);
    same((yield* Effect.flip(importCdr([row("+49305550001")], { zone: "Nowhere" }))).why, "unknown time zone Nowhere");
  }),
);
