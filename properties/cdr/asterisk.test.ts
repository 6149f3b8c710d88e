/** Call records as Asterisk writes them: every call is told, and every other line says why not. */
import { ok, deepStrictEqual as same } from "node:assert";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { asteriskReader, printAsterisk, RECORD_CHARS_MAX, readAsterisk } from "../../codecs/cdr/mod.ts";
import { runs, test } from "../kit/harness.ts";

const law = (what: string, property: fc.IProperty<any>) =>
  test(`cdr: ${what}`, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: runs }));

const stamp = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");
const odd = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "\r\n", " ", "é", "\\"), maxLength: 8 });
const record = fc
  .record({
    src: fc.constantFrom("+14085550001", "0014085550001", "14085550001", "+1 (408) 555-0001", "", "anonymous"),
    dst: fc.constantFrom("+49305550001", "0049305550001", "49305550001"),
    startMs: fc.integer({ min: 1_300_000_000, max: 1_900_000_000 }).map((s) => 1_000 * s),
    ringS: fc.nat(60),
    talkS: fc.nat(5_000),
    disposition: fc.constantFrom("ANSWERED", "ANSWERED", "NO ANSWER", "BUSY", "FAILED"),
    clid: odd,
    userfield: odd,
    trailing: fc.constantFrom(0, 1, 2),
  })
  .map((call) => {
    const answerMs = call.startMs + 1_000 * call.ringS;
    const endMs = answerMs + 1_000 * call.talkS;
    const isAnswered = call.disposition === "ANSWERED";
    const fields = [
      "",
      call.src,
      call.dst,
      "ctx",
      call.clid,
      "SIP/a",
      "SIP/b",
      "Dial",
      "SIP/x,60,tT",
      stamp(call.startMs),
    ];
    const times = [
      isAnswered ? stamp(answerMs) : "",
      stamp(endMs),
      String(call.ringS + call.talkS),
      String(call.talkS),
    ];
    const tail = [call.disposition, "DOCUMENTATION", "1.1", call.userfield].slice(0, 2 + call.trailing);
    const row = printAsterisk([...fields, ...times, ...tail]);
    return { row, isAnswered, startMs: answerMs, durationMs: endMs - answerMs, src: call.src };
  });

law(
  "calls written are read back with their times, line ends and marks as they may be, in pieces of any size",
  fc.property(
    fc.array(record, { maxLength: 8 }),
    fc.boolean(),
    fc.boolean(),
    fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 6 }),
    (records, crlf, bom, sizes) => {
      const joined = records.map(({ row }) => (crlf ? `${row.slice(0, -1)}\r\n` : row)).join("");
      const text = (bom ? "\uFEFF" : "") + joined;
      const reader = asteriskReader()!;
      const readings = [];
      for (let at = 0, i = 0; at < text.length; i++) {
        const size = sizes[i % Math.max(1, sizes.length)] ?? text.length;
        readings.push(reader.push(text.slice(at, at + size)));
        at += size;
      }
      readings.push(reader.end());
      const calls = readings.flatMap(({ calls }) => calls);
      const problems = readings.flatMap(({ problems }) => problems);
      same(
        calls.map(({ startMs, durationMs }) => [startMs, durationMs]),
        records.filter(({ isAnswered }) => isAnswered).map(({ startMs, durationMs }) => [startMs, durationMs]),
      );
      ok(problems.every(({ kind }) => kind === "skipped"));
      same(problems.length, records.filter(({ isAnswered }) => !isAnswered).length);
      // A line's number is its first line's, counting the line ends inside quotes.
      const starts = records.map(
        (_, i) =>
          1 +
          [
            ...records
              .slice(0, i)
              .map(({ row }) => row)
              .join(""),
          ].filter((c) => c === "\n").length,
      );
      same(
        [...calls, ...problems].map(({ line }) => line).sort((a, b) => a - b),
        starts,
      );
      same(
        calls.every(({ calling }) => calling === undefined || calling.startsWith("+1408555")),
        true,
      );
    },
  ),
);
law(
  "any text gives calls and problems, the same ones however it is cut",
  fc.property(
    fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('"', ",", "\n", "\r", "a"), maxLength: 60 })),
    fc.integer({ min: 1, max: 9 }),
    (text, size) => {
      const reader = asteriskReader()!;
      const problems = [];
      for (let at = 0; at < text.length; at += size) problems.push(...reader.push(text.slice(at, at + size)).problems);
      problems.push(...reader.end().problems);
      same(problems, readAsterisk(text).problems);
    },
  ),
);
law(
  "a broken line costs itself and no other",
  fc.property(fc.array(record, { maxLength: 5 }), fc.array(record, { maxLength: 5 }), (before, after) => {
    const text = [...before.map(({ row }) => row), '"never closed"x,\n', ...after.map(({ row }) => row)].join("");
    const { calls, problems } = readAsterisk(text);
    same(calls.length, [...before, ...after].filter(({ isAnswered }) => isAnswered).length);
    same(
      problems.filter(({ kind }) => kind === "error").map(({ reason }) => reason),
      ["bad quoting"],
    );
  }),
);

const fields = (changes: Readonly<Record<number, string>> = {}) =>
  [
    "",
    "+14085550001",
    "+49305550001",
    "ctx",
    "clid",
    "SIP/a",
    "SIP/b",
    "Dial",
    "x",
    "2011-04-04 08:00:00",
    "2011-04-04 08:00:10",
    "2011-04-04 08:01:10",
    "70",
    "60",
    "ANSWERED",
    "DOCUMENTATION",
  ].map((field, i) => changes[i] ?? field);
