/**
 * The same five calls in each format: every file gives those that it has, within the resolution of its format, or says which
 * fact is lost. truth.json has what the telephone network saw.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { RECORD_FORMATS, type RecordFormat, recordReader, trunkMatcher, zoneOf } from "../../codecs/cdr/mod.ts";
import type { CallAside } from "../../machines/records/mod.ts";
import { runs, test } from "../kit/harness.ts";
import { type Company, lineOf, RECORDS, readFileOf, readRecords } from "./read.ts";

const company: Company = {
  numbers: {
    country: "US",
    area: "408",
    outside: ["9"],
    own: ["+14085550100..+14085550199"],
    extensions: { "10XX": "+140855501XX" },
    dids: { "+14085550101": "1001", "+14085550102": "1002", "+14085550103": "1003" },
    trunks: { carrier: { plus: "omitted-by-some" } },
  },
  trunks: [{ name: "carrier", channels: ["PJSIP/carrier", "PJSIP/trunk_1", "carrier", "sip-trunk-pstn"] }],
  zone: "America/Los_Angeles",
};

interface Truth {
  readonly call: string;
  readonly direction: string;
  readonly caller: string;
  readonly called: string;
  readonly answer: number | null;
  readonly end: number | null;
}
const truth = (
  JSON.parse(readFileSync(new URL("formats/truth.json", RECORDS), "utf8")) as { calls: ReadonlyArray<Truth> }
).calls;

interface Expected {
  /** What the file gives, of truth.json. */
  readonly calls: string;
  /** Within which the times of the format are right. */
  readonly ms: number;
  /** What it has lost, and the rows that are no calls of their own. */
  readonly aside?: Partial<Record<CallAside | "noTrunk" | "answerMissing", number>>;
  /** The caller's number is lost too. */
  readonly isMasked?: boolean;
}
const files: Readonly<Record<string, Expected>> = {
  "3cx-cdr.log": { calls: "out in xfer", ms: 1_000 },
  "audiocodes-sbc.log": { calls: "out", ms: 2, aside: { calledNotOurs: 1, unanswered: 1 } },
  "avaya-ipoffice-smdr.csv": { calls: "out in xfer", ms: 1_000, aside: { unanswered: 1 } },
  "cel-custom-Master.csv": { calls: "xfer", ms: 1 },
  "cube-cdr.cube1.11_27_2026_17_10_26.123.csv": { calls: "out", ms: 5, aside: { calledNotOurs: 1, unanswered: 2 } },
  "cucm-cdr_StandAloneCluster_01_202611271721_1.csv": {
    calls: "out in xfer fwd",
    ms: 1_000,
    aside: { noTrunk: 1, unanswered: 1 },
  },
  "freeswitch-asterisk-template.csv": { calls: "out", ms: 1_000, aside: { calledMissing: 1, unanswered: 1 } },
  "freeswitch-example-legs-a.csv": { calls: "out xfer", ms: 1_000, aside: { calledMissing: 2, unanswered: 1 } },
  "freeswitch-in-a_leg.cdr.xml": { calls: "in", ms: 1 },
  "freeswitch-in-trunk-leg.cdr.json": { calls: "in", ms: 1 },
  "freeswitch-out-trunk-leg.cdr.json": { calls: "out", ms: 1 },
  "freeswitch-recommended-legs-ab.csv": { calls: "out in xfer", ms: 1, aside: { noTrunk: 4 } },
  "freeswitch-transferred-trunk-leg.cdr.json": { calls: "xfer", ms: 1 },
  "freeswitch-unanswered-trunk-leg.cdr.json": { calls: "", ms: 1, aside: { unanswered: 1 } },
  "grandstream-ucm-cdrapi.csv": { calls: "out in", ms: 1_000, aside: { unanswered: 1 } },
  "kamailio-acc.log": { calls: "out in", ms: 1_000, aside: { unanswered: 1 } },
  "kamailio-acc_cdrs.csv": { calls: "", ms: 1_000, aside: { answerMissing: 2, unanswered: 1 } },
  "opensips-acc.log": { calls: "out in", ms: 1_000, aside: { unanswered: 1 } },
  "teams-directrouting.json": { calls: "in", ms: 1, aside: { calledNoNumber: 1, unanswered: 1 }, isMasked: true },
  "yeastar-p-newcdr.jsonl": { calls: "out in", ms: 1_000, aside: { unanswered: 1 } },
};

