/** Memory first, then the runtime this file runs on: both owe the same. */
import { strictEqual as same } from "node:assert";
import { Clock, Effect, Fiber } from "effect";
import { Entropy } from "../../actors/ports/mod.ts";
import { entropyLayer } from "../../runtime/entropy.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { test } from "../kit/harness.ts";
import { portLaws } from "../kit/port-laws.ts";

portLaws("memory", () => memoryLayer({ seed: 1, delayMs: [1, 30] }), runVirtual);
portLaws("sockets", () => nodeLayer());

const DRAWS = 64;
const drawn = (min: number, max: number, seed?: number) =>
  Effect.gen(function* () {
    const { between } = yield* Entropy;
    const list: Array<number> = [];
    for (let i = 0; i < DRAWS; i++) list.push(yield* between(min, max));
    return list;
  }).pipe(Effect.provide(entropyLayer(seed)), Effect.runPromise);

test("choices repeat with a seed; without one no seed of 32 bits can be behind them", async () => {
  same(String(await drawn(0, 1_000_000, 7)), String(await drawn(0, 1_000_000, 7)));
  same(new Set(await drawn(3, 4)).size, 2);
  // A generator with 32 bits to a draw leaves the lowest eight of forty at nothing.
  const low = (await drawn(0, 2 ** 40 - 1)).map((value) => value % 256);
  same(new Set(low).size > 1, true);
});

test("virtual time: an hour's sleep costs nothing, and sleepers wake in order", async () => {
  const woken = await runVirtual(
    Effect.gen(function* () {
      const before = yield* Clock.currentTimeMillis;
      const order: Array<string> = [];
      const nap = (name: string, ms: number) =>
        Effect.andThen(
          Effect.sleep(ms),
          Effect.sync(() => order.push(name)),
        );
      const fibers = [yield* Effect.forkChild(nap("b", 3_600_000)), yield* Effect.forkChild(nap("a", 1_000))];
      for (const fiber of fibers) yield* Fiber.join(fiber);
      same((yield* Clock.currentTimeMillis) - before, 3_600_000);
      return order.join("");
    }),
  );
  same(woken, "ab");
});

test("virtual time: a program that can never go on is reported", async () => {
  let why = "";
  await runVirtual(Effect.never).catch((error: Error) => {
    why = error.message;
  });
  same(why, "virtual time: nothing to do, and nobody sleeps");
});
