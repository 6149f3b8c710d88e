/** Token buckets by name: a map that is never changed in place, and that forgets only the buckets unused longest. */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import { nodeIdFrom, nodeIdText } from "../../codecs/shared/mod.ts";
import { BUCKETS_MAX, bucketOf, noBuckets, withBucket } from "../../machines/reload/buckets.ts";
import { test } from "../kit/harness.ts";

/** Names are few enough to come again, and more than fit at once. */
const NAMES = 1_500;
/** What a node is certain to find again: `recent` is full at most once before its name moves on. */
const CERTAIN = BUCKETS_MAX - 64;

test("buckets: the last one set is found, as long as no more than fit were used since; never more than fit are kept", () =>
  fc.assert(
    fc.property(fc.nat(NAMES - 1), fc.integer({ min: 1, max: NAMES - 1 }), (first, step) => {
      const used = new Map<string, number>();
      let buckets = noBuckets;
      for (let i = 0; i < 2 * NAMES; i++) {
        const name = nodeIdText(nodeIdFrom(BigInt(i % 7 === 0 ? first : (first + i * step) % NAMES)));
        const before = JSON.stringify(bucketOf(buckets, name));
        const then = buckets;
        buckets = withBucket(buckets, name, { thousandths: i, atMs: i });
        assert.equal(JSON.stringify(bucketOf(then, name)), before, "what was there is not changed in place");
        used.delete(name);
        used.set(name, i);
      }
      for (const [name, at] of [...used].slice(-CERTAIN)) assert.equal(bucketOf(buckets, name)?.atMs, at);
      const names = new Set([...Object.keys(buckets.recent), ...Object.keys(buckets.older)]);
      assert.ok(names.size <= BUCKETS_MAX);
    }),
    { numRuns: 10 },
  ));
