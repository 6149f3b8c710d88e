/** Calls that we made: told twice they are asked about once, overlapping they are two; and what lies near one another counts once. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { e164, unixMs } from "../../codecs/shared/mod.ts";
import { type CallFacts, ROUND_MS as T } from "../../machines/validation/mod.ts";
import {
  askAbout,
  giveUp,
  isTaken,
  noteSent,
  SENT_CALLS_MAX,
  SENT_LIFETIME_MS,
  SENT_OF_LINE_MAX,
  sentCalls,
  setShared,
  takeBack,
} from "../../machines/vipr/mod.ts";
import { runs, test } from "../kit/harness.ts";

const LINE = "1/+14085550000";
const [ANN, BOB] = [e164("+33123456789"), e164("+33123456790")];
const callAt = (startMs: number, stopMs: number, calling: CallFacts["calling"] = ANN): CallFacts => ({
  called: e164("+14085550000"),
  calling,
  startMs: unixMs(startMs),
  stopMs: unixMs(stopMs),
});
const calls = fc.array(
  fc
    .record({ startS: fc.nat(300), lastsS: fc.nat(120), calling: fc.constantFrom(ANN, BOB, undefined) })
    .map(({ startS, lastsS, calling }) => callAt(1_000 * startS, 1_000 * (startS + lastsS), calling)),
  { maxLength: 12 },
);

/** The rules, said once more. */
const isOne = (a: CallFacts, b: CallFacts, withinMs: number = T / 2) =>
  (a.calling === undefined || b.calling === undefined || a.calling === b.calling) &&
  Math.max(Math.abs(a.startMs - b.startMs), Math.abs(a.stopMs - b.stopMs)) < withinMs;
const apartFrom = (call: CallFacts, asked: ReadonlyArray<CallFacts>) => {
  const ends = asked.flatMap(({ startMs, stopMs }) => [startMs, stopMs]);
  const [startMs, stopMs] = [call.startMs, call.stopMs].map((ms) => Math.min(...ends.map((end) => Math.abs(ms - end))));
  return { startMs, stopMs };
};

test("sent calls: a record counts as taken while it waits and once it was asked about, whatever came between", () =>
  fc.assert(
    fc.property(calls, fc.array(fc.constantFrom("note", "ask", "takeBack", "giveUp")), (given, steps) => {
      const sent = sentCalls(T);
      const keyOf = ({ startMs, stopMs, calling }: CallFacts) => `${startMs}/${stopMs}/${calling}`;
      const model = new Map<string, "waits" | "asked" | "free">();
      for (const [i, step] of steps.entries()) {
        const call = given[i % Math.max(1, given.length)];
        if (call === undefined) return;
        const key = keyOf(call);
        if (step === "note" && model.get(key) !== "asked") {
          noteSent(sent, LINE, call, i);
          model.set(key, "waits");
        } else if (step === "giveUp" && model.get(key) === "waits") {
          giveUp(sent, LINE, call);
          model.set(key, "free");
        } else if (step === "takeBack" && model.get(key) === "asked") {
          takeBack(sent, LINE, call);
          model.set(key, "free");
        } else if (step === "ask") {
          const isAsked = askAbout(sent, LINE, call, i) !== undefined;
          if (isAsked) model.set(key, "asked");
          else if (model.get(key) === "waits") model.set(key, "free"); // another record of that call was asked about
        }
        for (const other of given)
          same(isTaken(sent, LINE, other), ["waits", "asked"].includes(model.get(keyOf(other)) ?? "free"));
      }
    }),
    { numRuns: runs },
  ));

test("sent calls: each is asked about once, overlapping ones each, and it is known how far their ends are from those of asked ones", () =>
  fc.assert(
    fc.property(calls, fc.array(fc.boolean()), fc.boolean(), (given, isTaken, areNoted) => {
      const sent = sentCalls(T);
      if (areNoted) for (const call of given) noteSent(sent, LINE, call, 0);
      const known: Array<CallFacts> = areNoted ? [...given] : [];
      const taken: Array<CallFacts> = [];
      for (const [i, call] of given.entries()) {
        const among = askAbout(sent, LINE, call, i);
        const isTold = taken.some((other) => isOne(call, other));
        same(among === undefined, isTold);
        if (among === undefined) continue;
        const mayBeOne = taken.some((other) => isOne(call, other, T));
        same(among.apart, mayBeOne ? { startMs: 0, stopMs: 0 } : apartFrom(call, taken));
        const others = known.filter((other) => !isOne(call, other));
        same(
          new Set(among.others.map(({ startMs, stopMs }) => `${startMs}/${stopMs}`)),
          new Set(others.map(({ startMs, stopMs }) => `${startMs}/${stopMs}`)),
        );
        known.push(call);
        if (isTaken[i] === true) takeBack(sent, LINE, call);
        else taken.push(call);
      }
      for (const call of taken) same(askAbout(sent, LINE, call, SENT_LIFETIME_MS - 1), undefined);
    }),
    { numRuns: runs },
  ));

test("sent calls: a record without the caller is the call of one that has it; two callers make two calls", () => {
  const sent = sentCalls(T);
  const call = callAt(900_000, 930_000);
  const apart = (of: CallFacts) => Object.values(askAbout(sent, LINE, of, 0)?.apart ?? {});
  const none = Number.POSITIVE_INFINITY;
  same(apart(call), [none, none]);
  same(askAbout(sent, LINE, callAt(900_040, 934_999, undefined), 0), undefined);
  same(askAbout(sent, LINE, callAt(904_000, 930_000), 0), undefined);
  same(apart(callAt(908_000, 938_000)), [0, 0]); // of a line that is dialled every eight seconds
  same(apart(callAt(900_000, 930_000, BOB)), [0, 0]);
  same(apart(callAt(900_000, 950_000)), [0, 12_000]);
  same(apart(callAt(980_000, 1_200_000)), [30_000, 250_000]);
  same(apart(callAt(1_202_000, 1_300_000)), [2_000, 100_000]); // dialled again at once
});

test("sent calls: lines are apart, three days are remembered, and so many calls of a line and in all", () => {
  const sent = sentCalls(T);
  const call = callAt(0, 60_000);
  same(
    [LINE, "2/+1", LINE].map((line) => askAbout(sent, line, call, 0) !== undefined),
    [true, true, false],
  );
  setShared(sent, LINE, true);
  same(askAbout(sent, LINE, callAt(600_000, 660_000), 1)?.isShared, true);
  same(askAbout(sent, LINE, call, SENT_LIFETIME_MS) === undefined, false);
  for (let i = 0; i < SENT_OF_LINE_MAX + 5; i++) noteSent(sent, "3/+1", callAt(i * 60_000, i * 60_000), 0);
  same(sent.lines.get("3/+1")?.calls.length, SENT_OF_LINE_MAX);
  for (let i = 0; i < SENT_CALLS_MAX; i++) noteSent(sent, `4/+${i}`, call, 0);
  same([sent.count, sent.lines.has(LINE), sent.lines.has("4/+0")], [SENT_CALLS_MAX, false, true]);
});
