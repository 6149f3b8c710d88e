/** Numbers at the overlay's pace: never faster than its rate, each tried a few times, none lost without a word. */

import * as assert from "node:assert/strict";
import fc from "fast-check";
import { e164, vserviceId } from "../../codecs/shared/mod.ts";
import {
  QUEUE_REFRESHED_MAX,
  type VapPublisherAction,
  type VapPublisherEvent,
  type VapPublisherInput,
  vapPublisher,
} from "../../machines/vap/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { machineLaws } from "../kit/machine-laws.ts";
import { hostPlainly } from "../kit/plain-host.ts";

const inputs: fc.Arbitrary<VapPublisherInput> = fc.record(
  {
    storesPerSecond: fc.integer({ min: 1, max: 50 }),
    burst: fc.integer({ min: 1, max: 5 }),
    lifetimeMs: fc.option(fc.integer({ min: 60_000, max: 604_800_000 }), { nil: undefined }),
    pauseMs: fc.constant([1_000, 3_000] as const),
  },
  { noNullPrototype: true },
);
const numbers = fc.integer({ min: 1, max: 9 }).map((n) => e164(`+1408555000${n}`));
const publish = fc
  .tuple(fc.integer({ min: 1, max: 99 }), numbers, fc.constantFrom(1n, 2n).map(vserviceId))
  .map(([ref, number, vservice]) => ({ type: "publish" as const, ref, number, vservice }));
const events: fc.Arbitrary<VapPublisherEvent> = fc.oneof(
  { weight: 4, arbitrary: publish },
  {
    weight: 1,
    arbitrary: fc
      .tuple(publish, fc.nat(100_000), fc.nat(100_000))
      .map(([event, atMs, ms]) => ({ ...event, stored: { atMs, dueAtMs: atMs + ms } })),
  },
  {
    weight: 3,
    arbitrary: fc.nat(100_000).map((atMs) => ({ type: "stored" as const, atMs, draw: (atMs % 101) / 100 })),
  },
  fc.nat(100_000).map((atMs) => ({ type: "storeFailed" as const, atMs, why: "unreachable" })),
  fc
    .constantFrom(1n, 2n)
    .map(vserviceId)
    .map((vservice) => ({ type: "withdraw" as const, vservice })),
  { weight: 1, arbitrary: fc.constant({ type: "stop" as const }) },
);
machineLaws(vapPublisher, { inputs, events: () => events });

test("docs/protocol/overlay.md#storage: whatever is asked, the overlay sees no more than its rate and a burst", () =>
  fc.assert(
    fc.property(inputs, fc.array(fc.tuple(publish, fc.nat(300)), { maxLength: 80 }), (input, script) => {
      let nowMs = 0;
      const moments = script.flatMap(([event, afterMs]) => {
        nowMs += afterMs;
        return [
          { afterMs, event },
          { afterMs: 0, event: { type: "stored" as const, atMs: nowMs, draw: 0.5 } },
        ];
      });
      const storedAt: Array<number> = [];
      let at = 0;
      const seen = hostPlainly<VapPublisherInput, VapPublisherEvent, VapPublisherAction & { timer?: string }, any>(
        vapPublisher,
        input,
        moments,
        (timer, atMs) => {
          at = atMs;
          return { type: "timerFired", timer: timer as "refill", atMs };
        },
        (action) => (action.type === "startTimer" ? action.betweenMs[0] : 0),
      );
      for (const { event, actions } of seen) {
        if (event?.type === "stored") at = event.atMs;
        if (event?.type === "timerFired") at = event.atMs;
        for (const { type } of actions) if (type === "store") storedAt.push(at);
      }
      for (let i = 0; i < storedAt.length; i++) {
        const within = storedAt.filter((ms) => ms >= storedAt[i]! && ms <= storedAt[i]! + 1_000).length;
        assert.ok(within <= input.burst + input.storesPerSecond + 1, `${within} stores in a second`);
      }
    }),
    { numRuns: runs },
  ));

const input = { storesPerSecond: 10, burst: 20, lifetimeMs: 604_800_000, pauseMs: [1_000, 3_000] as const };
const play = (...events: ReadonlyArray<VapPublisherEvent>) => {
  let now = vapPublisher.start(input);
  const actions: Array<VapPublisherAction> = [...now.actions];
  for (const event of events) {
    now = vapPublisher.step(now.snapshot, event);
    actions.push(...now.actions);
  }
  return { actions, value: now.snapshot.value };
};
const one = { type: "publish", ref: 1, vservice: vserviceId(1n), number: e164("+14085550001") } as const;
const two = { ...one, ref: 2, number: e164("+14085550002") } as const;
const failed = { type: "storeFailed", atMs: 0, why: "unreachable" } as const;
const pause = { type: "timerFired", timer: "pause", atMs: 0 } as const;

test("one after another, in the order in which they came", () => {
  const { actions } = play(one, two, { type: "stored", atMs: 5, draw: 0.5 }, { type: "stored", atMs: 6, draw: 0.5 });
  const told = actions.flatMap((action) =>
    action.type === "store"
      ? [action.number]
      : action.type === "report"
        ? [`${action.ref} ${action.outcome.type}`]
        : [],
  );
  assert.deepEqual(told, [one.number, "1 stored", two.number, "2 stored"]);
});

