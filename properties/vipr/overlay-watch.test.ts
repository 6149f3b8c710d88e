/** Whether a server still has its overlay: told once for each loss, and never for a short one. */
import { deepStrictEqual as same } from "node:assert";
import { Effect, Layer, Logger } from "effect";
import fc from "fast-check";
import { OVERLAY_LOST_MS, type WatchedNode, watchOverlay } from "../../actors/vipr/overlay-watch.ts";
import { nodeIdFrom } from "../../codecs/shared/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";

const virtually = <A, E>(body: Effect.Effect<A, E, any>): Promise<A> =>
  runVirtual(
    Effect.scoped(Effect.provide(body, Layer.merge(memoryLayer({ seed: 3 }), Logger.layer([])))) as Effect.Effect<A, E>,
  );
const NEIGHBOUR = [nodeIdFrom(7n)];
type Condition = "linked" | "alone" | "out";
const nodeIn = (now: () => Condition): WatchedNode => ({
  status: Effect.sync(() => ({
    state: now() === "out" ? ("joining" as const) : ("settled" as const),
    linked: now() === "linked" ? NEIGHBOUR : [],
  })),
});

const LOOK_MS = 5_000;
const history = fc.array(
  fc.tuple(fc.constantFrom<Condition>("linked", "alone", "out"), fc.integer({ min: 1, max: 150 })),
  { minLength: 1, maxLength: 8 },
);

test("the overlay counts as lost after five minutes without it in a row, once, until it is there again", () =>
  fc.assert(
    fc.asyncProperty(history, (parts) =>
      virtually(
        Effect.gen(function* () {
          let now: Condition = "linked";
          let told = 0;
          const { whyLost } = yield* watchOverlay([nodeIn(() => now)], () => Effect.sync(() => void told++));
          yield* Effect.sleep(LOOK_MS); // it has seen a neighbour
          let [awayMs, losses] = [0, 0];
          yield* Effect.sleep(LOOK_MS / 2); // between two looks
          for (const [condition, looks] of parts) {
            now = condition;
            yield* Effect.sleep(looks * LOOK_MS);
            const before = awayMs;
            awayMs = condition === "linked" ? 0 : awayMs + looks * LOOK_MS;
            // The first look begins the count.
            if (before - LOOK_MS < OVERLAY_LOST_MS && awayMs - LOOK_MS >= OVERLAY_LOST_MS) losses += 1;
            same([told, whyLost() !== undefined], [losses, awayMs - LOOK_MS >= OVERLAY_LOST_MS]);
          }
        }),
      ),
    ),
    { numRuns: runs },
  ));

test("a node that has been alone from its start has lost nothing; with several nodes all must have lost it", () =>
  virtually(
    Effect.gen(function* () {
      let told = 0;
      const lost = () => Effect.sync(() => void told++);
      yield* watchOverlay([nodeIn(() => "alone")], lost);
      let second: Condition = "linked";
      const { whyLost } = yield* watchOverlay([nodeIn(() => "out"), nodeIn(() => second)], lost);
      yield* Effect.sleep(4 * OVERLAY_LOST_MS);
      same([told, whyLost()], [0, undefined]);
      second = "alone";
      yield* Effect.sleep(4 * OVERLAY_LOST_MS);
      same([told, whyLost()], [1, "the overlay is lost: the node is not in the ring"]);
    }),
  ));
