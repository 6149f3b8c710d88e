/** Our steps are XState's, on random charts: the machines' own laws hold those of the project to the same. */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import { byXState } from "../kit/by-xstate.ts";
import { isWhole, runs, test } from "../kit/harness.ts";
import { type AnyMachine, anyEvents, anyMachine, type ChartEvent } from "./charts.ts";

/** 5,000 in the whole suite. */
const CHARTS = runs * (isWhole ? 50 : 10);

/** The snapshots' value, status and context and the orders of each step. */
const trace = (machine: Pick<AnyMachine, "start" | "step">, input: number, events: ReadonlyArray<ChartEvent>) => {
  let now = machine.start(input);
  const seen = [now];
  for (const event of events) {
    if (now.snapshot.status !== "active") break;
    now = machine.step(now.snapshot, event);
    seen.push(now);
  }
  return seen.map(({ snapshot: { value, status, context }, actions }) => ({ value, status, context, actions }));
};

test("charts: the steps of random charts are those that XState makes of their definitions", () => {
  const met = { nested: 0, always: 0, done: 0, notes: 0 };
  fc.assert(
    fc.property(anyMachine, fc.nat(6), anyEvents, (machine, input, events) => {
      const ours = trace(machine, input, events);
      assert.deepEqual(ours, trace(byXState(machine), input, events));
      met.nested += ours.some(({ value }) => typeof value !== "string") ? 1 : 0;
      met.always += ours.some(({ context }) => context.log.includes("always")) ? 1 : 0;
      met.done += ours.some(({ status }) => status === "done") ? 1 : 0;
      met.notes += ours.some(({ actions }) => actions.some(({ type }) => type === "note")) ? 1 : 0;
    }),
    { numRuns: CHARTS },
  );
  for (const [what, times] of Object.entries(met))
    assert.ok(times > CHARTS / 100, `${what} was met ${times} times only`);
});
