/** When the media of a call are bad for too long: laws, table, and walks. docs/protocol/media.md#quality */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import {
  faultOf,
  mediaQuality,
  QUALITY_DEFAULTS,
  type QualityEvent,
  type QualityOrder,
} from "../../machines/media/mod.ts";
import { mediaMachines, samples } from "../fuzz/machines.ts";
import { runs, test } from "../kit/harness.ts";
import { subjectLaws } from "../kit/machine-laws.ts";

subjectLaws(...mediaMachines);

/** A host in a loop: each 100 ms a sample of a line that gives so many packets and loses so many of them. */
const played = (
  seconds: number,
  line: (ms: number) => { readonly packets: number; readonly lost: number },
  events: Readonly<Record<number, QualityEvent>> = {},
) => {
  const timers = new Map<string, number>();
  let { snapshot, actions } = mediaQuality.start(QUALITY_DEFAULTS);
  let bad: { readonly atMs: number; readonly why: string } | undefined;
  let counters = { packets: 0, lost: 0 };
  const perform = (orders: ReadonlyArray<QualityOrder>, nowMs: number): void => {
    for (const order of orders) {
      if (order.type === "startTimer") timers.set(order.timer, nowMs + order.ms);
      if (order.type === "stopTimer") timers.delete(order.timer);
      if (order.type === "bad") bad = { atMs: nowMs, why: order.why };
      if (order.type === "sample") tell({ type: "sampled", sample: { ...counters, reportedLoss: undefined } }, nowMs);
    }
  };
  const tell = (event: QualityEvent, nowMs: number): void => {
    ({ snapshot, actions } = mediaQuality.step(snapshot, event));
    perform(actions, nowMs);
  };
  perform(actions, 0);
  for (let nowMs = 100; nowMs <= seconds * 1_000 && !mediaQuality.isDone(snapshot); nowMs += 100) {
    const { packets, lost } = line(nowMs);
    counters = { packets: counters.packets + packets, lost: counters.lost + lost };
    const event = events[nowMs];
    if (event !== undefined) tell(event, nowMs);
    for (const [timer, dueMs] of [...timers]) {
      if (dueMs > nowMs || timers.get(timer) !== dueMs) continue;
      timers.delete(timer);
      tell({ type: "timerFired", timer: timer as "sample" }, nowMs);
    }
  }
  return bad;
};
const good = { packets: 5, lost: 0 };
const lossy = { packets: 4, lost: 1 };
const silent = { packets: 0, lost: 0 };

test("quality: a good line is never bad, nor one that loses a packet now and then", () => {
  same(
    played(120, () => good),
    undefined,
  );
  same(
    played(120, (ms) => (ms % 1_000 === 0 ? lossy : good)),
    undefined,
  );
});
test("quality: a line that falls silent is bad after a window and the hold-down", () => {
  const bad = played(120, (ms) => (ms <= 60_000 ? good : silent));
  same(bad?.why, "silence");
  ok(bad!.atMs >= 84_000 && bad!.atMs <= 86_000, `${bad!.atMs}`);
});
test("quality: a line that loses every fifth packet is bad; where it recovers before the hold-down ends it is not", () => {
  same(played(60, () => lossy)?.why, "loss");
  same(
    played(120, (ms) => (ms > 30_000 && ms < 48_000 ? lossy : good)),
    undefined,
  );
});
test("quality: silence on hold is no fault, and is none when the call is resumed", () => {
  same(
    played(200, (ms) => (ms < 150_000 && ms >= 20_000 ? silent : good), {
      20000: { type: "held" },
      150000: { type: "resumed" },
    }),
    undefined,
  );
});
test("quality: after the end nothing is bad", () =>
  same(
    played(60, () => silent, { 3000: { type: "ended" } }),
    undefined,
  ));

test("quality: what the other end reports of what we send counts as what we lose", () => {
  const of = (reportedLoss: number) => [0, 1, 2].map((i) => ({ packets: 5 * i, lost: 0, reportedLoss }));
  same(
    [faultOf(of(20), { windowSamples: 2, lossMax: 0.1 }), faultOf(of(30), { windowSamples: 2, lossMax: 0.1 })],
    [undefined, "reportedLoss"],
  );
});
test("quality: more loss is never better", () =>
  fc.assert(
    fc.property(fc.array(samples, { minLength: 3, maxLength: 3 }), fc.nat(100), (all, more) => {
      const limits = { windowSamples: 2, lossMax: 0.1 };
      if (faultOf(all, limits) === undefined) return;
      const worse = all.map((sample, i) => (i === 2 ? { ...sample, lost: sample.lost + more } : sample));
      ok(faultOf(worse, limits) !== undefined);
    }),
    { numRuns: runs },
  ));
