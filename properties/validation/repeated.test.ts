/** Records that come twice, many that come at once, and those of one tenant beside another's: each call is found once. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { e164, nodeIdFrom, unixMs, type Vcr, vserviceId } from "../../codecs/shared/mod.ts";
import type { PvpUserName } from "../../codecs/validation/mod.ts";
import {
  callFacts,
  callNamed,
  callStore,
  candidatesFor,
  expireCalls,
  failCall,
  findStored,
  insertCall,
  ROUND_MS,
  SAME_KEY_MAX,
  userNameFor,
} from "../../machines/validation/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { counting } from "../kit/timing.ts";
import { receivedCall as got, HOUR_MS, vcrs } from "./arbitrary.ts";

const NODE = nodeIdFrom(2n);
const nameFor = (vcr: Vcr, method: "A" | "B" | "C", atMs: number = vcr.startMs + 1_000): PvpUserName =>
  userNameFor(
    method,
    callFacts(vcr),
    { originator: nodeIdFrom(1n), terminator: NODE, vservice: vcr.vservice },
    unixMs(1000 * Math.round(atMs / 1000)),
    ROUND_MS,
  );
/** The same call, by a clock that is so far away at its start and at its stop. */
const shifted = (vcr: Vcr, startMs: number, stopMs: number): Vcr => ({
  ...vcr,
  startMs: unixMs(vcr.startMs + startMs),
  stopMs: unixMs(vcr.stopMs + stopMs),
});
const near = fc.integer({ min: 1 - ROUND_MS / 4, max: ROUND_MS / 4 - 1 });
const lasting = vcrs.map((vcr) => ({ ...vcr, stopMs: unixMs(vcr.stopMs + 60_000) }));

test("repeated: a record that comes again is the one that is there, with its failures and its end, whichever clock wrote it", () =>
  fc.assert(
    fc.property(lasting, fc.array(fc.tuple(near, near), { maxLength: 6 }), fc.nat(1_000_000), (vcr, again, laterMs) => {
      const store = callStore([NODE, nodeIdFrom(3n)]);
      const first = insertCall(store, vcr, unixMs(HOUR_MS));
      failCall(store, first.id, "B");
      for (const [startMs, stopMs] of again) {
        const copy = shifted(vcr, startMs, stopMs);
        same(findStored(store, copy), { ...first, attempts: { caller: 0, times: 1 } });
        same(insertCall(store, copy, unixMs(HOUR_MS + laterMs)), callNamed(store, first.id));
        for (const method of ["A", "B", "C"] as const)
          if (method !== "A" || vcr.calling !== undefined) same(candidatesFor(store, nameFor(copy, method)).length, 1);
      }
      same(store.calls.size, 1);
      same(expireCalls(store, first.keepUntilMs), 1);
      same(store.index.size, 0);
    }),
    { numRuns: runs },
  ));

test("repeated: another time, caller, number or VService is another call", () =>
  fc.assert(
    fc.property(lasting, fc.boolean(), (vcr, isStart) => {
      const store = callStore([NODE]);
      insertCall(store, vcr, unixMs(HOUR_MS));
      const away = ROUND_MS / 4;
      const others: ReadonlyArray<Vcr> = [
        shifted(vcr, isStart ? away : 0, isStart ? 0 : away),
        shifted(vcr, isStart ? -away : 0, isStart ? 0 : -away),
        { ...vcr, calling: vcr.calling === undefined ? e164("+15550001") : undefined },
        { ...vcr, calling: e164("+15550002") },
        { ...vcr, called: e164("+15550003") },
        { ...vcr, vservice: vserviceId(vcr.vservice + 1n) },
      ];
      for (const other of others) same(findStored(store, other), undefined);
    }),
    { numRuns: runs },
  ));

