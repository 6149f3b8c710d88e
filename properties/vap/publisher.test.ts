/** Numbers at the overlay's pace: never faster than its rate, each tried a few times, none lost without a word. */

import * as assert from "node:assert/strict";
import fc from "fast-check";
import { e164, vserviceId } from "../../codecs/shared/mod.ts";
import type { Machine } from "../../machines/kit/mod.ts";
import {
  QUEUE_REFRESHED_MAX,
  STORES_AT_ONCE_MAX,
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
/** Of a store that was ordered, most of the time. */
const ordered = fc.integer({ min: 1, max: 12 });
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
    arbitrary: fc
      .tuple(ordered, fc.nat(100_000))
      .map(([store, atMs]) => ({ type: "stored" as const, store, atMs, draw: (atMs % 101) / 100 })),
  },
  fc
    .tuple(ordered, fc.nat(100_000))
    .map(([store, atMs]) => ({ type: "storeFailed" as const, store, atMs, why: "unreachable" })),
  fc
    .constantFrom(1n, 2n)
    .map(vserviceId)
    .map((vservice) => ({ type: "withdraw" as const, vservice })),
  { weight: 1, arbitrary: fc.constant({ type: "stop" as const }) },
);
machineLaws(vapPublisher, { inputs, events: () => events });

/** An overlay that answers each store after a time is a timer more for each. */
type Answering =
  | VapPublisherAction
  | { readonly type: "startTimer"; readonly timer: string; readonly betweenMs: readonly [number, number] };
type Context = Parameters<typeof vapPublisher.step>[0]["context"];
type AnsweredPublisher = Machine<VapPublisherInput, VapPublisherEvent, Answering, Context>;
type Stepped = ReturnType<typeof vapPublisher.step>;
const answeredAfter = (ms: number): AnsweredPublisher => {
  const answered = ({ snapshot, actions }: Stepped) => ({
    snapshot,
    actions: actions.flatMap(
      (action): ReadonlyArray<Answering> =>
        action.type === "store"
          ? [action, { type: "startTimer", timer: `store ${action.store}`, betweenMs: [ms, ms] }]
          : [action],
    ),
  });
  return {
    ...vapPublisher,
    start: (given: VapPublisherInput) => answered(vapPublisher.start(given)),
    step: (snapshot, event) => answered(vapPublisher.step(snapshot, event)),
  };
};
const firedIn = (timer: string, atMs: number): VapPublisherEvent =>
  timer.startsWith("store ")
    ? { type: "stored", store: Number(timer.slice("store ".length)), atMs, draw: 0.5 }
    : { type: "timerFired", timer: timer as "refill", atMs };

