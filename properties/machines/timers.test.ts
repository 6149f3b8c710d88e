/** The ring of a mailbox and the timers that all roles share, each beside a model that is too simple to be wrong. */
import { deepStrictEqual as same } from "node:assert";
import { Clock, Effect } from "effect";
import fc from "fast-check";
import { mailbox } from "../../actors/kit/mod.ts";
import { Ring } from "../../actors/kit/ring.ts";
import { runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";

test("kit: a ring is a list that refuses what goes beyond its limit", () => {
  const limits = fc.integer({ min: 1, max: 40 });
  const steps = fc.array(fc.option(fc.nat(1_000), { nil: undefined }), { maxLength: 200 });
  fc.assert(
    fc.property(limits, steps, (limit, pushed) => {
      const ring = new Ring<number>(limit);
      const list: Array<number> = [];
      for (const value of pushed) {
        if (value === undefined) same(ring.shift(), list.shift());
        else {
          same(ring.push(value), list.length < limit);
          if (list.length < limit) list.push(value);
        }
        same(ring.isEmpty, list.length === 0);
      }
      while (list.length > 0) same(ring.shift(), list.shift());
      same(ring.shift(), undefined);
    }),
    { numRuns: runs },
  );
});

type Act =
  | { readonly type: "start"; readonly timer: string; readonly ms: number }
  | { readonly type: "stop"; readonly timer: string }
  | { readonly type: "wait"; readonly ms: number };

const timer = fc.constantFrom("a", "b", "c", "d", "e", "f", "g");
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ type: fc.constant("start" as const), timer, ms: fc.integer({ min: 0, max: 50 }) }),
  fc.record({ type: fc.constant("stop" as const), timer }),
  fc.record({ type: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 30 }) }),
);
const LONGER_MS = 1_000;

/** What fires and when, by a table that is sorted anew for each wait. */
const model = (acts: ReadonlyArray<Act>): ReadonlyArray<readonly [string, number]> => {
  let table: Array<readonly [timer: string, dueMs: number]> = [];
  const heard: Array<readonly [string, number]> = [];
  let nowMs = 0;
  for (const what of [...acts, { type: "wait" as const, ms: LONGER_MS }]) {
    if (what.type === "wait") {
      nowMs += what.ms;
      table.sort(([, a], [, b]) => a - b);
      heard.push(...table.filter(([, dueMs]) => dueMs <= nowMs));
      table = table.filter(([, dueMs]) => dueMs > nowMs);
      continue;
    }
    table = table.filter(([name]) => name !== what.timer);
    if (what.type === "start") table.push([what.timer, nowMs + what.ms]);
  }
  return heard;
};

test("kit: timers fire at their instant, in order of due time and of start, whatever is started and stopped between", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 60 }), async (acts) => {
      const heard: Array<readonly [string, number]> = [];
      const program = Effect.gen(function* () {
        const startMs = yield* Clock.currentTimeMillis;
        const box = yield* mailbox<readonly [string, number]>(1_000);
        // Longer than it waits by a hair, so that what is due at the end of a wait has fired before what follows it.
        for (const what of [...acts, { type: "wait" as const, ms: LONGER_MS }]) {
          if (what.type === "start") yield* box.startTimer(what.timer, what.ms, (atMs) => [what.timer, atMs - startMs]);
          else if (what.type === "stop") yield* box.stopTimer(what.timer);
          else {
            yield* Effect.sleep(what.ms);
            yield* Effect.sleep(0);
            for (let one = box.events.nextNow(); one !== undefined; one = box.events.nextNow()) heard.push(one);
          }
        }
      });
      await runVirtual(Effect.scoped(program));
      same(heard, model(acts));
    }),
    { numRuns: runs },
  );
});

test("kit: timers of a thousand roles that begin and end at random leave nothing behind", async () => {
  const heard: Array<number> = [];
  await runVirtual(
    Effect.gen(function* () {
      const role = (n: number) =>
        Effect.scoped(
          Effect.gen(function* () {
            const box = yield* mailbox<number>(1);
            yield* box.startTimer("late", 10_000 + n, -1);
            yield* box.startTimer("soon", 5 + (n % 7), n);
            heard.push(yield* box.next);
          }),
        );
      yield* Effect.forEach(
        Array.from({ length: 1_000 }, (_, n) => n),
        role,
        { concurrency: "unbounded", discard: true },
      );
      yield* Effect.sleep(60_000);
    }),
  );
  same(heard.length, 1_000);
  same(
    [...heard].sort((a, b) => a - b),
    Array.from({ length: 1_000 }, (_, n) => n),
  );
  same(
    heard,
    [...heard].sort((a, b) => (a % 7) - (b % 7) || a - b),
  );
});
