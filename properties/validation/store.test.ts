/** The remembered calls against a plain list of them; the due queue against a sorted one; reputations against a count. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { e164, nodeIdFrom, ntpMs, unixMs, unixMsOf, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import type { PvpUserName } from "../../codecs/validation/mod.ts";
import {
  ATTEMPTS_MAX,
  callFacts,
  callNamed,
  callStore,
  candidatesFor,
  dueQueue,
  expireCalls,
  failCall,
  insertCall,
  instantWithin,
  isLocked,
  minutesNear,
  nextDueMs,
  peerFailed,
  peerSucceeded,
  ROUND_MS,
  removeCall,
  reputationOf,
  reputations,
  schedule,
  takeDue,
  userNameFor,
} from "../../machines/validation/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { HOUR_MS, vcrs } from "./arbitrary.ts";

const NODE = nodeIdFrom(5n);
// Few numbers and one service, so that calls meet.
const fewVcrs = vcrs.chain((vcr) =>
  fc
    .record({
      called: fc.constantFrom(e164("+11"), e164("+12")),
      calling: fc.constantFrom(e164("+21"), e164("+22"), undefined),
      vservice: fc.constantFrom(7n, 8n).map(vserviceId),
    })
    .map((few): Vcr => ({ ...vcr, ...few })),
);
const nameFor = (vcr: Vcr, method: "A" | "B" | "C", at: number): PvpUserName => {
  const call = callFacts(vcr);
  return userNameFor(
    method,
    call,
    { originator: nodeIdFrom(1n), terminator: NODE, vservice: vcr.vservice },
    instantWithin(call, at),
    ROUND_MS,
  );
};

test("store: a call is found by every name its other end may give it, and by no name of another's", () =>
  fc.assert(
    fc.property(
      fc.array(fewVcrs, { minLength: 1, maxLength: 12 }),
      fc.nat(),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (all, pick, at) => {
        const store = callStore([NODE]);
        const kept = all.map((vcr) => insertCall(store, vcr, unixMs(HOUR_MS)));
        const vcr = all[pick % all.length]!;
        for (const method of ["A", "B", "C"] as const) {
          if (method === "A" && vcr.calling === undefined) continue;
          const name = nameFor(vcr, method, at);
          const expected = kept.filter((call, i) => {
            if (kept.findIndex(({ id }) => id === call.id) < i) return false; // the same call once more
            if (call.vservice !== name.vservice) return false;
            if (name.method === "B") {
              const near = unixMsOf(ntpMs(name.instant * 1000));
              return (
                call.called === name.called && near >= call.startMs - ROUND_MS / 4 && near <= call.stopMs + ROUND_MS / 4
              );
            }
            const own = nameFor({ ...all[kept.indexOf(call)]!, calling: call.calling ?? e164("+9") }, method, 0);
            if (name.method === "A")
              return (
                own.method === "A" &&
                own.called === name.called &&
                own.callerHash === name.callerHash &&
                call.calling !== undefined
              );
            const { starts, stops } = minutesNear(call, ROUND_MS);
            return (
              own.method === "C" &&
              name.method === "C" &&
              starts.includes(name.startMinute) &&
              stops.includes(name.stopMinute) &&
              own.calledHash === name.calledHash
            );
          });
          const found = candidatesFor(store, name); // and so it comes back whole
          if (expected.length < 2) same(found, expected);
          else ok(found.length === 2 && found.every((call) => expected.some(({ id }) => id === call.id)));
          ok(expected.some(({ id }) => id === kept[all.indexOf(vcr)]!.id));
        }
      },
    ),
    { numRuns: runs },
  ));

// docs/protocol/pvp.md
test("store: another node, service, caller or time finds nothing", () => {
  const store = callStore([NODE]);
  const vcr: Vcr = {
    direction: "received",
    calling: e164("+21"),
    called: e164("+11"),
    startMs: unixMs(HOUR_MS),
    stopMs: unixMs(HOUR_MS + 60_000),
    vservice: vserviceId(7n),
  };
  insertCall(store, vcr, unixMs(0));
  const [a, b] = [nameFor(vcr, "A", 0), nameFor(vcr, "B", 0)];
  same([candidatesFor(store, a).length, candidatesFor(store, b).length], [1, 1]);
  same(candidatesFor(store, { ...a, terminator: nodeIdFrom(6n) } as PvpUserName), []);
  same(candidatesFor(store, { ...b, vservice: vserviceId(8n) }), []);
  same(candidatesFor(store, nameFor({ ...vcr, calling: e164("+22") }, "A", 0)), []);
  same(candidatesFor(store, { ...b, instant: (b as { instant: number }).instant + 120 } as PvpUserName), []);
});

test("store: a call that lasts for days is found at any instant of its first day", () => {
  const store = callStore([NODE]);
  const vcr: Vcr = {
    direction: "received",
    calling: undefined,
    called: e164("+11"),
    startMs: unixMs(HOUR_MS),
    stopMs: unixMs(HOUR_MS + 3 * 86_400_000),
    vservice: vserviceId(7n),
  };
  insertCall(store, vcr, unixMs(0));
  for (const at of [0, 0.1, 0.2, 0.33]) same(candidatesFor(store, nameFor(vcr, "B", at)).length, 1);
  ok(store.index.size < 110);
});

test("store: locked after three failures, kept for 48 hours, and nothing stays in the index after it", () =>
  fc.assert(
    fc.property(fc.array(fc.tuple(fewVcrs, fc.nat(100_000_000)), { maxLength: 20 }), (given) => {
      const store = callStore([NODE, nodeIdFrom(6n)]);
      let nowMs = HOUR_MS;
      const model = new Map<number, number>();
      for (const [vcr, laterMs] of given) {
        nowMs += laterMs;
        const { id, keepUntilMs } = insertCall(store, vcr, unixMs(nowMs));
        model.set(id, model.get(id) ?? nowMs + 48 * 3_600_000); // one that is held stays as long as it was to stay
        same(model.get(id), keepUntilMs);
        for (const [id, until] of model) if (until <= nowMs) model.delete(id);
        same(
          [...model.keys()].map((id) => callNamed(store, id)?.id),
          [...model.keys()],
        );
        same(store.calls.size, model.size);
      }
      const id = [...model.keys()][0];
      if (id !== undefined) {
        const locked = Array.from({ length: ATTEMPTS_MAX }, () => isLocked(failCall(store, id, "A")!, "A"));
        same(locked, [false, false, true]);
        removeCall(store, id);
        same(failCall(store, id, "A"), undefined);
      }
      same(expireCalls(store, nowMs + 49 * 3_600_000), Math.max(0, model.size - 1));
      same([store.calls.size, store.index.size], [0, 0]);
    }),
    { numRuns: runs },
  ));

test("store: holds so many calls and no more, the newest ones", () =>
  fc.assert(
    fc.property(fc.array(fewVcrs, { maxLength: 30 }), (all) => {
      const store = callStore([NODE], { callsMax: 5 });
      const ids = all.map((vcr) => insertCall(store, vcr, unixMs(HOUR_MS)).id);
      const calls = [...new Set(ids)];
      same(
        calls.filter((id) => callNamed(store, id) !== undefined),
        calls.slice(-5),
      );
    }),
    { numRuns: runs },
  ));

test("store: a look-up does not look at the calls to other numbers, nor at other hours of a busy one", () => {
  const store = callStore([NODE]);
  const vcr = (n: number): Vcr => {
    const startMs = HOUR_MS + n * 30_000;
    return {
      direction: "received",
      calling: e164(`+2${n}`),
      called: e164("+11"),
      startMs: unixMs(startMs),
      stopMs: unixMs(startMs + 20_000),
      vservice: vserviceId(7n),
    };
  };
  for (let n = 0; n < 5_000; n++) insertCall(store, vcr(n), unixMs(0));
  same(candidatesFor(store, nameFor(vcr(4_321), "A", 0)).length, 1);
  same(candidatesFor(store, nameFor(vcr(4_321), "B", 0.5)).length, 1);
});

test("due: comes out in the order of its times; of two at one time the first that was added", () =>
  fc.assert(
    fc.property(
      fc.array(fc.nat(50), { maxLength: 60 }),
      fc.nat(50),
      fc.integer({ min: 1, max: 10 }),
      (hours, now, max) => {
        const queue = dueQueue<number>();
        hours.forEach((hour, i) => ok(schedule(queue, i, hour)));
        const sorted = hours.map((hour, i) => ({ hour, i })).sort((a, b) => a.hour - b.hour || a.i - b.i);
        const due = sorted.filter(({ hour }) => hour <= now).map(({ i }) => i);
        const taken: Array<number> = [];
        for (let more = takeDue(queue, now, max); more.length > 0; more = takeDue(queue, now, max)) {
          ok(more.length <= max);
          taken.push(...more);
        }
        same(taken, due);
        same(nextDueMs(queue), sorted[due.length]?.hour);
      },
    ),
    { numRuns: runs },
  ));

test("due: a full queue takes nothing more", () => {
  const queue = dueQueue<string>(2);
  same([schedule(queue, "a", 1), schedule(queue, "b", 0), schedule(queue, "c", 0)], [true, true, false]);
  same(takeDue(queue, 9, 9), ["b", "a"]);
});

test("reputation: welcome, slowed, refused; forgiven by time and by success, others untouched", () => {
  const table = reputations({ slowFrom: 2, refuseFrom: 4, windowMs: 1_000 });
  const after = (failures: number) => {
    for (let i = 0; i < failures; i++) peerFailed(table, "a", i);
    return reputationOf(table, "a", 500);
  };
  same(
    [reputationOf(table, "a", 0), after(1), after(1), after(1), after(1)],
    ["welcome", "welcome", "slowed", "slowed", "refused"],
  );
  same([reputationOf(table, "b", 500), reputationOf(table, "a", 1_000)], ["welcome", "welcome"]);
  peerFailed(table, "a", 1_500);
  same(reputationOf(table, "a", 1_500), "welcome"); // a new window begins
  peerSucceeded(table, "a");
  same(table.peers.size, 0);
  for (let i = 0; i < 20_000; i++) peerFailed(table, String(i), 0);
  same(table.peers.size, 10_000);
});
