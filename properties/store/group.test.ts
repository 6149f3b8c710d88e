/** Writes that are committed together: a fault of one commit is told to who met it, and ends nothing else. */
import { deepStrictEqual as same } from "node:assert";
import { Effect } from "effect";
import type { Change } from "../../actors/ports/mod.ts";
import { groupWrites } from "../../runtime/store/group.ts";
import { testEffect } from "../kit/harness.ts";

const put = (n: number): Change => ({
  type: "put",
  table: "values",
  key: Uint8Array.of(n),
  value: Uint8Array.of(n),
});

testEffect(
  "a commit that dies spoils the write that it died of, and no other",
  Effect.scoped(
    Effect.gen(function* () {
      const committed: Array<number> = [];
      const { write } = yield* groupWrites({
        commit: (changes) =>
          Effect.sync(() => {
            const keys = changes.map(({ key }) => key[0]!);
            if (keys.includes(2)) throw new TypeError("no such type");
            committed.push(...keys);
          }),
        flush: Effect.void,
      });
      const told = yield* Effect.forEach([1, 2, 3], (n) => Effect.result(write([put(n)])), {
        concurrency: "unbounded",
      });
      same(
        told.map((one) => (one._tag === "Success" ? "done" : `${one.failure.reason}: ${one.failure.why}`)),
        ["done", "failed: TypeError: no such type", "done"],
      );
      yield* write([put(4)]);
      same(committed, [1, 3, 4]);
    }),
  ),
);
