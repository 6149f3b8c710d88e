/**
 * No storm after a restart: a thousand servers start again at the same second, their agents publish every number anew, and
 * the overlay hardly notices. docs/protocol/overlay.md#the-vipr-usage. Machines alone, on virtual time.
 */

import * as assert from "node:assert/strict";
import fc from "fast-check";
import { e164, vserviceId } from "../../codecs/shared/mod.ts";
import { againAtMs, REFRESH_AT, REFRESH_JITTER, refreshMs } from "../../machines/reload/mod.ts";
import { type VapPublisherEvent, vapPublisher } from "../../machines/vap/mod.ts";
import { chanceOf } from "../../runtime/memory/chance.ts";
import { runs, test } from "../kit/harness.ts";

const WEEK_MS = 604_800_000;
const RATE = 10;
const DRAWS = 1_000_000;

test("a refresh comes well before the end, and is spread by 15 % to either side of two thirds", () =>
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 60_000, max: WEEK_MS }),
      (draw, lifetimeMs) => {
        const ms = refreshMs(lifetimeMs, draw);
        assert.ok(
          ms >= lifetimeMs * REFRESH_AT * (1 - REFRESH_JITTER) - 1 &&
            ms <= lifetimeMs * REFRESH_AT * (1 + REFRESH_JITTER) + 1,
        );
        assert.ok(ms < lifetimeMs * 0.8);
      },
    ),
    { numRuns: runs },
  ));

test("what the overlay holds is stored again before it ends, never in the past, and at once only when there is no time", () =>
  fc.assert(
    fc.property(
      fc.integer({ min: -1_000, max: WEEK_MS }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (leftMs, draw) => {
        const nowMs = 5_000_000_000;
        const at = againAtMs(nowMs + leftMs, WEEK_MS, nowMs, draw);
        if (at === undefined) assert.ok(leftMs < WEEK_MS / 20);
        else assert.ok(at >= nowMs && at < nowMs + leftMs);
      },
    ),
    { numRuns: runs },
  ));

/** Moments in order: a heap by hand would be longer than sorting what is due in each second. */
class Agenda {
  private readonly seconds = new Map<number, Array<{ atMs: number; act: (atMs: number) => void }>>();
  add(atMs: number, act: (atMs: number) => void): void {
    const second = Math.floor(atMs / 1_000);
    this.seconds.set(second, [...(this.seconds.get(second) ?? []), { atMs, act }]);
  }
  run(untilMs: number): void {
    const order = () => [...this.seconds.keys()].sort((a, b) => a - b);
    for (let next = order(); next.length > 0; next = order())
      for (const second of next) {
        if (second * 1_000 > untilMs) return;
        while ((this.seconds.get(second)?.length ?? 0) > 0) {
          const due = this.seconds.get(second)!.sort((a, b) => a.atMs - b.atMs);
          this.seconds.set(second, []);
          for (const { atMs, act } of due) act(atMs);
        }
        this.seconds.delete(second);
      }
  }
}

/** Servers that start at 0 with agents that publish all their numbers; when each number was stored, by `heldUntil`. */
const restart = (servers: number, numbers: number, heldUntil: () => number | undefined, untilMs: number) => {
  const agenda = new Agenda();
  const { between } = chanceOf(7);
  const draw = () => between(0, DRAWS) / DRAWS;
  const storedAtMs: Array<number> = [];
  const input = { storesPerSecond: RATE, burst: 2 * RATE, lifetimeMs: undefined, pauseMs: [1_000, 3_000] as const };
  for (let server = 0; server < servers; server++) {
    let now = vapPublisher.start(input).snapshot;
    const epochs = { refill: 0, refresh: 0, pause: 0 };
    const tell = (event: VapPublisherEvent, atMs: number): void => {
      const step = vapPublisher.step(now, event);
      now = step.snapshot;
      for (const action of step.actions) {
        if (action.type === "store") {
          const { store } = action;
          storedAtMs.push(atMs);
          agenda.add(atMs + between(20, 200), (at) => tell({ type: "stored", store, atMs: at, draw: draw() }, at));
        }
        if (action.type !== "startTimer") continue;
        const { timer } = action;
        const epoch = ++epochs[timer]; // a new start replaces the old one
        agenda.add(atMs + action.betweenMs[0], (at) => {
          if (epoch === epochs[timer]) tell({ type: "timerFired", timer, atMs: at }, at);
        });
      }
    };
    for (let i = 0; i < numbers; i++) {
      const endMs = heldUntil();
      const dueAtMs = endMs === undefined ? undefined : againAtMs(endMs, WEEK_MS, 0, draw());
      const stored = dueAtMs === undefined ? {} : { stored: { dueAtMs, atMs: 0 } };
      tell(
        { type: "publish", ref: i + 1, vservice: vserviceId(1n), number: e164(`+1408${5_550_000 + i}`), ...stored },
        0,
      );
    }
  }
  agenda.run(untilMs);
  const perSecond = new Map<number, number>();
  for (const atMs of storedAtMs) {
    const second = Math.floor(atMs / 1_000);
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
  }
  return { stores: storedAtMs.length, peak: Math.max(0, ...perSecond.values()) };
};

const SERVERS = 1_000;
const NUMBERS = 10;

test("a thousand servers that start again at once, with what they know: no second sees more than six stores", () => {
  const { between } = chanceOf(11);
  // In the steady state an entry is of any age up to its refresh.
  const heldUntil = () => WEEK_MS - between(0, Math.round(WEEK_MS * REFRESH_AT * (1 - REFRESH_JITTER)));
  const { stores, peak } = restart(SERVERS, NUMBERS, heldUntil, 2 * WEEK_MS);
  assert.equal(stores, SERVERS * NUMBERS, "each is stored again once, and in time");
  assert.ok(peak <= 6, `${peak} stores in one second`);
});

test("after an outage that made every refresh overdue, they are spread over a quarter of the life that is left", () => {
  const { between } = chanceOf(12);
  const { stores, peak } = restart(SERVERS, NUMBERS, () => Math.round(WEEK_MS * 0.1) + between(0, 1_000), 2 * WEEK_MS);
  assert.equal(stores, SERVERS * NUMBERS);
  assert.ok(peak <= 12, `${peak} stores in one second`);
});

test("servers that know nothing any more store at their pace: a burst, and then ten a second each", () => {
  const servers = 50;
  const { stores, peak } = restart(servers, 100, () => undefined, 60_000);
  assert.equal(stores, servers * 100);
  assert.ok(peak <= servers * 3 * RATE, `${peak} stores in one second`);
});
