/** Records and lines out of bytes: the same ones however the bytes are cut, each where it says that it stands. */
import { ok, deepStrictEqual as same } from "node:assert";
import fc from "fast-check";
import { csvCutter, RECORD_BYTES_MAX } from "../../codecs/cdr/csv.ts";
import { LINE_BYTES_MAX, lineCutter } from "../../codecs/cdr/lines.ts";
import type { Cutter } from "../../codecs/cdr/place.ts";
import { runs, test } from "../kit/harness.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const inPieces = <T>(cutter: Cutter<T>, bytes: Uint8Array, sizes: ReadonlyArray<number>): ReadonlyArray<T> => {
  const found: Array<T> = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % Math.max(1, sizes.length)] ?? bytes.length;
    found.push(...cutter.push(bytes.subarray(at, at + size)));
    at += size;
  }
  return [...found, ...cutter.end()];
};
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 6 });
const texts = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('"', ",", "\n", "\r", "a", "ü", "電", "\u{1f4de}"), maxLength: 60 }),
);
const law = (what: string, property: fc.IRawProperty<any>) => test(what, () => fc.assert(property, { numRuns: runs }));

law(
  "csv: what is written is read, with its lines and bytes, in pieces of any size, line ends and mark as they may be",
  fc.property(
    fc.array(fc.array(texts, { minLength: 2, maxLength: 5 }), { maxLength: 6 }),
    fc.boolean(),
    fc.boolean(),
    sizes,
    (records, crlf, mark, sizes) => {
      const rows = records.map(
        (fields) => `${fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(",")}${crlf ? "\r\n" : "\n"}`,
      );
      const text = (mark ? "\uFEFF" : "") + rows.join("");
      const bytes = utf8(text);
      const found = inPieces(csvCutter(), bytes, sizes);
      same(
        found.map((record) => (record.ok ? record.fields : record.why)),
        records,
      );
      let [line, offset] = [1, mark ? 3 : 0];
      for (const [i, record] of found.entries()) {
        const lines = rows[i]!.split("\n").length - 1;
        const size = utf8(rows[i]!).length;
        same([record.line, record.lines, record.offset, record.end], [line, lines, offset, offset + size]);
        [line, offset] = [line + lines, offset + size];
      }
    },
  ),
);
law(
  "csv: any bytes give the same records however they are cut, and each goes on where the one before ended",
  fc.property(fc.oneof(texts.map(utf8), fc.uint8Array({ maxLength: 200 })), sizes, (bytes, sizes) => {
    const found = inPieces(csvCutter(), bytes, sizes);
    same(found, inPieces(csvCutter(), bytes, []));
    for (const [i, { offset, end }] of found.entries()) ok(offset < end && (i === 0 || offset >= found[i - 1]!.end));
  }),
);
law(
  "csv: reading that begins at the end of any record gives the records behind it",
  fc.property(fc.array(texts, { minLength: 1, maxLength: 6 }), fc.nat(), (fields, pick) => {
    const bytes = utf8(fields.map((field) => `"${field.replaceAll('"', '""')}",x\n`).join(""));
    const all = inPieces(csvCutter(), bytes, []);
    const at = all[pick % all.length]!;
    const from = { offset: at.end, line: at.line + at.lines };
    same(inPieces(csvCutter(from), bytes.subarray(at.end), []), all.slice((pick % all.length) + 1));
  }),
);
law(
  "csv: a broken line costs itself and no other",
  fc.property(fc.array(texts, { maxLength: 5 }), fc.array(texts, { maxLength: 5 }), (before, after) => {
    const row = (field: string) => `"${field.replaceAll('"', '""')}",x\n`;
    const bytes = utf8([...before.map(row), '"never closed"x,\n', ...after.map(row)].join(""));
    const found = inPieces(csvCutter(), bytes, [7]);
    same(
      found.map((record) => (record.ok ? record.fields[0] : record.why)),
      [...before, "bad quoting", ...after],
    );
  }),
);
law(
  "lines: any bytes give the same lines however they are cut, and all of them together are the bytes",
  fc.property(fc.oneof(texts.map(utf8), fc.uint8Array({ maxLength: 200 })), sizes, (bytes, sizes) => {
    const found = inPieces(lineCutter(), bytes, sizes);
    same(found, inPieces(lineCutter(), bytes, []));
    const decoded = (from: number, to: number) =>
      new TextDecoder("utf-8", { ignoreBOM: from > 0 }).decode(bytes.subarray(from, to)).replace(/(?:\r?\n|\r)$/, "");
    for (const line of found) if (line.ok) same(decoded(line.offset, line.end), line.text);
    const text = new TextDecoder().decode(bytes);
    same(
      found.map((line) => (line.ok ? line.text : "")),
      text
        .split("\n")
        .map((line) => line.replace(/\r$/, ""))
        .filter((line) => line.trim() !== ""),
    );
  }),
);

const bad: ReadonlyArray<readonly [string, string]> = [
  ['"a"b,c', "bad quoting"],
  ['a"b,c', "bad quoting"],
  ["x".repeat(RECORD_BYTES_MAX + 1), "too long"],
  [`"${"x".repeat(RECORD_BYTES_MAX + 1)}"`, "bad quoting"],
  [`"${"x".repeat(3 * RECORD_BYTES_MAX)}`, "bad quoting"],
];
for (const [row, why] of bad)
  test(`csv: ${row.slice(0, 6)} of ${row.length} characters: ${why}, and only that line`, () => {
    for (const sizes of [[], [1_000], [1]]) {
      const found = inPieces(csvCutter(), utf8(`a,b\n${row}\nc,d\n`), sizes);
      same(
        found.map((record) => (record.ok ? record.fields.join() : `${record.line}: ${record.why}`)),
        ["a,b", `2: ${why}`, "c,d"],
      );
    }
  });
test("csv: an unclosed quote at the end is told by its own line, and a last line needs no line end", () => {
  const found = inPieces(csvCutter(), utf8('a,b\n"open,\nc,d\n"also open'), [3]);
  same(
    found.map((record) => [record.line, record.ok]),
    [
      [1, true],
      [2, false],
      [3, true],
      [4, false],
    ],
  );
  same(inPieces(csvCutter(), utf8("a,b\nc,d"), [2]).length, 2);
});
test("lines: one over the limit is refused, and the next one read", () => {
  const found = inPieces(lineCutter(), utf8(`a\n${"x".repeat(LINE_BYTES_MAX + 10)}\nb\n`), [100_000]);
  same(
    found.map((line) => (line.ok ? line.text : `${line.line}: ${line.why}`)),
    ["a", "2: too long", "b"],
  );
});

test("a line that is refused ends where it ends, however it was cut, and reading goes on at its begin", () => {
  const bytes = new TextEncoder().encode('a,b"c,d\ne,f\n"g"h');
  const recordsOf = (pieces: ReadonlyArray<Uint8Array>) => {
    const cutter = csvCutter();
    const records: Array<unknown> = [];
    for (const piece of pieces) {
      records.push(...cutter.push(piece));
      const { offset } = cutter.at();
      ok(offset === 0 || bytes[offset - 1] === 10, `${offset} is within a line`);
    }
    return [...records, ...cutter.end()];
  };
  const whole = recordsOf([bytes]);
  same(
    whole.map((record) => (record as { readonly ok: boolean; readonly end: number }).end),
    [8, 12, 16],
  );
  for (let at = 0; at <= bytes.length; at++) same(recordsOf([bytes.subarray(0, at), bytes.subarray(at)]), whole);
  same(recordsOf(Array.from(bytes, (byte) => Uint8Array.of(byte))), whole);
});