test("records: each file of the formats is named here", () => {
  const there = readdirSync(new URL("formats/", RECORDS)).filter((name) => !/^truth\.json$|-template\.xml$/.test(name));
  same(there.sort(), Object.keys(files).sort());
});
for (const [file, { calls, ms, aside = {}, isMasked = false }] of Object.entries(files))
  test(`records: ${file}: ${calls || "no call"}`, () => {
    const { outcomes, counts, shiftMs } = readFileOf(`formats/${file}`, company);
    same([counts.aside, shiftMs], [aside, 0]);
    const found = outcomes.flatMap((outcome) => (outcome.type === "call" ? [outcome.call] : []));
    const names = calls === "" ? [] : calls.split(" ");
    same(found.length, names.length);
    for (const [i, { direction, calling, called, startMs, stopMs }] of found
      .sort((a, b) => a.startMs - b.startMs)
      .entries()) {
      const right = truth.find(({ call }) => call === names[i])!;
      same([direction, calling, called], [right.direction, isMasked ? undefined : right.caller, right.called]);
      ok(Math.abs(startMs - 1000 * right.answer!) < ms, `${startMs} ${right.answer}`);
      ok(Math.abs(stopMs - 1000 * right.end!) < ms, `${stopMs} ${right.end}`);
    }
  });

test("records: every reader gives the same rows however the bytes are cut, and whatever they are", () =>
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(files)),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 5 }),
      fc.integer({ min: 7, max: 4_000 }),
      (file, changes, size) => {
        const bytes = new Uint8Array(readFileSync(new URL(`formats/${file}`, RECORDS)));
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        same(
          readRecords(bytes, company, [size]).outcomes.map(lineOf),
          readRecords(bytes, company).outcomes.map(lineOf),
        );
      },
    ),
    { numRuns: runs },
  ));
test("records: any bytes give rows to every reader, and never an exception", () =>
  fc.assert(
    fc.property(
      fc.constantFrom(...RECORD_FORMATS),
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.string().map((text) => new TextEncoder().encode(text)),
      ),
      (format: RecordFormat, bytes) => {
        const made = recordReader({ format, zone: zoneOf("UTC")!, trunkOf: trunkMatcher([]), hasTrunks: false });
        ok(made.reader !== undefined);
        for (const { place } of [...made.reader.push(bytes), ...made.reader.end()])
          ok(place.line >= 1 && place.offset <= bytes.length);
      },
    ),
    { numRuns: runs },
  ));

const json = (row: object) =>
  readRecords(new TextEncoder().encode(`${JSON.stringify(row)}\n`), { ...company, format: "jsonl" }).outcomes.map(
    lineOf,
  );
test("records: JSON lines, with the times in each of their forms", () => {
  const row = { id: "7", trunk: "carrier", direction: "sent", calling: "1001", called: "+12125550142" };
  const line = "sent +14085550101 > +12125550142 17:00:06 17:00:41";
  same(
    json({ ...row, start: "2026-11-27T17:00:00Z", answer: "2026-11-27T17:00:06Z", end: "2026-11-27T18:00:41+01:00" }),
    [line],
  );
  same(json({ ...row, answer: "2026-11-27 09:00:06", end: "2026-11-27 09:00:41" }), [line]);
  same(json({ ...row, answer: 1_795_798_806, end: 1_795_798_841_000 }), [line]);
  same(json({ ...row, answer: 0, end: 1_795_798_841 }), ["1: unanswered"]);
  same(json({ ...row, trunk: "intercom", answer: 1_795_798_806, end: 1_795_798_841 }), ["1: noTrunk"]);
  same(json({ ...row, answer: "soon", end: 1_795_798_841 }), ["1: badLine"]);
});
test("records: a device whose clock was never set is not believed", () => {
  const bytes = readFileSync(new URL("formats/audiocodes-sbc.log", RECORDS), "utf8").replaceAll(
    "|17:00:06.163",
    "|*17:00:06.163",
  );
  same(readRecords(new TextEncoder().encode(bytes), company).counts.aside.clockUnset, 1);
});
