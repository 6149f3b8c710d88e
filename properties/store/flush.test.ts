/** The flush of a log: whoever asked is told once, in order, and not before what was committed is safe. */
import { ok, deepStrictEqual as same } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect } from "effect";
import fc from "fast-check";
import type { StoreFailed } from "../../actors/ports/mod.ts";
import { openFlusher } from "../../runtime/store/flush.ts";
import { runs, test } from "../kit/harness.ts";

const inFolder = (use: (file: string) => Promise<void>) => async () => {
  const folder = mkdtempSync(join(tmpdir(), "vipr-flush-"));
  try {
    await use(join(folder, "store.db"));
  } finally {
    rmSync(folder, { recursive: true });
  }
};
const turn = () => new Promise((resolve) => setImmediate(resolve));

test(
  "flush: everybody is told once, in the order of asking, never within the call, and before the scope is closed",
  inFolder((file) => {
    writeFileSync(`${file}-wal`, "log");
    return fc.assert(
      fc.asyncProperty(fc.array(fc.record({ turns: fc.nat(2), isNested: fc.boolean() }), { maxLength: 12 }), (given) =>
        Effect.runPromise(
          Effect.gen(function* () {
            const told: Array<number> = [];
            let asked = 0;
            yield* Effect.scoped(
              Effect.gen(function* () {
                const flusher = yield* openFlusher(file);
                const ask = (then: () => void) => {
                  const number = asked++;
                  let isWithin = true;
                  flusher.flush((fault) => {
                    same([isWithin, fault], [false, undefined]);
                    told.push(number);
                    then();
                  });
                  isWithin = false;
                };
                for (const { turns, isNested } of given) {
                  ask(isNested ? () => ask(() => {}) : () => {});
                  for (let i = 0; i < turns; i++) yield* Effect.promise(turn);
                }
              }),
            );
            same(
              told,
              Array.from({ length: asked }, (_, i) => i),
            );
          }),
        ),
      ),
      { numRuns: Math.min(runs, 50) },
    );
  }),
);

test(
  "flush: a log that is not there is a fault that says so, and the next flush tries again",
  inFolder(async (file) => {
    const faults: Array<StoreFailed | undefined> = [];
    await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const flusher = yield* openFlusher(file);
          yield* Effect.callback<void>((resume) =>
            flusher.flush((fault) => resume(Effect.sync(() => void faults.push(fault)))),
          );
          writeFileSync(`${file}-wal`, "log");
          yield* Effect.callback<void>((resume) =>
            flusher.flush((fault) => resume(Effect.sync(() => void faults.push(fault)))),
          );
        }),
      ),
    );
    ok(faults[0]?.why.startsWith("not flushed: "));
    same([faults[0]?.reason, faults[1]], ["failed", undefined]);
  }),
);
