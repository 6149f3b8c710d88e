/**
 * A real Asterisk's files: what the telephone network saw is in truth.json, and each file gives the calls that it has not
 * lost, none with a wrong number.
 */
import { ok, deepStrictEqual as same } from "node:assert";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { printAsterisk } from "../cdr/print.ts";
import { runs, test } from "../kit/harness.ts";
import { acme, callLines, lineOf, RECORDS, readFileOf, readRecords } from "./read.ts";

interface Truth {
  readonly calls: ReadonlyArray<{
    readonly lines: ReadonlyArray<number>;
    readonly calls: ReadonlyArray<{
      readonly direction: string;
      readonly calling: string | null;
      readonly called: string;
      readonly answered: string;
      readonly ended: string;
      readonly ours: boolean;
    }>;
  }>;
}
const truth = JSON.parse(readFileSync(new URL("asterisk/truth.json", RECORDS), "utf8")) as Truth;
const secondOf = (text: string) => Math.floor(Date.parse(text) / 1000);

test("records: Master-main.csv gives at least 74 of its 92 calls, none with a wrong number, at most three that never were", () => {
  const { outcomes } = readFileOf("asterisk/Master-main.csv");
  const calls = outcomes.filter((outcome) => outcome.type === "call");
  const seen = truth.calls.flatMap(({ lines, calls }) => calls.map((call) => ({ ...call, lines })));
  same(seen.length, 92);
  const used = new Set<unknown>();
  const right = seen.filter(({ lines, direction, calling, called, answered, ended }) => {
    const one = calls.find(
      ({ call, of }) =>
        of.lines.every((line) => lines.includes(line)) &&
        call.direction === direction &&
        call.called === called &&
        // The file cuts milliseconds off, and its clock is read some of them after the network's.
        Math.abs(call.startMs / 1000 - secondOf(answered)) <= 1 &&
        Math.abs(call.stopMs / 1000 - secondOf(ended)) <= 1 &&
        // A number withheld by Privacy stands in the file all the same; "open": the text alone cannot tell.
        (call.calling === undefined || calling === null || calling === "open" || call.calling === calling),
    );
    if (one === undefined) return false;
    used.add(one);
    return true;
  });
  ok(right.length >= 74, `${right.length}`);
  ok(right.every(({ ours }) => ours));
  const extra = calls.filter((call) => !used.has(call));
  ok(extra.length <= 3, extra.map(lineOf).join("\n"));
  for (const { call, of } of calls)
    ok(seen.some(({ lines, called }) => called === call.called && of.lines.every((line) => lines.includes(line))));
});

test("records: what is left aside of Master-main.csv has a reason, and each line is in one call or aside", () => {
  const { outcomes, counts } = readFileOf("asterisk/Master-main.csv");
  same(counts, {
    rows: 136,
    calls: 76,
    aside: { noTrunk: 12, unanswered: 14, stranger: 3, calledNoNumber: 10, conference: 1, calledNotOurs: 1 },
  });
  const lines = outcomes.flatMap((outcome) => (outcome.type === "call" ? outcome.of.lines : outcome.lines));
  same(new Set(lines).size, 136);
});

