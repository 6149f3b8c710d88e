/** The wheel beside a list: every timer fires once, never early and at most a slot late; one that was stopped never does, and wakes nobody. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { LONG_MS, LONG_SLOT_MS, SLOT_MS, Wheel } from "../../machines/proxy/mod.ts";
import { runs, test } from "../kit/harness.ts";

const START_MS = 1_700_000_000_123;
const timers = fc.array(
  fc.record({ ms: fc.oneof(fc.nat(100), fc.nat(40_000), fc.nat(400_000)), isStopped: fc.boolean() }),
  { maxLength: 60 },
);

const lateMsMax = (ms: number): number => (ms < LONG_MS ? SLOT_MS : LONG_SLOT_MS);

test("wheel: whoever looks when it says misses nothing", () =>
  fc.assert(
    fc.property(timers, (given) => {
      const wheel = new Wheel<number>(START_MS);
      const fired = new Map<number, number>();
      const started = given.map(({ ms }, i) => wheel.start(START_MS, ms, i, "t"));
      for (const [i, { isStopped }] of given.entries()) if (isStopped) started[i]!.stop();
      let nowMs = START_MS;
      for (let next = wheel.nextMs(); next !== undefined; next = wheel.nextMs()) {
        nowMs = Math.max(nowMs, next);
        wheel.due(nowMs, (i) => {
          same(fired.has(i), false);
          fired.set(i, nowMs);
        });
      }
      for (const [i, { ms, isStopped }] of given.entries()) {
        const late = (fired.get(i) ?? Number.NaN) - START_MS - ms;
        ok(isStopped ? !fired.has(i) : late >= 0 && late <= lateMsMax(ms), `timer ${i} of ${ms} ms: ${late}`);
      }
    }),
    { numRuns: runs },
  ));

test("wheel: whoever looks seldom finds all that was due, and no more", () =>
  fc.assert(
    fc.property(timers, fc.array(fc.nat(200_000), { minLength: 1, maxLength: 20 }), (given, pauses) => {
      const wheel = new Wheel<number>(START_MS);
      const fired = new Set<number>();
      for (const [i, { ms }] of given.entries()) wheel.start(START_MS, ms, i, "t");
      let nowMs = START_MS;
      for (const pause of pauses) {
        nowMs += pause;
        wheel.due(nowMs, (i) => void fired.add(i));
        for (const [i, { ms }] of given.entries()) {
          if (START_MS + ms > nowMs) ok(!fired.has(i));
          if (START_MS + ms + lateMsMax(ms) <= nowMs) ok(fired.has(i));
        }
      }
    }),
    { numRuns: runs },
  ));

test("wheel: a timer started while another fires is one of its own", () => {
  const wheel = new Wheel<string>(0);
  const fired: Array<string> = [];
  wheel.start(0, 100, "first", "t");
  wheel.due(120, (what) => {
    fired.push(what);
    wheel.start(120, 0, "second", "t");
  });
  same(fired, ["first"]);
  wheel.due(wheel.nextMs()!, (what) => void fired.push(what));
  same(fired, ["first", "second"]);
});

test("wheel: nobody is woken for timers that were stopped", () => {
  const wheel = new Wheel<string>(0);
  const stopped = [wheel.start(0, 100, "one", "t"), wheel.start(0, 300, "two", "t")];
  wheel.start(0, 700, "three", "t");
  for (const timer of stopped) timer.stop();
  same(wheel.nextMs(), 700);
  wheel.start(0, 200, "four", "t");
  same(wheel.nextMs(), 200);
});
