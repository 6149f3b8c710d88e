/** Local times as instants, and what a channel's birth and the durations say where a zone leaves two, or is the wrong one. */
import { deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { instantsOf, noEvidence } from "../../codecs/cdr/birth.ts";
import { epochMsOf, localMsOf, zoneOf } from "../../codecs/cdr/zone.ts";
import { runs, test } from "../kit/harness.ts";

const stamp = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");
const anyMs = fc.integer({ min: 0, max: 4e9 }).map((s) => s * 1000);

test("zone: a written time is read back, and what is no time is none", () =>
  fc.assert(
    fc.property(
      anyMs,
      fc.constantFrom("", ".5", ".123456", ".999999"),
      fc.string({ maxLength: 30 }),
      (ms, fraction, other) => {
        same(localMsOf(stamp(ms) + fraction), ms + Math.floor(Number(`0${fraction}`) * 1000 + 1e-6));
        const read = localMsOf(other);
        same(read === undefined || stamp(read).slice(0, 10) === other.slice(0, 10), true);
      },
    ),
    { numRuns: runs },
  ));
for (const text of [
  "2011-02-30 08:00:10",
  "2011-04-04 24:00:00",
  "2011-13-01 00:00:00",
  "2011-04-04 8:00:00",
  "",
  "2011-04-04 08:00:00.",
])
  test(`zone: "${text}" is no time`, () => same(localMsOf(text), undefined));
test("zone: seconds since 1970, cut to a millisecond", () => {
  same(["1795997440.134510", "1795997440", "17959974", "x"].map(epochMsOf), [
    1795997440134,
    1795997440000,
    undefined,
    undefined,
  ]);
});

const zones: ReadonlyArray<readonly [string, string, ...ReadonlyArray<string>]> = [
  ["UTC", "2011-07-01 12:00:00", "2011-07-01T12:00:00Z"],
  ["+09:00", "2011-07-01 12:00:00", "2011-07-01T03:00:00Z"],
  ["-03:30", "2011-07-01 12:00:00", "2011-07-01T15:30:00Z"],
  ["Europe/Berlin", "2011-07-01 12:00:00", "2011-07-01T10:00:00Z"],
  ["Europe/Berlin", "2011-01-01 12:00:00", "2011-01-01T11:00:00Z"],
  ["Europe/Berlin", "2011-03-27 01:59:59", "2011-03-27T00:59:59Z"],
  ["Europe/Berlin", "2011-03-27 02:30:00", "2011-03-27T01:30:00Z"], // does not occur
  ["Europe/Berlin", "2011-03-27 03:00:00", "2011-03-27T01:00:00Z"],
  ["Europe/Berlin", "2011-10-30 02:30:00", "2011-10-30T00:30:00Z", "2011-10-30T01:30:00Z"],
  ["America/Los_Angeles", "2011-07-01 12:00:00", "2011-07-01T19:00:00Z"],
];
for (const [zone, local, ...instants] of zones)
  test(`zone: ${local} in ${zone}`, () => same(zoneOf(zone)!.instants(localMsOf(local)!), instants.map(Date.parse)));
test("zone: an unknown zone is none", () => same(["Middle/Earth", "+24:00"].map(zoneOf), [undefined, undefined]));

const berlin = zoneOf("Europe/Berlin")!;
const row = (start: string, end: string, more: { birth?: string; durationS?: number; billS?: number } = {}) => ({
  startMs: localMsOf(`2023-10-29 ${start}`)!,
  answerMs: localMsOf(`2023-10-29 ${start}`)!,
  endMs: localMsOf(`2023-10-29 ${end}`)!,
  birthMs: more.birth === undefined ? undefined : Date.parse(`2023-10-29T${more.birth}Z`),
  durationS: more.durationS,
  billS: more.billS,
});
const read = (local: ReturnType<typeof row>) => {
  const found = instantsOf(local, berlin, noEvidence());
  return found === undefined
    ? undefined
    : [found.answerMs!, found.endMs].map((ms) => new Date(ms).toISOString().slice(11, 19));
};
test("birth: over the end of summer time the durations and the id decide", () => {
  same(read(row("02:55:00", "02:05:00", { billS: 600 })), ["00:55:00", "01:05:00"]);
  same(read(row("02:50:00", "03:10:00", { billS: 1200 })), ["01:50:00", "02:10:00"]);
  same(read(row("02:50:00", "03:10:00", { billS: 4800 })), ["00:50:00", "02:10:00"]);
  same(read(row("02:10:00", "02:11:00", { billS: 60 })), ["00:10:00", "00:11:00"]);
  same(read(row("02:10:00", "02:11:00", { billS: 60, birth: "01:10:00" })), ["01:10:00", "01:11:00"]);
  same(read(row("04:00:00", "03:59:59")), undefined);
});

test("birth: what no two zones are apart is a clock that was wrong, and no zone", () => {
  const evidence = noEvidence();
  const utc = zoneOf("UTC")!;
  const at = (ms: number, birthMs: number) =>
    instantsOf({ startMs: ms, answerMs: ms, endMs: ms, birthMs, durationS: 0, billS: 0 }, utc, evidence);
  const birth = Date.parse("2026-11-30T00:00:00Z");
  same(at(Date.parse("1970-01-01T00:00:00Z"), birth), undefined); // begun decades before its channel was there
  const late = Date.parse("2027-03-10T00:00:00Z"); // 100 days after: a part of a channel that stays, read as it stands
  same(at(late, birth), { startMs: late, answerMs: late, endMs: late });
  same(evidence.shiftMs, 0);
  const far = birth + 26 * 3_600_000;
  same(at(far, birth), { startMs: birth, answerMs: birth, endMs: birth });
});

test("birth: rows whose ids stand in another zone are read in that one, also when its summer time ends", () =>
  fc.assert(
    fc.property(
      fc.constantFrom("America/New_York", "Asia/Kolkata", "Europe/Berlin", "UTC"),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 0, max: 2_000 })), {
        minLength: 1,
        maxLength: 20,
      }),
      (zone, calls) => {
        const evidence = noEvidence();
        const format = new Intl.DateTimeFormat("sv", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
        const local = (ms: number) => localMsOf(format.format(ms))!;
        let nowMs = Date.parse("2026-10-25T00:00:00Z");
        for (const [waitS, talkS] of calls) {
          nowMs += 1000 * waitS;
          const endMs = nowMs + 1000 * (talkS + 2);
          const times = { startMs: local(nowMs), answerMs: local(nowMs + 2000), endMs: local(endMs) };
          const found = instantsOf(
            { ...times, birthMs: nowMs, durationS: talkS + 2, billS: talkS },
            zoneOf("UTC")!,
            evidence,
          );
          same(found, { startMs: nowMs, answerMs: nowMs + 2000, endMs });
          nowMs = endMs;
        }
      },
    ),
    { numRuns: runs },
  ));