const GOOD = printAsterisk(fields());
const bad: ReadonlyArray<readonly [string, string]> = [
  [printAsterisk(fields().slice(0, 15)), "15 fields, too few"],
  [printAsterisk([...fields(), ...Array.from({ length: 30 }, () => "x")]), "46 fields, too many"],
  [printAsterisk(fields({ 1: "Anna" })), "src is not an E.164 number"],
  [printAsterisk(fields({ 1: "600" })), "src is not an E.164 number"],
  [printAsterisk(fields({ 2: "s" })), "dst is not an E.164 number"],
  [printAsterisk(fields({ 2: "+0123456789" })), "dst is not an E.164 number"],
  [printAsterisk(fields({ 9: "yesterday" })), "start is not a time"],
  [printAsterisk(fields({ 10: "2011-02-30 08:00:10" })), "answer is not a time"],
  [printAsterisk(fields({ 10: "" })), "answer is not a time"],
  [printAsterisk(fields({ 11: "2011-04-04 24:00:00" })), "end is not a time"],
  [printAsterisk(fields({ 11: "2011-04-04 08:00:09" })), "end before answer"],
  [printAsterisk(fields({ 10: "2011-04-04 07:59:59" })), "answer before start"],
  [printAsterisk(fields({ 11: "2011-04-14 08:00:09" })), "longer than a week"],
  [printAsterisk(fields({ 14: "MAYBE" })), "disposition is none of Asterisk's"],
  [`"a"b,${GOOD}`, "bad quoting"],
  [`a"b,${GOOD}`, "bad quoting"],
  [`${"x".repeat(RECORD_CHARS_MAX + 1)}\n`, "too long"],
  [`"${"x".repeat(RECORD_CHARS_MAX + 1)}"\n`, "bad quoting"],
];
for (const [row, reason] of bad)
  test(`cdr: a line of which it is said: ${reason}`, () => {
    const { calls, problems } = readAsterisk(`${GOOD}${row}${GOOD}`);
    same([calls.map(({ line }) => line), problems], [[1, 3], [{ line: 2, kind: "error", reason }]]);
  });
test("cdr: calls that nobody answered are skipped and no errors", () => {
  const rows = ["NO ANSWER", "BUSY", "FAILED", "CONGESTION"].map((disposition) =>
    printAsterisk(fields({ 10: "", 14: disposition })),
  );
  same(
    readAsterisk(rows.join("")).problems.map(({ kind, reason }) => `${kind}: ${reason}`),
    ["skipped: no answer", "skipped: busy", "skipped: failed", "skipped: congestion"],
  );
});
test("cdr: an unclosed quote at the end is told by its own line", () => {
  const { calls, problems } = readAsterisk(`${GOOD}"${GOOD.slice(1, 60)}\n${GOOD}"open`);
  same([calls.length, problems.map(({ line }) => line)], [2, [2, 4]]);
});

const zones: ReadonlyArray<readonly [string, string, string]> = [
  ["UTC", "2011-07-01 12:00:00", "2011-07-01T12:00:00Z"],
  ["+09:00", "2011-07-01 12:00:00", "2011-07-01T03:00:00Z"],
  ["-03:30", "2011-07-01 12:00:00", "2011-07-01T15:30:00Z"],
  ["Europe/Berlin", "2011-07-01 12:00:00", "2011-07-01T10:00:00Z"],
  ["Europe/Berlin", "2011-01-01 12:00:00", "2011-01-01T11:00:00Z"],
  ["Europe/Berlin", "2011-03-27 01:59:59", "2011-03-27T00:59:59Z"],
  ["Europe/Berlin", "2011-03-27 03:00:00", "2011-03-27T01:00:00Z"],
  ["Europe/Berlin", "2011-10-30 02:30:00", "2011-10-30T00:30:00Z"], // comes twice: the first
  ["America/Los_Angeles", "2011-07-01 12:00:00", "2011-07-01T19:00:00Z"],
];
for (const [zone, local, instant] of zones)
  test(`cdr: ${local} in ${zone}`, () => {
    const row = printAsterisk(fields({ 9: local, 10: local, 11: local }));
    same(readAsterisk(row, { zone }).calls[0]?.startMs, Date.parse(instant));
  });
test("cdr: an unknown zone is a problem of line 0", () => {
  same(readAsterisk(GOOD, { zone: "Middle/Earth" }), {
    calls: [],
    problems: [{ line: 0, kind: "error", reason: "unknown time zone" }],
  });
});

test("cdr: the example file tells what the demonstration needs", () => {
  const text = readFileSync(new URL("../examples/Master.csv", import.meta.url), "utf8");
  const { calls, problems } = readAsterisk(text);
  ok(calls.length >= 200 && problems.length >= 20 && problems.every(({ kind }) => kind === "skipped"));
  const domains = ["+1408555", "+4930555", "+8135550"];
  for (const domain of domains) {
    const numbers = calls.flatMap(({ calling, called }) => [calling ?? "", called]).filter((n) => n.startsWith(domain));
    ok(new Set(numbers).size >= 25);
    for (const other of domains)
      if (other !== domain)
        ok(calls.filter(({ calling, called }) => calling?.startsWith(domain) && called.startsWith(other)).length >= 10);
  }
  ok(calls.some(({ calling }) => calling === undefined));
});