const small: ReadonlyArray<readonly [file: string, zone: string, calls: ReadonlyArray<string>]> = [
  [
    "Master-dst.csv",
    "Europe/Berlin",
    [
      "sent +14085550201 > +49305550901 00:59:51 00:59:53",
      "sent +14085550201 > +49305550901 00:59:55 00:59:56",
      "sent +14085550201 > +49305550901 01:00:02 01:00:03",
      "sent +14085550201 > +49305550901 01:00:08 01:00:09",
      "received +49305550777 > +14085550201 01:00:11 01:00:13",
    ],
  ],
  [
    "Master-default.csv",
    "America/New_York",
    [
      "sent +14085550201 > +49305550901 00:38:59 00:39:01",
      "sent +14085550201 > +49305550901 00:39:04 00:39:06",
      "received +49305550777 > +14085550201 00:39:08 00:39:09",
      "received +49305550777 > +14085550311 00:39:11 00:39:13",
    ],
  ],
  [
    "Master-midnight.csv",
    "UTC",
    ["sent +14085550201 > +49305550901 23:59:59 00:00:01", "sent +14085550201 > +49305550901 00:00:05 00:00:07"],
  ],
  [
    "Master-batch.csv",
    "UTC",
    [
      "sent +14085550201 > +49305550901 00:30:21 00:30:23",
      "sent +14085550201 > +49305550901 00:30:26 00:30:28",
      "received +49305550777 > +14085550201 00:30:30 00:30:31",
      "received +49305550777 > +14085550311 00:30:33 00:30:35",
    ],
  ],
  [
    "Master-hexten.csv",
    "UTC",
    [
      "sent +14085550201 > +49305550901 00:29:39 00:29:40",
      "sent +14085550201 > +49305550901 00:29:48 00:29:49",
      "sent +14085550201 > +49305550901 00:29:51 00:29:51",
      "received +49305550777 > +14085550201 00:29:53 00:29:54",
      "received +49305550777 > +14085550311 00:29:56 00:29:58",
      "received +49305550777 > +14085550303 00:30:05 00:30:07",
      "received +49305550777 > +14085550320 00:30:09 00:30:12",
    ],
  ],
  [
    "Master-unanswered.csv",
    "UTC",
    [
      "sent +14085550201 > +49305550901 00:29:01 00:29:02",
      "sent +14085550201 > +49305550901 00:29:11 00:29:12",
      "received +49305550777 > +14085550201 00:29:14 00:29:16",
      "received +49305550777 > +14085550311 00:29:17 00:29:19",
      "received +49305550777 > +14085550303 00:29:26 00:29:28",
    ],
  ],
];
for (const [file, zone, calls] of small)
  test(`records: ${file} in ${zone}`, () => {
    const { outcomes, shiftMs } = readFileOf(`asterisk/${file}`, { ...acme, zone });
    same(callLines(outcomes), calls);
    same(shiftMs, 0);
  });

test("records: a file in another zone than the configured one is found out by its ids, and read in its own", () => {
  const { outcomes, shiftMs } = readFileOf("asterisk/Master-dst.csv");
  same([callLines(outcomes), shiftMs], [small[0]![2], 3_600_000]);
  const midnight = readFileOf("asterisk/Master-midnight.csv", { ...acme, zone: "America/New_York" });
  same([callLines(midnight.outcomes), midnight.shiftMs], [small[2]![2], 5 * 3_600_000]);
});

test("records: cdr_custom by its sample, by a mapping of its own to the millisecond, and as JSON, tell the same calls", () => {
  const key = (line: string) => line.replace(/\.\d{3}/g, "");
  const master = new Set(callLines(readFileOf("asterisk/Master-main.csv").outcomes));
  const sample = callLines(readFileOf("asterisk/custom-Simple.csv").outcomes);
  const exact = callLines(readFileOf("asterisk/custom-exact.csv").outcomes);
  const json = callLines(readFileOf("asterisk/custom-exact.json").outcomes);
  same([sample.length, exact.length, json.length], [113, 85, 81]);
  ok(exact.every((line) => /\.\d{3}/.test(line)));
  ok(sample.filter((line) => master.has(line)).length >= 70);
  // Both columns have lost what Dial sent; neither has what the sample has not.
  for (const line of exact) ok(sample.includes(key(line)), line);
  for (const line of json) ok(sample.includes(line) || line.includes("?") || line.includes("+49305550778"), line); // a conference
  const columns =
    "src dst start,f answer,f end,f duration billsec disposition channel dstchannel uniqueid linkedid sequence lastapp dcontext";
  const mapping = columns
    .split(" ")
    .map((name) => "@{CSV_QUOTE(@{CDR(NAME)})}".replaceAll("@", "$").replace("NAME", name))
    .join(",");
  same(callLines(readFileOf("asterisk/custom-exact.csv", { ...acme, mapping }).outcomes), exact);
});

