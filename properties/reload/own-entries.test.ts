/** What a node knows of its own entries over a restart: how many, until when, and the last storage time. */

import { ok, deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import fc from "fast-check";
import { StoreFailed, type StoreShape } from "../../actors/ports/mod.ts";
import { JoinFailed } from "../../actors/reload/mod.ts";
import { openOwnEntries } from "../../actors/reload/own-entries.ts";
import { nodeIdFrom } from "../../codecs/reload/mod.ts";
import { bytesOfBig } from "../../codecs/shared/mod.ts";
import { memoryStore, runVirtual } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";
import { overlayOf, testOverlay } from "./ring-of-nodes.ts";

const SELF = nodeIdFrom(5n);
const nameOf = (i: number) => ({ kind: 7, resource: bytesOfBig(BigInt(i), 16), place: String(i) });
const anyStep = fc.record({
  entry: fc.nat(3),
  lifetimeS: fc.integer({ min: 1, max: 100 }),
  exists: fc.boolean(),
  isStored: fc.boolean(),
  afterMs: fc.nat(40_000),
});
/** Each run of the process: what it does, and the time at which it starts, which may be before that of the last run. */
const anyRun = fc.record({
  startMs: fc.integer({ min: 1_000_000, max: 1_200_000 }),
  steps: fc.array(anyStep, { maxLength: 8 }),
});

// RFC 6940 §7, §13.5.3
test("RFC 6940 §7.4.1.1: storage times only grow, over restarts and clocks set back; entries are those a map would have", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyRun, { maxLength: 4 }), async (processes) => {
      const store = memoryStore();
      const model = new Map<number, { endMs: number; exists: boolean }>();
      let last = 0n;
      let latestMs = 0;
      for (const { startMs, steps } of processes)
        await runVirtual(
          Effect.gen(function* () {
            const own = yield* openOwnEntries(SELF, store);
            let nowMs = startMs;
            for (const { entry, lifetimeS, exists, isStored, afterMs } of steps) {
              yield* Effect.sleep(afterMs);
              nowMs += afterMs;
              const time = yield* own.begin(nameOf(entry), lifetimeS, exists);
              ok(time > last, `${time} after ${last}`);
              last = time;
              yield* own.settle(nameOf(entry), isStored);
              if (isStored) model.set(entry, { endMs: nowMs + lifetimeS * 1_000, exists });
            }
            // An entry that had expired may be forgotten, even if the clock is set back to before that.
            const isSetBack = nowMs < latestMs;
            latestMs = Math.max(latestMs, nowMs, startMs);
            if (isSetBack) return;
            const live = [...model].filter(([, { endMs, exists }]) => exists && endMs > nowMs);
            same(yield* own.used, live.length);
            for (const [entry, { endMs }] of live) same(own.lifeOf(nameOf(entry))?.endMs, endMs);
          }),
          startMs,
        );
    }),
    { numRuns: Math.min(runs, 1_000) },
  );
});

testOverlay(
  "a node whose store cannot be read does not join, and gives the reason",
  Effect.gen(function* () {
    const ring = yield* overlayOf(3);
    const broken = new StoreFailed({ reason: "corrupt", why: "database disk image is malformed" });
    const store: StoreShape = { ...memoryStore(), scan: () => Effect.fail(broken) };
    const failed = yield* Effect.flip(ring.join({ store }));
    ok(failed instanceof JoinFailed);
    same([failed.reason, failed.fault], ["store", "corrupt"]);
  }),
);
