/** The publisher hosted: its pace, measured on a virtual clock. */

import * as assert from "node:assert/strict";
import { Clock, Effect, Exit } from "effect";
import { openPublisher } from "../../actors/vap/mod.ts";
import { e164, vserviceId } from "../../codecs/shared/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";

test("a hundred numbers take as long as ten stores a second take, and are stored again in time", async () => {
  const storedAtMs: Array<number> = [];
  const program = Effect.gen(function* () {
    let away = false;
    const publisher = yield* openPublisher({
      storesPerSecond: 10,
      dhtLifetimeS: 3_600,
      store: () =>
        Effect.gen(function* () {
          if (away) return yield* Effect.fail({ why: "away" });
          storedAtMs.push(yield* Clock.currentTimeMillis);
        }),
    });
    const numbers = Array.from({ length: 100 }, (_, i) => e164(`+1408555${1000 + i}`));
    const from = yield* Clock.currentTimeMillis;
    yield* Effect.forEach(numbers, (number) => publisher.publish(vserviceId(1n), number), { concurrency: "unbounded" });
    const tookMs = (yield* Clock.currentTimeMillis) - from;
    assert.ok(tookMs >= 8_000 && tookMs <= 8_200, `${tookMs} ms`);
    yield* Effect.sleep(3_600_000);
    assert.equal(storedAtMs.length, 200);
    yield* publisher.withdraw(vserviceId(1n));
    yield* Effect.sleep(3_600_000);
    assert.equal(storedAtMs.length, 200);
    away = true;
    const refused = yield* Effect.exit(publisher.publish(vserviceId(1n), e164("+14085550001")));
    assert.ok(Exit.isFailure(refused));
  });
  await runVirtual(Effect.provide(Effect.scoped(program), memoryLayer({ seed: 2 })));
});

test("an overlay that takes half a second for each store is asked at its rate all the same", async () => {
  const program = Effect.gen(function* () {
    const publisher = yield* openPublisher({ storesPerSecond: 10, store: () => Effect.sleep(500) });
    const numbers = Array.from({ length: 100 }, (_, i) => e164(`+1408555${1000 + i}`));
    const from = yield* Clock.currentTimeMillis;
    yield* Effect.forEach(numbers, (number) => publisher.publish(vserviceId(1n), number), { concurrency: "unbounded" });
    const tookMs = (yield* Clock.currentTimeMillis) - from;
    // A burst of twenty at eight in half a second, and ten a second.
    assert.ok(tookMs >= 8_500 && tookMs <= 9_200, `${tookMs} ms`);
  });
  await runVirtual(Effect.provide(Effect.scoped(program), memoryLayer({ seed: 2 })));
});
