/**
 * The whole federation of the demonstration in memory, on virtual time: enrolment, eight nodes, three companies, a thief
 * and a spammer, with delay on every stream. The same scenario, unchanged, that `vipr demo` runs on sockets.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { readFileSync } from "node:fs";
import { Effect, Layer, Logger } from "effect";
import { companiesOf } from "../../runtime/demo/domains.ts";
import { readDemoCalls } from "../../runtime/demo/records.ts";
import { brokenPromise, type Summary } from "../../runtime/demo/report.ts";
import { runDemo } from "../../runtime/demo/scenario.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";

const EXAMPLE = new URL("../examples/Master.csv", import.meta.url);
const silent = { phase: () => Effect.void, event: () => Effect.void };

const federation = (seed: number, delayMs: readonly [number, number]): Promise<Summary> =>
  runVirtual(
    Effect.gen(function* () {
      const { calls } = readDemoCalls(readFileSync(EXAMPLE))!;
      const { summary } = yield* runDemo({ calls, companies: companiesOf(calls, [])! }, silent);
      return summary;
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(memoryLayer({ seed, delayMs }), Logger.layer([])))),
  );

for (const [seed, delayMs] of [
  [1, [1, 10]],
  [2, [20, 80]],
] as const)
  test(`federation in memory, seed ${seed}, ${delayMs.join("-")} ms: every route leads home, no intruder, no failed call`, async () => {
    const summary = await federation(seed, delayMs);
    same(brokenPromise(summary), undefined);
    same([summary.domains, summary.nodes, summary.published], [3, 8, 84]);
    ok(summary.validated >= 40, `validated ${summary.validated}`);
    ok(summary.routes >= 40, `routes ${summary.routes}`);
    ok(summary.sipCalls >= 30, `sipCalls ${summary.sipCalls}`);
    ok(summary.pstnFallbacks >= 5, `pstnFallbacks ${summary.pstnFallbacks}`);
    for (const [kind, refused] of Object.entries(summary.intrusions)) ok(refused > 0, `no ${kind} was tried`);
  });
