/** What turns hold back goes out once: with the write, or when its time is over, whatever else is held meanwhile. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Clock, Effect, Scheduler } from "effect";
import fc from "fast-check";
import { timersOf } from "../../actors/kit/timers.ts";
import { ANSWER_HELD_MS_MAX, END_HELD_MS_MAX, openHeldTurns } from "../../actors/proxy/held-turns.ts";
import { runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";

const turns = fc.array(
  fc.record({
    isEnd: fc.boolean(),
    gapMs: fc.nat(700),
    /** When the write is done; undefined: never. */
    writtenMs: fc.option(fc.nat(3_000), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 20 },
);

test("held turns: each goes out once, with its write or at its time, and what the scope leaves goes out at its end", () =>
  fc.assert(
    fc.asyncProperty(turns, fc.nat(3_000), async (given, restMs) => {
      const out = new Map<number, number>();
      let startMs: ReadonlyArray<number> = [];
      let endMs = 0;
      const program = Effect.gen(function* () {
        const clock = yield* Clock.Clock;
        const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6;
        const timers = timersOf(clock, yield* Scheduler.Scheduler);
        const held = openHeldTurns(timers, nowMs);
        for (const [i, { isEnd, gapMs, writtenMs }] of given.entries()) {
          yield* Effect.sleep(gapMs);
          startMs = [...startMs, nowMs()];
          const release = held.hold(isEnd, () => {
            same(out.has(i), false);
            out.set(i, nowMs());
          });
          if (writtenMs !== undefined) timers.start(writtenMs, release);
        }
        yield* Effect.sleep(restMs);
        held.releaseAll();
        endMs = nowMs();
        yield* Effect.sleep(2 * END_HELD_MS_MAX);
      });
      await runVirtual(program);
      for (const [i, { isEnd, writtenMs = Number.POSITIVE_INFINITY }] of given.entries()) {
        const wantedMs = startMs[i]! + Math.min(writtenMs, isEnd ? END_HELD_MS_MAX : ANSWER_HELD_MS_MAX);
        const late = out.get(i)! - Math.min(wantedMs, endMs);
        ok(Math.abs(late) <= 1, `turn ${i} went out ${late} ms late`);
      }
    }),
    { numRuns: runs },
  ));
