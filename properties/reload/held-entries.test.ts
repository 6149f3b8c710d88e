/** How many own entries there are is what a look at all of them would find, whatever was put in and however time passes. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { HeldEntries } from "../../actors/reload/held-entries.ts";
import type { OwnEntry } from "../../codecs/reload/mod.ts";
import { runs, test } from "../kit/harness.ts";

const entryOf = (endMs: number, exists: boolean): OwnEntry => ({
  kind: 7,
  resource: new Uint8Array(16),
  place: "",
  storageTime: 1n,
  endMs: BigInt(endMs),
  exists,
});
const steps = fc.record({
  name: fc.nat(8).map(String),
  lifetimeMs: fc.nat(5_000),
  exists: fc.boolean(),
  afterMs: fc.nat(1_500),
});

test("own entries that have not ended, beside a list of all", () =>
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 60 }), (script) => {
      const held = new HeldEntries();
      const model = new Map<string, OwnEntry>();
      let nowMs = 1_764_000_000_123;
      for (const { name, lifetimeMs, exists, afterMs } of script) {
        nowMs += afterMs;
        const entry = entryOf(nowMs + lifetimeMs, exists);
        held.set(name, entry);
        model.set(name, entry);
        const live = [...model.values()].filter(({ endMs, exists }) => exists && endMs > nowMs);
        same(held.used(nowMs), live.length);
        for (const [other, kept] of model) same(held.get(other), kept.endMs > nowMs ? kept : undefined);
      }
    }),
    { numRuns: runs },
  ));