test("a store that fails stops the queue for a while, and is tried five times", () => {
  const tries = Array.from({ length: 4 }, () => [failed, pause]).flat();
  assert.equal(play(one, failed).value, "paused");
  const { actions } = play(one, ...tries, failed);
  assert.equal(actions.filter(({ type }) => type === "store").length, 5);
  assert.deepEqual(actions.at(-1), {
    type: "report",
    ref: 1,
    outcome: { type: "failed", reason: "overlay", why: "unreachable" },
  });
});

test("docs/protocol/overlay.md#the-vipr-usage: a number is stored again after two thirds of its lifetime, and some way to either side", () => {
  const { actions } = play(one, { type: "stored", atMs: 0, draw: 0.5 });
  const timer = actions.find((action) => action.type === "startTimer" && action.timer === "refresh");
  assert.deepEqual(timer, { type: "startTimer", timer: "refresh", betweenMs: [403_200_000, 403_200_000] });
  const again = play(
    one,
    { type: "stored", atMs: 0, draw: 0.5 },
    { type: "timerFired", timer: "refresh", atMs: 403_200_000 },
  );
  assert.equal(again.actions.filter(({ type }) => type === "store").length, 2);
});

test("a timer that comes too late brings no token", () => {
  const refilled = { type: "timerFired", timer: "refill", atMs: 0 } as const;
  const { snapshot } = vapPublisher.start({ ...input, burst: 1 });
  const stale = [refilled, refilled, refilled].reduce((now, event) => vapPublisher.step(now, event).snapshot, snapshot);
  assert.equal(stale.context.tokens, 1);
});

test("a withdrawn VService is stored no more, and its waiting numbers are told", () => {
  const { actions } = play(
    one,
    two,
    { type: "withdraw", vservice: vserviceId(1n) },
    { type: "stored", atMs: 0, draw: 0.5 },
  );
  assert.equal(actions.filter(({ type }) => type === "store").length, 1);
  assert.ok(actions.some((action) => action.type === "report" && action.ref === 2 && action.outcome.type === "failed"));
  assert.ok(!actions.some((action) => action.type === "startTimer" && action.timer === "refresh"));
});

const HOUR_MS = 3_600_000;
const due = { type: "timerFired", timer: "refresh", atMs: 403_200_000 } as const;
const storesOf = ({ actions }: { readonly actions: ReadonlyArray<VapPublisherAction> }) =>
  actions.filter(({ type }) => type === "store").length;
const refreshOf = ({ actions }: { readonly actions: ReadonlyArray<VapPublisherAction> }) =>
  actions.flatMap((action) =>
    action.type === "startTimer" && action.timer === "refresh" ? [action.betweenMs[0]] : [],
  );

test("a number that the overlay had and refuses is not forgotten: after five tries it is tried again an hour later", () => {
  const late = { ...failed, atMs: due.atMs };
  const tries = Array.from({ length: 4 }, () => [late, pause]).flat();
  const refused = play(one, { type: "stored", atMs: 0, draw: 0.5 }, due, ...tries, late);
  assert.deepEqual([storesOf(refused), refreshOf(refused).at(-1)], [6, HOUR_MS]);
  const again = play(...[one, { type: "stored", atMs: 0, draw: 0.5 } as const, due, ...tries, late], {
    ...due,
    atMs: due.atMs + HOUR_MS,
  });
  assert.equal(storesOf(again), 7);
});

test("numbers that are due are queued by the thousand, so that a new one is not refused, and none is lost", () => {
  const COUNT = 30_000;
  let now = vapPublisher.start({ ...input, burst: 1 });
  const stores: Array<string> = [];
  const waits: Array<number> = [];
  const tell = (event: VapPublisherEvent) => {
    now = vapPublisher.step(now.snapshot, event);
    for (const action of now.actions) if (action.type === "store") stores.push(action.number);
    waits.push(...refreshOf(now));
  };
  for (let i = 0; i < COUNT; i++)
    tell({ ...one, ref: i + 1, number: e164(`+1408${1_000_000 + i}`), stored: { atMs: 0, dueAtMs: 1 + (i % 7) } });
  for (let atMs = 10, rounds = 0; stores.length < COUNT && rounds < COUNT / 500; atMs += 1_000, rounds++) {
    waits.length = 0;
    tell({ type: "timerFired", timer: "refresh", atMs });
    assert.ok(now.snapshot.context.queue.length <= QUEUE_REFRESHED_MAX);
    const isMore = stores.length + now.snapshot.context.queue.length < COUNT;
    if (isMore) assert.deepEqual(waits, [1_000]);
    for (let i = 0; i < QUEUE_REFRESHED_MAX; i++) {
      tell({ type: "stored", atMs, draw: 0.5 });
      tell({ type: "timerFired", timer: "refill", atMs });
    }
  }
  assert.deepEqual([stores.length, new Set(stores).size], [COUNT, COUNT]);
});
