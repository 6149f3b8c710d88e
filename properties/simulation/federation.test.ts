/**
 * The whole federation of the demonstration in memory, on virtual time: enrolment, eight nodes, three companies, a thief
 * and a spammer, with delay on every stream. The same scenario, unchanged, that `vipr demo` runs on sockets.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { readFileSync } from "node:fs";
import { Effect, Layer, Logger } from "effect";
import { companiesOf } from "../../runtime/demo/domains.ts";
import { readDemoCalls } from "../../runtime/demo/records.ts";
import { brokenPromise, type Summary, tableOf } from "../../runtime/demo/report.ts";
import { runDemo } from "../../runtime/demo/scenario.ts";
import type { StoryStep } from "../../runtime/demo/story-steps.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";

const EXAMPLE = new URL("../examples/Master.csv", import.meta.url);

interface Played {
  readonly summary: Summary;
  /** Without the seconds that it took. */
  readonly table: string;
  /** Of the story, in the order of its chapters. */
  readonly steps: ReadonlyArray<string>;
}

const DELAY_MS = [1, 80] as const;
const federation = (seed: number): Promise<Played> =>
  runVirtual(
    Effect.gen(function* () {
      const steps: Array<string> = [];
      const listener = {
        phase: () => Effect.void,
        event: () => Effect.void,
        step: ({ chapter, n, text }: StoryStep) => Effect.sync(() => void steps.push(`${chapter} ${n} ${text}`)),
      };
      const { calls } = readDemoCalls(readFileSync(EXAMPLE))!;
      const report = yield* runDemo({ calls, companies: companiesOf(calls, [])! }, listener);
      return {
        summary: report.summary,
        table: tableOf(report).replace(/, [0-9.]+ s\./, ""),
        steps: steps.sort(),
      };
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(memoryLayer({ seed, delayMs: DELAY_MS }), Logger.layer([])))),
  );
let first: Promise<Played> | undefined;
const playedFirst = () => {
  first ??= federation(1);
  return first;
};

test("federation in memory: every route leads home, no intruder, no failed call", async () => {
  const { summary } = await playedFirst();
  same(brokenPromise(summary), undefined);
  same([summary.domains, summary.nodes, summary.published], [3, 8, 84]);
  ok(summary.validated >= 40, `validated ${summary.validated}`);
  ok(summary.routes >= 40, `routes ${summary.routes}`);
  ok(summary.sipCalls >= 30, `sipCalls ${summary.sipCalls}`);
  ok(summary.pstnFallbacks >= 5, `pstnFallbacks ${summary.pstnFallbacks}`);
  for (const [kind, refused] of Object.entries(summary.intrusions)) ok(refused > 0, `no ${kind} was tried`);
});

test("federation in memory: the same seed gives the same table and tells the same story to its end; fallbacks add up by reason", async () => {
  const [one, again] = [await playedFirst(), await federation(1)];
  same(again.table, one.table);
  same(again.steps, one.steps);
  const numbered = one.steps.map((step) => step.split(" ").slice(0, 2).join(" "));
  same(numbered, [
    "call 1",
    "call 2",
    "call 3",
    "call 4",
    "call 5",
    "call 6",
    "theft 1",
    "theft 2",
    "theft 3",
    "theft 4",
  ]);
  const { pstnFallbacks, pstnReasons } = one.summary;
  same(pstnReasons.foreign + pstnReasons.noRoute + pstnReasons.failedOver, pstnFallbacks);
  // Virtual time waits for nobody: what failed over are the calls to the border element that was cut off.
  same([pstnReasons.foreign > 0, pstnReasons.failedOver], [true, 3]);
});
