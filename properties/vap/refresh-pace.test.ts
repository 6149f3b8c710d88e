/** Numbers are stored again before they end, as far as the overlay's rate allows: docs/operator.md#many-numbers. */
import * as assert from "node:assert/strict";
import fc from "fast-check";
import { e164, vserviceId } from "../../codecs/shared/mod.ts";
import { REFRESH_AT, REFRESH_JITTER } from "../../machines/reload/mod.ts";
import {
  inTimeNumbersMax,
  PUBLISHED_NUMBERS_MAX,
  type VapPublisherEvent,
  type VapPublisherInput,
  vapPublisher,
} from "../../machines/vap/mod.ts";
import { test } from "../kit/harness.ts";

const WEEK_MS = 604_800_000;
const input: VapPublisherInput = { storesPerSecond: 10, burst: 1, lifetimeMs: undefined, pauseMs: [1_000, 3_000] };
const publish = (i: number, dueAtMs: number): VapPublisherEvent => ({
  type: "publish",
  ref: i + 1,
  vservice: vserviceId(1n),
  number: e164(`+1408${1_000_000 + i}`),
  stored: { atMs: 0, dueAtMs },
});

/** When the last of so many numbers is stored again that all become due at once, at the latest of their jitter. */
const lastStoredMs = (count: number, storesPerSecond: number, lifetimeMs: number): number => {
  let now = vapPublisher.start({ ...input, storesPerSecond });
  let [atMs, lastMs, stores] = [0, 0, 0];
  const timers = new Map<string, number>();
  const tell = (event: VapPublisherEvent): void => {
    now = vapPublisher.step(now.snapshot, event);
    const { actions } = now;
    for (const action of actions)
      if (action.type === "startTimer") timers.set(action.timer, atMs + action.betweenMs[0]);
    for (const action of actions) {
      if (action.type !== "store") continue;
      [lastMs, stores] = [atMs, stores + 1];
      tell({ type: "stored", store: action.store, atMs, draw: 0.5 });
    }
  };
  const dueAtMs = Math.ceil(lifetimeMs * REFRESH_AT * (1 + REFRESH_JITTER));
  for (let i = 0; i < count; i++) tell(publish(i, dueAtMs));
  while (timers.size > 0) {
    const [timer, firesMs] = [...timers].reduce((first, next) => (next[1] < first[1] ? next : first));
    timers.delete(timer);
    atMs = firesMs;
    tell({ type: "timerFired", timer: timer as "refill", atMs });
  }
  assert.equal(stores, count);
  return lastMs;
};

test("docs/operator.md#many-numbers: as many as the rate allows are stored again before they end, and not a tenth more", () =>
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 60_000, max: 120_000 }), (rate, lifetimeMs) => {
      const most = inTimeNumbersMax(rate, lifetimeMs);
      assert.ok(lastStoredMs(most, rate, lifetimeMs) <= lifetimeMs);
      assert.ok(lastStoredMs(Math.ceil(1.1 * most) + 2, rate, lifetimeMs) > lifetimeMs);
    }),
    { numRuns: 20 },
  ));

test("in a week: a million numbers at ten stores a second, ten million at 72", () => {
  assert.equal(inTimeNumbersMax(10, WEEK_MS), 1_411_200);
  assert.equal(inTimeNumbersMax(71, WEEK_MS), 9_408_000);
  assert.equal(inTimeNumbersMax(72, WEEK_MS), 10_080_000);
});

test("a number that the overlay has, and for which there is no place, is stored at once: nobody would do it later", () => {
  const { snapshot } = vapPublisher.start(input);
  const published = { ...snapshot.context.published, size: PUBLISHED_NUMBERS_MAX };
  const full = { ...snapshot, context: { ...snapshot.context, published } };
  const { actions } = vapPublisher.step(full, publish(0, 1_000));
  assert.deepEqual(
    actions.map(({ type }) => type).filter((type) => type === "store" || type === "report"),
    ["store"],
  );
});