test("docs/protocol/overlay.md#storage: whatever is asked, the overlay sees no more than its rate and a burst, and few stores at once", () =>
  fc.assert(
    fc.property(
      inputs,
      fc.integer({ min: 0, max: 2_000 }),
      fc.array(fc.tuple(publish, fc.nat(300)), { maxLength: 80 }),
      (input, answerMs, script) => {
        const moments = script.map(([event, afterMs]) => ({ afterMs, event }));
        let nowMs = 0;
        const timed = moments.map(({ afterMs }) => {
          nowMs += afterMs;
          return nowMs;
        });
        const seen = hostPlainly(answeredAfter(answerMs), input, moments, firedIn, (action) =>
          action.type === "startTimer" ? action.betweenMs[0] : 0,
        );
        const storedAt: Array<number> = [];
        let [at, published, underWay] = [0, 0, 0];
        for (const { event, actions } of seen) {
          if (event?.type === "publish") at = timed[published++]!;
          if (event?.type === "stored" || event?.type === "timerFired") at = event.atMs;
          if (event?.type === "stored") underWay -= 1;
          for (const { type } of actions) if (type === "store") storedAt.push(at);
          underWay += actions.filter(({ type }) => type === "store").length;
          assert.ok(underWay <= STORES_AT_ONCE_MAX, `${underWay} stores at once`);
        }
        for (let i = 0; i < storedAt.length; i++) {
          const within = storedAt.filter((ms) => ms >= storedAt[i]! && ms <= storedAt[i]! + 1_000).length;
          assert.ok(within <= input.burst + input.storesPerSecond + 1, `${within} stores in a second`);
        }
      },
    ),
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
const storedAs = (store: number, atMs = 0) => ({ type: "stored", store, atMs, draw: 0.5 }) as const;
const failedAs = (store: number, atMs = 0) => ({ type: "storeFailed", store, atMs, why: "unreachable" }) as const;
const pause = { type: "timerFired", timer: "pause", atMs: 0 } as const;

const storesIn = (actions: ReadonlyArray<VapPublisherAction>): ReadonlyArray<string> =>
  actions.flatMap((action) => (action.type === "store" ? [action.number] : []));
const numbered = (i: number) => ({ ...one, ref: i + 1, number: e164(`+1408${1_000_000 + i}`) });

test("so many at once, in the order in which they came; each that is answered lets another begin", () => {
  const some = Array.from({ length: STORES_AT_ONCE_MAX + 2 }, (_, i) => numbered(i));
  const all = some.map(({ number }) => number);
  assert.deepEqual(storesIn(play(...some).actions), all.slice(0, STORES_AT_ONCE_MAX));
  assert.deepEqual(storesIn(play(...some, storedAs(5)).actions), all.slice(0, STORES_AT_ONCE_MAX + 1));
  assert.deepEqual(
    storesIn(play(...some, storedAs(5), storedAs(5), storedAs(99)).actions).length,
    STORES_AT_ONCE_MAX + 1,
  );
});

test("a number is not stored twice at once: the second store waits for the first one's answer", () => {
  const again = { ...one, ref: 3 };
  assert.deepEqual(storesIn(play(one, again, two).actions), [one.number]);
  assert.deepEqual(storesIn(play(one, again, two, storedAs(1)).actions), [one.number, one.number, two.number]);
});

test("what is under way when a store fails has its answer, and begins nothing while the queue pauses", () => {
  const some = Array.from({ length: STORES_AT_ONCE_MAX + 1 }, (_, i) => numbered(i));
  const paused = play(...some, failedAs(1), storedAs(2), failedAs(3));
  assert.equal(paused.value, "paused");
  assert.equal(storesIn(paused.actions).length, STORES_AT_ONCE_MAX);
  assert.ok(paused.actions.some((action) => action.type === "report" && action.ref === 2));
  const pauses = paused.actions.filter((action) => action.type === "startTimer" && action.timer === "pause");
  assert.equal(pauses.length, 1);
  const after = play(...some, failedAs(1), storedAs(2), failedAs(3), pause);
  // The last of the queue, and both that failed.
  assert.deepEqual(
    storesIn(after.actions).slice(STORES_AT_ONCE_MAX),
    [STORES_AT_ONCE_MAX, 0, 2].map((i) => numbered(i).number),
  );
});

test("told in the order in which they were stored", () => {
  const { actions } = play(one, two, storedAs(1, 5), storedAs(2, 6));
  const told = actions.flatMap((action) =>
    action.type === "store"
      ? [action.number]
      : action.type === "report"
        ? [`${action.ref} ${action.outcome.type}`]
        : [],
  );
  assert.deepEqual(told, [one.number, two.number, "1 stored", "2 stored"]);
});

test("a store that fails stops the queue for a while, and is tried five times", () => {
  const tries = [1, 2, 3, 4].flatMap((store) => [failedAs(store), pause]);
  assert.equal(play(one, failedAs(1)).value, "paused");
  const { actions } = play(one, ...tries, failedAs(5));
  assert.equal(actions.filter(({ type }) => type === "store").length, 5);
  assert.deepEqual(actions.at(-1), {
    type: "report",
    ref: 1,
    outcome: { type: "failed", reason: "overlay", why: "unreachable" },
  });
});

test("docs/protocol/overlay.md#the-vipr-usage: a number is stored again after two thirds of its lifetime, and some way to either side", () => {
  const { actions } = play(one, storedAs(1));
  const timer = actions.find((action) => action.type === "startTimer" && action.timer === "refresh");
  assert.deepEqual(timer, { type: "startTimer", timer: "refresh", betweenMs: [403_200_000, 403_200_000] });
  const again = play(one, storedAs(1), { type: "timerFired", timer: "refresh", atMs: 403_200_000 });
  assert.equal(again.actions.filter(({ type }) => type === "store").length, 2);
});

test("a timer that comes too late brings no token", () => {
  const refilled = { type: "timerFired", timer: "refill", atMs: 0 } as const;
  const { snapshot } = vapPublisher.start({ ...input, burst: 1 });
  const stale = [refilled, refilled, refilled].reduce((now, event) => vapPublisher.step(now, event).snapshot, snapshot);
  assert.equal(stale.context.tokens, 1);
});

test("a withdrawn VService is stored no more, and its waiting numbers are told", () => {
  const some = Array.from({ length: STORES_AT_ONCE_MAX + 1 }, (_, i) => numbered(i));
  const { actions } = play(...some, { type: "withdraw", vservice: vserviceId(1n) }, storedAs(1), failedAs(2));
  assert.equal(storesIn(actions).length, STORES_AT_ONCE_MAX);
  const toldOf = (ref: number) =>
    actions.flatMap((action) => (action.type === "report" && action.ref === ref ? [action.outcome.type] : []));
  assert.deepEqual([1, 2, STORES_AT_ONCE_MAX + 1].map(toldOf), [["stored"], ["failed"], ["failed"]]);
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
  const tries = [2, 3, 4, 5].flatMap((store) => [failedAs(store, due.atMs), pause]);
  const events = [one, storedAs(1), due, ...tries, failedAs(6, due.atMs)];
  const refused = play(...events);
  assert.deepEqual([storesOf(refused), refreshOf(refused).at(-1)], [6, HOUR_MS]);
  const again = play(...events, { ...due, atMs: due.atMs + HOUR_MS });
  assert.equal(storesOf(again), 7);
});

test("numbers that are due are queued by the thousand, so that a new one is not refused, and none is lost", () => {
  const COUNT = 30_000;
  let now = vapPublisher.start({ ...input, burst: 1 });
  const stores: Array<string> = [];
  const waits: Array<number> = [];
  let answered = 0;
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
      tell(storedAs(++answered, atMs));
      tell({ type: "timerFired", timer: "refill", atMs });
    }
  }
  assert.deepEqual([stores.length, new Set(stores).size], [COUNT, COUNT]);
});