/** Calls to one number, one after another within a quarter of an hour, each some seconds long. */
const QUARTER_MS = Math.ceil(got.startMs / 900_000) * 900_000;
const inARow = (count: number, stepMs: number): ReadonlyArray<Vcr> =>
  Array.from({ length: count }, (_, i) => ({
    ...got,
    calling: e164(`+1555${1_000 + i}`),
    startMs: unixMs(QUARTER_MS + 10_000 + i * stepMs),
    stopMs: unixMs(QUARTER_MS + 10_000 + i * stepMs + stepMs / 4),
  }));

test("many: of a hundred calls to a number in a quarter of an hour each is found, and two at one instant are two", () => {
  const store = callStore([NODE]);
  const calls = inARow(100, 8_000);
  const ids = calls.map((vcr) => insertCall(store, vcr, unixMs(HOUR_MS)).id);
  calls.forEach((vcr, i) => {
    const { startMs, stopMs } = vcr;
    const middle = (startMs + stopMs) / 2;
    same(
      candidatesFor(store, nameFor(vcr, "B", middle)).map(({ id }) => id),
      [ids[i]],
    );
  });
  // The last of them once more, by another caller: a user name with its instant means neither.
  const last = calls.at(-1)!;
  insertCall(store, { ...last, calling: e164("+15559999") }, unixMs(HOUR_MS));
  const { startMs, stopMs } = last;
  same(candidatesFor(store, nameFor(last, "B", (startMs + stopMs) / 2)).length, 2);
});

test("many: a key with more calls than are looked at names none, until they have gone; by A they are found all the same", () => {
  const store = callStore([NODE], { retentionMs: 1_000, roundMs: 1_000 });
  const calls = inARow(SAME_KEY_MAX + 1, 3_000);
  calls.forEach((vcr, i) => insertCall(store, vcr, unixMs(i)));
  const middle = (vcr: Vcr) => (vcr.startMs + vcr.stopMs) / 2;
  const [first, last] = [calls[0]!, calls.at(-1)!];
  for (const vcr of [first, calls[100]!, last]) {
    same(candidatesFor(store, nameFor(vcr, "B", middle(vcr))).length, 2);
    same(candidatesFor(store, nameFor(vcr, "A")).length, 1);
  }
  expireCalls(store, 1_000); // the first has gone
  same(candidatesFor(store, nameFor(first, "B", middle(first))).length, 0);
  same(candidatesFor(store, nameFor(last, "B", middle(last))).length, 1);
});

test("many: what one tenant uploads hides nothing of another's", () => {
  const store = callStore([NODE]);
  for (const vcr of inARow(2 * SAME_KEY_MAX, 1_000))
    insertCall(store, { ...vcr, vservice: vserviceId(99n) }, unixMs(HOUR_MS));
  const victim = { ...got, startMs: unixMs(QUARTER_MS + 300_000), stopMs: unixMs(QUARTER_MS + 400_000) };
  const { id } = insertCall(store, victim, unixMs(HOUR_MS));
  for (const method of ["A", "B", "C"] as const)
    same(
      candidatesFor(store, nameFor(victim, method, QUARTER_MS + 350_000)).map((call) => call.id),
      [id],
    );
});

test("many: a look-up by a stranger looks at no more where a number has very many calls", () => {
  const readsOf = (calls: number): number => {
    const store = callStore([NODE]);
    for (let i = 0; i < calls; i++)
      insertCall(store, { ...inARow(1, 1_000)[0]!, calling: e164(`+1${1_000_000 + i}`) }, unixMs(HOUR_MS));
    const [rows, index] = [counting(store.calls), counting(store.index)];
    const name = nameFor(inARow(1, 1_000)[0]!, "B", QUARTER_MS + 10_100);
    same(candidatesFor({ ...store, calls: rows.counted, index: index.counted }, name).length, 2);
    return rows.reads() + index.reads();
  };
  const [few, many] = [readsOf(SAME_KEY_MAX), readsOf(20_000)];
  ok(few > 0 && many < 2 * few + 64 * SAME_KEY_MAX, `${few} reads with few, ${many} with many`);
});