/** A row of cdr_csv, sent over trunk1 unless changed. */
const row = (changes: Readonly<Record<number, string>> = {}, more: ReadonlyArray<string> = []) =>
  printAsterisk([
    ...[
      "",
      "+14085550201",
      "+49305550901",
      "from-phones",
      '"Anna" <+14085550201>',
      "PJSIP/201-0000000a",
      "PJSIP/trunk1-0000000b",
      "Dial",
      "PJSIP/+49305550901@trunk1,20",
      "2026-11-30 00:11:10",
      "2026-11-30 00:11:12",
      "2026-11-30 00:12:00",
      "50",
      "48",
      "ANSWERED",
      "DOCUMENTATION",
    ].map((field, i) => changes[i] ?? field),
    ...more,
  ]);
const read = (rows: ReadonlyArray<string>, company = acme) =>
  readRecords(new TextEncoder().encode(rows.join("")), company).outcomes.map(lineOf);
const SENT = "sent +14085550201 > +49305550901 00:11:12 00:12:00";

test("records: any row gives its call or a reason, whatever stands in its fields, and however it is cut", () =>
  fc.assert(
    fc.property(
      fc.array(
        fc.dictionary(
          fc.integer({ min: 0, max: 15 }).map(String),
          fc.oneof(
            fc.string({ maxLength: 12 }),
            fc.constantFrom(
              "",
              "s",
              "201",
              "Local/5@x-00000001;2",
              "Local/5@x-00000001;1",
              "2026-11-30 00:11:11",
              "NO ANSWER",
              "ConfBridge",
            ),
          ),
          { maxKeys: 4 },
        ),
        { maxLength: 6 },
      ),
      fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 4 }),
      (changes, pieces) => {
        const bytes = new TextEncoder().encode(changes.map((change) => row(change)).join(""));
        const { outcomes, counts } = readRecords(bytes, acme, pieces);
        same(outcomes, readRecords(bytes).outcomes);
        same(counts.rows, changes.length);
        const lines = outcomes.flatMap((outcome) => (outcome.type === "call" ? outcome.of.lines : outcome.lines));
        ok(changes.every((_, i) => lines.length > i));
      },
    ),
    { numRuns: runs },
  ));

const cases: ReadonlyArray<readonly [what: string, rows: ReadonlyArray<string>, outcomes: ReadonlyArray<string>]> = [
  ["a plain call", [row()], [SENT]],
  ["chan_sip: trunk before the number", [row({ 6: "SIP/trunk1-0a3c", 8: "SIP/trunk1/+49305550901|60|tT" })], [SENT]],
  ["IAX2 with an account", [row({ 6: "IAX2/trunk1-4711", 8: "IAX2/user:x@trunk1/+49305550901@ctx,20" })], [SENT]],
  ["DAHDI by a group", [row({ 6: "DAHDI/i1/+49305550901-2b", 8: "DAHDI/g1/+49305550901,30" })], [SENT]],
  ["PJSIP with a URI", [row({ 8: "PJSIP/trunk1/sip:+49305550901@192.0.2.1,20" })], [SENT]],
  ["two trunks at once, other numbers", [row({ 8: "PJSIP/+4930555@trunk2&PJSIP/+49305550901@trunk1,20" })], [SENT]],
  ["a trunk whose name begins as another's", [row({ 6: "PJSIP/trunk11-0000000b" })], ["1: noTrunk"]],
  [
    "dialling data that Asterisk cut",
    [row({ 8: `PJSIP/${"x".repeat(60)}@trunk2&PJSIP/+493055` })],
    ["1: calledNoNumber"],
  ],
  ["no number in the data", [row({ 7: "Queue", 8: "support,,,,20" })], ["1: calledMissing"]],
  ["ANSWERED without a time of answer", [row({ 10: "" })], ["1: unanswered"]],
  ["NO ANSWER with one", [row({ 14: "NO ANSWER" })], [SENT]],
  ["two equal rows", [row(), row()], [SENT]],
  [
    "the same channel a day later is another call",
    [row(), row({ 9: "2026-12-01 00:11:10", 10: "2026-12-01 00:11:12", 11: "2026-12-01 00:12:00" })],
    [SENT, SENT],
  ],
  ["an extension as caller", [row({ 1: "203" })], [SENT.replace("+14085550201", "?")]],
  ["a stranger as caller", [row({ 1: "+49305550777" })], ["1: stranger"]],
  [
    "somebody without a number put through from trunk to trunk",
    [row({ 1: "anonymous", 5: "PJSIP/trunk2-00000001" })],
    ["1: stranger", "1: calledNotOurs"].reverse(),
  ],
  ["one of ours to one of ours", [row({ 8: "PJSIP/+14085550300@trunk1,20" })], ["1: betweenOurs"]],
  [
    "a transfer's rest without its begin",
    [
      row(
        {
          5: "PJSIP/trunk1-0000000b",
          6: "PJSIP/202-0000000c",
          1: "+49305550901",
          2: "+14085550202",
          8: "PJSIP/202,15",
        },
        ["1795997400.4", "", "", "1795997400.3", "9"],
      ),
    ],
    ["1: noBegin"],
  ],
  ["fields too few", ["a,b\n", row()], ["1: badLine", SENT]],
  ["a disposition that is none", [row(), row({ 14: "MAYBE" })], ["2: badLine", SENT]],
  ["end before answer", [row(), row({ 11: "2026-11-30 00:11:11" })], ["2: badLine", SENT]],
  ["longer than a week", [row(), row({ 11: "2026-12-10 00:11:11" })], ["2: badLine", SENT]],
];
for (const [what, rows, outcomes] of cases)
  test(`records: ${what}`, () =>
    same(
      read(rows, {
        ...acme,
        trunks: [
          { name: "trunk1", channels: ["PJSIP/trunk1", "SIP/trunk1", "IAX2/trunk1", "DAHDI/i1"] },
          { name: "trunk2", channels: ["trunk2"] },
        ],
      }),
      outcomes,
    ));

