/** Quotas and rates: an honest node is served, a greedy one is bounded. docs/protocol/overlay.md#storage. */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import { BURST_S, fullBucket, quotaBound, take, waitMs } from "../../machines/reload/mod.ts";
import { chanceOf } from "../../runtime/memory.ts";
import { runs, test } from "../kit/harness.ts";

test("docs/protocol/overlay.md#storage: the bound is the expected share, three deviations and one", () => {
  assert.equal(quotaBound(10_000, 0.1), 1_000 + Math.ceil(3 * Math.sqrt(1_000) + 1));
  assert.equal(quotaBound(10_000, 0), 1);
  assert.equal(quotaBound(10_000, 1), 10_301);
});

test("docs/protocol/overlay.md#storage: an honest node is refused at any one peer with probability below 0.2 %", () => {
  // q numbers fall on the ring by hash; a peer with fraction f sees about Poisson(q·f) of them.
  const chance = chanceOf(42);
  const [q, f, trials] = [2_000, 0.05, 4_000];
  let refused = 0;
  for (let trial = 0; trial < trials; trial++) {
    let mine = 0;
    for (let i = 0; i < q; i++) if (chance.next() < f) mine++;
    if (mine > quotaBound(q, f)) refused++;
  }
  assert.ok(refused / trials < 0.002, `${refused} of ${trials}`);
});

test("docs/protocol/overlay.md#storage: whatever a greedy node tries, it keeps at most q + 3·sqrt(q·N) + 2N entries", () => {
  const fractions = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 64 });
  fc.assert(
    fc.property(fractions, fc.integer({ min: 1, max: 100_000 }), (shares, q) => {
      const whole = shares.reduce((sum, share) => sum + share, 0);
      const kept = shares.reduce((sum, share) => sum + quotaBound(q, share / whole), 0);
      assert.ok(kept <= q + 3 * Math.sqrt(q * shares.length) + 2 * shares.length + 1e-6);
    }),
    { numRuns: runs },
  );
});

test("a token bucket never gives more than its rate and one burst", () => {
  const waits = fc.array(fc.nat(2_000), { maxLength: 200 });
  fc.assert(
    fc.property(waits, fc.integer({ min: 1, max: 50 }), (waits, perSecond) => {
      let [bucket, atMs, given] = [fullBucket(perSecond, 0), 0, 0];
      for (const wait of waits) {
        atMs += wait;
        const left = take(bucket, perSecond, atMs);
        assert.equal(left === undefined, waitMs(bucket, perSecond, atMs) > 0);
        if (left === undefined) {
          // After `waitMs` there is a token.
          assert.ok(take(bucket, perSecond, atMs + waitMs(bucket, perSecond, atMs)) !== undefined);
          continue;
        }
        bucket = left;
        given++;
      }
      assert.ok(given <= perSecond * BURST_S + (perSecond * atMs) / 1_000 + 1e-6);
    }),
    { numRuns: runs },
  );
});

test("a clock that goes back, however far, gives no token", () =>
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(10_000), fc.nat(100_000), (perSecond, atMs, backMs) => {
      let bucket = fullBucket(perSecond, atMs);
      for (let next = take(bucket, perSecond, atMs); next !== undefined; next = take(bucket, perSecond, atMs))
        bucket = next;
      assert.equal(take(bucket, perSecond, atMs - backMs), undefined);
    }),
    { numRuns: runs },
  ));
