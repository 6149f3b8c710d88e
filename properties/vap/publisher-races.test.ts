/** The hosted publisher where the overlay answers its stores in any order, by fast-check's scheduler. */
import { deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import fc from "fast-check";
import { openPublisher } from "../../actors/vap/mod.ts";
import { type E164, e164, vserviceId } from "../../codecs/shared/mod.ts";
import { STORES_AT_ONCE_MAX } from "../../machines/vap/mod.ts";
import { nodeLayer } from "../../runtime/node.ts";
import { runs, test } from "../kit/harness.ts";

const VSERVICE = vserviceId(1n);
/** Few numbers, so that many are published twice while they are being stored. */
const number = fc.integer({ min: 0, max: 11 }).map((n) => e164(`+140855500${10 + n}`));
/** A withdrawal is in the midst of them. */
const script = fc.array(fc.oneof({ weight: 12, arbitrary: number }, fc.constant("withdraw" as const)), {
  maxLength: 24,
});

test("publisher: whichever store is answered first, none of a number begins before its last has ended, and everybody has an answer", () =>
  fc.assert(
    fc.asyncProperty(fc.scheduler(), script, async (scheduler, orders) => {
      const underWay = new Set<E164>();
      const stored: Array<E164> = [];
      const faults: Array<string> = [];
      const store = (_: unknown, asked: E164) =>
        Effect.promise(async () => {
          if (underWay.has(asked)) faults.push(`${asked} is stored twice at once`);
          underWay.add(asked);
          if (underWay.size > STORES_AT_ONCE_MAX) faults.push(`${underWay.size} at once`);
          await scheduler.schedule(Promise.resolve(), `stored ${asked}`);
          underWay.delete(asked);
          stored.push(asked);
        });
      const program = Effect.gen(function* () {
        const publisher = yield* openPublisher({ storesPerSecond: 10_000, store });
        return yield* Effect.forEach(
          orders,
          (order) =>
            order === "withdraw"
              ? Effect.as(publisher.withdraw(VSERVICE), "withdrawn")
              : Effect.match(publisher.publish(VSERVICE, order), {
                  onSuccess: () => order,
                  onFailure: ({ reason }) => reason,
                }),
          { concurrency: "unbounded" },
        );
      });
      const run = Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(nodeLayer())));
      const outcomes = await scheduler.waitFor(run);
      same([faults, ...underWay], [[]]);
      const done = outcomes.filter((outcome) => outcome !== "withdrawn");
      same(done.toSorted(), stored.toSorted());
      if (!orders.includes("withdraw")) same(outcomes, orders);
    }),
    { numRuns: runs },
  ));