test("records: what a dialplan noted in userfield is believed before the columns", () => {
  const noted = (note: string, changes: Readonly<Record<number, string>>) =>
    read([row(changes, ["1795997470.15", note])]);
  const goto = { 1: "+49305550777", 2: "201", 5: "PJSIP/trunk1-00000001", 6: "PJSIP/201-00000002", 8: "PJSIP/201,15" };
  same(noted("", goto), ["1: calledNoNumber"]);
  same(noted("vipr:in&trunk=trunk1&called=+14085550301&calling=+49305550777", goto), [
    "received +49305550777 > +14085550301 00:11:12 00:12:00",
  ]);
  // Noted behind it by the dialplan that put the caller through: the call came in all the same.
  same(noted("vipr:in&called=+14085550301 vipr:out&called=+49305550999", { ...goto, 1: "x" }), [
    "received ? > +14085550301 00:11:12 00:12:00",
  ]);
  // Dialled by a click, the trunk first: nobody came in.
  same(noted("vipr:out&trunk=trunk1&called=+49305550901&calling=+14085550200", { ...goto, 1: "+14085550200" }), [
    "sent +14085550200 > +49305550901 00:11:12 00:12:00",
  ]);
  same(noted("x, vipr:out&called=+49305550903&calling=+14085550200&answer=1795997475.5", { 8: "" }), [
    "sent +14085550200 > +49305550903 00:11:15.500 00:12:00",
  ]);
});

test("records: without a trunk's name the numbers decide, and rows of one linkedid are one call", () => {
  const none = { ...acme, trunks: [], numbers: { ...acme.numbers, trunks: {} } };
  const ids = ["1795997470.15", "", "", "1795997470.15", "3"];
  same(
    read(
      [
        row({}, ids),
        row(
          {
            9: "2026-11-30 00:12:00",
            10: "2026-11-30 00:12:00",
            11: "2026-11-30 00:13:00",
            1: "+49305550901",
            2: "202",
          },
          ["1795997470.16", ...ids.slice(1, 4), "4"],
        ),
      ],
      none,
    ),
    ["sent +14085550201 > +49305550901 00:11:12 00:13:00"],
  );
  same(read([row({ 1: "+49305550777", 2: "+14085550201" })], none), [
    "received +49305550777 > +14085550201 00:11:12 00:12:00",
  ]);
  same(read([row({ 1: "203" })], none), [SENT.replace("+14085550201", "?")]);
  same(read([row({ 1: "+49305550777" })], none), ["1: sideUnknown"]);
});
