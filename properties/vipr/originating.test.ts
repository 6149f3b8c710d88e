/** Validations under way: how many claims are tried at once, and what one call asks of the overlay. */
import { ok, deepStrictEqual as same } from "node:assert";
import { Effect, Layer, Logger } from "effect";
import { openOriginating } from "../../actors/vipr/originating.ts";
import { ATTEMPTS_AT_ONCE_MAX } from "../../actors/vipr/proving.ts";
import { openRecords } from "../../actors/vipr/records.ts";
import { e164, nodeIdFrom, vserviceId } from "../../codecs/shared/mod.ts";
import { CLAIMS_MAX, callStore, ROUND_MS } from "../../machines/validation/mod.ts";
import type { ViprEvent } from "../../machines/vipr/mod.ts";
import { memoryLayer, runVirtual } from "../../runtime/memory.ts";
import { test } from "../kit/harness.ts";
import { sentCall } from "../validation/arbitrary.ts";

const HOST = "vipr.test";

/** Their claims are four times what is tried at once. */
const CALLS = 64;

test("originating: a call has its turn for all of its claims, and they of all calls are not too many", () =>
  runVirtual(
    Effect.gen(function* () {
      let [atOnce, most] = [0, 0];
      const events: Array<ViprEvent> = [];
      const originating = yield* openOriginating(
        {
          nodeId: nodeIdFrom(1n),
          waitBetweenMs: [1_000, 1_000],
          requiredBits: 12,
          roundMs: ROUND_MS,
          isPrivate: () => false,
          domainOf: () => "a.example",
          learned: () => Effect.void,
          watch: (event) => Effect.sync(() => void events.push(event)),
        },
        {
          // Half of the numbers are claimed by as many as may be, the others by one.
          lookUp: (number) => {
            const claims = number.endsWith("0") ? CLAIMS_MAX : 1;
            return Effect.succeed(
              Array.from({ length: claims }, (_, i) => ({ nodeId: nodeIdFrom(BigInt(i)), vservice: vserviceId(7n) })),
            );
          },
          resolve: () =>
            Effect.gen(function* () {
              atOnce += 1;
              most = Math.max(most, atOnce);
              yield* Effect.ensuring(
                Effect.never,
                Effect.sync(() => {
                  atOnce -= 1;
                }),
              );
              return { host: HOST, port: 1 };
            }),
        },
        yield* Effect.orDie(openRecords(undefined, callStore([]))),
      );
      for (let i = 0; i < CALLS; i++) yield* originating.take({ ...sentCall, called: e164(`+1555${i}${i % 2}`) });
      yield* Effect.sleep(600_000);
      ok(most > ATTEMPTS_AT_ONCE_MAX - CLAIMS_MAX && most <= ATTEMPTS_AT_ONCE_MAX, `${most} at once`);
      const ended = events.filter(({ type }) => type === "attempted").length;
      same([ended, yield* originating.underWay], [(CALLS / 2) * (CLAIMS_MAX + 1), 0]);
    }).pipe(Effect.scoped, Effect.provide(Layer.mergeAll(memoryLayer({ seed: 3 }), Logger.layer([])))),
  ));
